/*
 * What happens to a flash without any cut: bits that flip while it lies there, sectors that no
 * longer erase or program, and many saves.
 */
#ifndef RT_POWER_AGING_H
#define RT_POWER_AGING_H

#include "script.h"

typedef struct {
  uint64_t tried;
  uint64_t harmless;   /* everything was still there */
  uint64_t fell_back;  /* an older version was given instead */
  uint64_t reported;   /* a key was said to be damaged */
  uint64_t missing;    /* a key was said not to be there */
  uint64_t stale;      /* a key had content that it had before, and that was dropped or replaced */
  uint64_t wrong;      /* a content that never was, or no mount */
  uint64_t unwritable; /* and afterwards nothing could be saved */
} rt_power_flips_t;

/* Flips 1 to 4 bits in the store after a script, `count` times; mounts, reads, writes. */
void rt_power_flip_bits(const rt_power_script_t *script, uint32_t count, rt_power_flips_t *flips);

typedef struct {
  uint64_t tried;
  uint64_t went_on; /* every step as on a sound flash */
  uint64_t refused; /* steps that the store refused, losing nothing */
  uint64_t failures;
} rt_power_stuck_t;

/*
 * Plays the script with a sector of which erasing or programming fails from a step on, in all kinds
 * and on boards that notice and boards that do not.
 */
void rt_power_stick_sectors(const rt_power_script_t *script, uint32_t count,
                            rt_power_stuck_t *stuck);

typedef struct {
  uint32_t saves, bytes;
  uint32_t erases, programs;
  uint32_t least_erases, most_erases; /* of a sector for payloads */
  uint32_t most_log_erases;
  uint32_t sectors; /* for payloads */
  uint64_t failures;
} rt_power_wear_t;

/* Saves an adapter of `bytes` so many times into slots in turn, with a start in between now and
 * then. */
void rt_power_wear_out(uint32_t sectors, uint32_t saves, uint32_t bytes, rt_power_wear_t *wear);

#endif
