/*
 * Adapters of the learner: places in RAM, of which one is in use, and slots in flash. What is known
 * of the adapter in each place is kept beside it and saved with it (store/adapter_record.h).
 */
#ifndef RT_SERVICES_LEARNER_PLACES_H
#define RT_SERVICES_LEARNER_PLACES_H

#include <stdint.h>

#include "store/adapter_record.h"

/* How an adapter has done: what a burst changes and `restore` brings back. */
typedef struct {
  uint32_t bursts;                              /* that trained it */
  uint16_t held_out, right_before, right_after; /* of the last check; 0: not checked */
  uint8_t is_changed;                           /* it is not what its slot holds */
} rt_learner_score_t;

/* An adapter in RAM. */
typedef struct {
  rt_learner_score_t score;
  uint32_t delta_counter; /* of the delta it comes from, 0 for none */
  uint8_t source;         /* rt_adapter_source_t */
  uint8_t slot;           /* it was loaded from or saved to last; RT_STORE_NO_SLOT */
  uint8_t name_bytes;
  uint8_t name[RT_ADAPTER_NAME_BYTES]; /* UTF-8, no zero behind it */
} rt_learner_place_t;

/* Hosts that provide the memory from outside count on this. */
#define RT_LEARNER_PLACE_BYTES 44u
_Static_assert(sizeof(rt_learner_place_t) == RT_LEARNER_PLACE_BYTES, "memory of a place");

#endif
