/*
 * The matrix: a script is run once and recorded; then the power goes away in each of its flash
 * operations, in every way; after each, the store is mounted, checked and written to. The same
 * again in each operation of that recovery; and a third time at one of the operations of the
 * recovery from that.
 */
#ifndef RT_POWER_CUTS_H
#define RT_POWER_CUTS_H

#include "outcome.h"
#include "script.h"

typedef struct {
  uint32_t seed;
  uint32_t repeats; /* draws of each outcome in which chance has a part */
  /* Of so many outcomes of an operation one is cut again, another with each operation; 0: none. */
  uint32_t second_stride;
  uint32_t failures_most; /* stops there */
  /* Only this first cut, or RT_POWER_ALL. */
  uint32_t only_cut;
} rt_power_plan_t;

#define RT_POWER_ALL 0xffffffffu

typedef struct {
  uint64_t cut_points;                  /* flash operations of the scripts */
  uint64_t first[2][RT_POWER_OUTCOMES]; /* by kind of operation */
  uint64_t second, third, mounts, checks, puts;
  uint64_t mount_operations_most; /* of the flash, in one mount */
  uint64_t failures;
  uint32_t most_programs_of_a_page;
} rt_power_tally_t;

/* Adds to the tally, prints what fails. */
void rt_power_cut_script(const rt_power_script_t *script, const rt_power_plan_t *plan,
                         rt_power_tally_t *tally);

#endif
