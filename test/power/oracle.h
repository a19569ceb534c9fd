/*
 * What the store must hold, kept beside it. A model says for each key which contents were
 * committed, newest first; contents are made from (key, serial), so that any byte of any other
 * content, or of none, is noticed.
 */
#ifndef RT_POWER_ORACLE_H
#define RT_POWER_ORACLE_H

#include <stdint.h>

#define RT_POWER_KEYS 14u
/* Versions that the model remembers. The store must keep RT_STORE_VERSIONS. */
#define RT_POWER_VERSIONS 6u

#define RT_POWER_CONTENT_MOST 12288u

typedef struct {
  uint32_t serial, bytes;
  uint8_t state; /* rt_adapter_state_t, of an adapter with metadata */
} rt_power_version_t;

typedef struct {
  rt_power_version_t version[RT_POWER_VERSIONS];
  /* Of these; `sure` of them must still be there, the others may have been cleared away. */
  uint32_t count, sure;
} rt_power_key_model_t;

typedef struct {
  rt_power_key_model_t key[RT_POWER_KEYS];
} rt_power_model_t;

/* The store's key of number `index`. */
uint16_t rt_power_key(uint32_t index);

typedef enum {
  RT_POWER_PUT = 0,
  RT_POWER_DROP = 1,
  RT_POWER_ROLL_BACK = 2,
  RT_POWER_REMOUNT = 3,
  RT_POWER_SET_STATE = 4, /* of an adapter with metadata */
} rt_power_verb_t;

typedef struct {
  rt_power_verb_t verb;
  uint32_t key;           /* number, not the store's key */
  uint32_t serial, bytes; /* of a put */
  uint8_t state;          /* to set */
} rt_power_step_t;

/* What a step makes of a model when it succeeds. */
void rt_power_model_step(rt_power_model_t *model, const rt_power_step_t *step);

/* Has the store do the step; its status. */
int rt_power_store_step(const rt_power_step_t *step);

typedef enum {
  RT_POWER_STEP_DONE = 0,
  RT_POWER_STEP_NOTHING, /* there was nothing to drop or to go back to */
  RT_POWER_STEP_FULL,
  RT_POWER_STEP_WRONG, /* not a status that the store may give here */
} rt_power_result_t;

/* What the store's answer to a step means. */
rt_power_result_t rt_power_judge(const rt_power_model_t *before, const rt_power_step_t *step,
                                 int status);

/*
 * Reads everything and returns which of the `count` models it is, or -1 and why in `reason`.
 * Models are tried in order.
 */
int rt_power_check(const rt_power_model_t *models, uint32_t count, const char **reason);

/*
 * When room is short a put takes the sectors of the version that it replaces as the second newest
 * before it commits: after a cut that one may be damaged, the newest never.
 */
void rt_power_expect_short_room(uint32_t is_short);

/* Adapters are written and read as adapter_record.h does it, and have states. */
void rt_power_expect_records(uint32_t are_records);

/* Whether these bytes are that version of key number `index`. */
uint32_t rt_power_is_content(uint32_t index, rt_power_version_t version, const uint8_t *data,
                             uint32_t bytes);

#endif
