/*
 * Scripts: what a board does with its store over a while, in few sectors so that every path is
 * taken often. Made from a profile and a seed; the same for the same two.
 */
#ifndef RT_POWER_SCRIPT_H
#define RT_POWER_SCRIPT_H

#include "oracle.h"

#define RT_POWER_STEPS_MOST 400u

typedef struct {
  const char *name;
  uint32_t sectors; /* for payloads */
  uint32_t steps;
  uint32_t adapters, settings; /* keys used of each kind */
  uint32_t adapter_bytes_least, adapter_bytes_most;
  uint32_t setting_bytes_most;
  /* Of 100 steps. What is left are puts of adapters. */
  uint32_t drops, roll_backs, remounts, states, puts_of_settings;
  uint32_t has_records;   /* adapters with metadata and states: adapter_record.h */
  uint32_t may_be_full;   /* the store may refuse a put for want of room */
  uint32_t second_stride; /* times the plan's */
} rt_power_profile_t;

typedef struct {
  const rt_power_profile_t *profile;
  uint32_t seed;
  uint32_t count;
  rt_power_step_t step[RT_POWER_STEPS_MOST];
} rt_power_script_t;

extern const rt_power_profile_t rt_power_profiles[];
extern const uint32_t rt_power_profile_count;

void rt_power_script_make(rt_power_script_t *script, const rt_power_profile_t *profile,
                          uint32_t seed);

/* Sectors of the region that are not for payloads: staging area and log. */
uint32_t rt_power_other_sectors(void);

#endif
