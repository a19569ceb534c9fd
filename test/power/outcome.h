/*
 * What a power cut in the middle of a flash operation leaves behind. Data sheets promise nothing;
 * these are what has been measured on real chips (torn programs and half erased sectors, and cells
 * between 0 and 1, which read now as one and later as the other), and the worst of each.
 */
#ifndef RT_POWER_OUTCOME_H
#define RT_POWER_OUTCOME_H

#include "flash.h"

typedef enum {
  RT_POWER_NOT_BEGUN = 0,
  RT_POWER_DONE,          /* complete; the power went before anything else */
  RT_POWER_PREFIX,        /* a part of the bytes from the start on */
  RT_POWER_RANDOM_BITS,   /* any of the bits that were to change */
  RT_POWER_ONE_BIT_LEFT,  /* all of them but one */
  RT_POWER_ONE_BIT_DONE,  /* one of them */
  RT_POWER_WEAK,          /* reads as done; cells that changed are weak */
  RT_POWER_WEAK_PREFIX,   /* a part from the start on, weak; behind it as before */
  RT_POWER_PREPROGRAMMED, /* erase only: chips clear cells before they set them all; any of the bits
                             are 0 */
  RT_POWER_HALF_ERASED,   /* erase only: 0xff, then random bits set, then random bits cleared */
  RT_POWER_OUTCOMES,
} rt_power_outcome_t;

const char *rt_power_outcome_name(rt_power_outcome_t outcome);

/* Whether an operation of this kind can end so. */
uint32_t rt_power_outcome_is_of(rt_power_outcome_t outcome, rt_power_kind_t kind);

/* Whether chance is in it: others need to be tried only once. */
uint32_t rt_power_outcome_is_random(rt_power_outcome_t outcome);

/* Changes the image from before the operation to what it is at the next start. */
void rt_power_outcome_apply(rt_power_outcome_t outcome, rt_power_image_t *image,
                            const rt_power_operation_t *operation, rt_power_random_t *random);

#endif
