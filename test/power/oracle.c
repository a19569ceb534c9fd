#include "oracle.h"

#include <stdio.h>
#include <string.h>

#include "random.h"
#include "store/adapter_record.h"
#include "store/store.h"

#define ADAPTERS RT_STORE_SLOTS
#define VERSIONS_READ_MOST 64u

static uint32_t room_may_be_short, adapters_are_records;

void rt_power_expect_records(uint32_t are_records) { adapters_are_records = are_records; }

void rt_power_expect_short_room(uint32_t is_short) { room_may_be_short = is_short; }

uint16_t rt_power_key(uint32_t index) {
  if (index < ADAPTERS) return (uint16_t)(RT_STORE_KEY_ADAPTER + index);
  return (uint16_t)(RT_STORE_KEY_SETTING + index - ADAPTERS);
}

/* ---- Contents ---- */

static uint32_t is_record(uint32_t index) { return adapters_are_records && index < ADAPTERS; }

/* Metadata that belongs to a version, as it is written: one in two comes as a delta. */
static void describe(rt_power_version_t version, rt_adapter_record_t *record) {
  const uint32_t is_delta = version.serial & 1u;
  *record = (rt_adapter_record_t){.model_hash = 0x12345678u,
                                  .layout_hash = 0x9abcdef0u,
                                  .method = 2,
                                  .rank = 4,
                                  .source = is_delta ? RT_ADAPTER_DELTA : RT_ADAPTER_TRAINED,
                                  .state = is_delta ? RT_ADAPTER_FRESH : RT_ADAPTER_KEPT,
                                  .held_out = 40,
                                  .right_before = (uint16_t)(version.serial % 40u),
                                  .right_after = 40,
                                  .saves = version.serial,
                                  .bursts = 3 * version.serial,
                                  .delta_counter = is_delta ? version.serial : 0,
                                  .blob_bytes = version.bytes - RT_ADAPTER_RECORD_BYTES};
  snprintf((char *)record->name, sizeof record->name, "adapter %u", (unsigned)version.serial);
}

/* Words of a random sequence of their own; the first says whose they are. */
static void fill(uint32_t index, rt_power_version_t version, uint8_t *content) {
  rt_power_random_t random = {rt_power_mix(index + 1, version.serial)};
  uint32_t word = version.serial << 4 ^ index, bytes = version.bytes;
  if (is_record(index)) {
    rt_adapter_record_t record;
    describe(version, &record);
    rt_adapter_record_pack(&record, content);
    content += RT_ADAPTER_RECORD_BYTES;
    bytes -= RT_ADAPTER_RECORD_BYTES;
  }
  for (uint32_t i = 0; i < bytes; i++) {
    content[i] = (uint8_t)(word >> 8 * (i & 3u));
    if ((i & 3u) == 3) word = rt_power_random(&random);
  }
}

uint32_t rt_power_is_content(uint32_t index, rt_power_version_t version, const uint8_t *data,
                             uint32_t bytes) {
  if (bytes != version.bytes) return 0;
  static uint8_t expected[RT_POWER_CONTENT_MOST];
  fill(index, version, expected);
  return memcmp(expected, data, bytes) == 0;
}

/* ---- The model ---- */

void rt_power_model_step(rt_power_model_t *model, const rt_power_step_t *step) {
  rt_power_key_model_t *key = &model->key[step->key];
  if (step->verb == RT_POWER_DROP) {
    key->count = key->sure = 0;
  } else if (step->verb == RT_POWER_ROLL_BACK) {
    memmove(key->version, key->version + 1, sizeof key->version - sizeof key->version[0]);
    key->count--;
    key->sure = key->sure > 1 ? key->sure - 1 : 1;
  } else if (step->verb == RT_POWER_SET_STATE) {
    key->version[0].state = step->state;
  } else if (step->verb == RT_POWER_PUT) {
    memmove(key->version + 1, key->version, sizeof key->version - sizeof key->version[0]);
    rt_adapter_record_t record;
    key->version[0] = (rt_power_version_t){.serial = step->serial, .bytes = step->bytes};
    if (is_record(step->key)) {
      describe(key->version[0], &record);
      key->version[0].state = record.state;
    }
    if (key->count < RT_POWER_VERSIONS) key->count++;
    if (key->sure < RT_STORE_VERSIONS) key->sure++;
  }
}

/* ---- Steps ---- */

/* In up to four parts of odd lengths, as services hand over headers and blobs. */
static int put(const rt_power_step_t *step) {
  static uint8_t content[RT_POWER_CONTENT_MOST];
  const rt_power_version_t version = {.serial = step->serial, .bytes = step->bytes};
  fill(step->key, version, content);
  if (is_record(step->key)) {
    rt_adapter_record_t record;
    describe(version, &record);
    const rt_store_part_t blob = {.data = content + RT_ADAPTER_RECORD_BYTES,
                                  .bytes = step->bytes - RT_ADAPTER_RECORD_BYTES};
    return rt_adapter_record_put(step->key, &record, &blob, 1);
  }
  rt_power_random_t random = {step->serial};
  rt_store_part_t parts[4];
  uint32_t at = 0, count = 0;
  for (; count < 3; count++) {
    const uint32_t bytes = rt_power_below(&random, (step->bytes - at) / 2 + 1);
    parts[count] = (rt_store_part_t){.data = content + at, .bytes = bytes};
    at += bytes;
  }
  parts[count++] = (rt_store_part_t){.data = content + at, .bytes = step->bytes - at};
  return rt_store_put(rt_power_key(step->key), parts, count);
}

int rt_power_store_step(const rt_power_step_t *step) {
  switch (step->verb) {
    case RT_POWER_PUT:
      return put(step);
    case RT_POWER_DROP:
      return rt_store_drop(rt_power_key(step->key));
    case RT_POWER_SET_STATE:
      return rt_adapter_record_set_state(step->key, (rt_adapter_state_t)step->state);
    case RT_POWER_ROLL_BACK:
      return rt_store_roll_back(rt_power_key(step->key));
    default:
      return rt_store_init();
  }
}

rt_power_result_t rt_power_judge(const rt_power_model_t *before, const rt_power_step_t *step,
                                 int status) {
  const rt_power_key_model_t *key = &before->key[step->key];
  if (status == RT_OK) {
    /* Nothing to roll back to, and yet it did. */
    const uint32_t is_wrong = step->verb == RT_POWER_ROLL_BACK && key->count < 2;
    return is_wrong ? RT_POWER_STEP_WRONG : RT_POWER_STEP_DONE;
  }
  if (step->verb == RT_POWER_PUT || (step->verb == RT_POWER_SET_STATE && key->count > 0)) {
    return status == RT_ERROR_FULL ? RT_POWER_STEP_FULL : RT_POWER_STEP_WRONG;
  }
  if (status != RT_ERROR_EMPTY) return RT_POWER_STEP_WRONG;
  if (step->verb != RT_POWER_ROLL_BACK && key->count == 0) return RT_POWER_STEP_NOTHING;
  /* An older version that need not be kept may be gone. */
  if (step->verb == RT_POWER_ROLL_BACK && (key->sure < 2 || room_may_be_short))
    return RT_POWER_STEP_NOTHING;
  return RT_POWER_STEP_WRONG;
}

/* ---- What is there ---- */

/* Where each version of a key lies, newest first; read once and compared with every model. */
typedef struct {
  const uint8_t *data[VERSIONS_READ_MOST];
  uint32_t bytes[VERSIONS_READ_MOST];
  uint32_t count;
  uint32_t damaged; /* versions of which the store says so */
} found_t;

static const char *read_key(uint32_t index, found_t *found) {
  const uint16_t key = rt_power_key(index);
  found->count = found->damaged = 0;
  for (uint32_t back = 0; back < VERSIONS_READ_MOST; back++) {
    const rt_status_t status =
        rt_store_get_version(key, back, &found->data[back], &found->bytes[back]);
    if (status == RT_ERROR_EMPTY) break;
    if (status == RT_ERROR_BLOB_CHECKSUM && back > 0) {
      found->data[back] = NULL;
      found->damaged++;
    } else if (status != RT_OK) {
      return "reading a version fails";
    }
    found->count++;
  }
  const uint8_t *data;
  uint32_t bytes;
  const rt_status_t status = rt_store_get(key, &data, &bytes);
  if (status != (found->count == 0 ? RT_ERROR_EMPTY : RT_OK)) return "reading the newest fails";
  if (status == RT_OK && (data != found->data[0] || bytes != found->bytes[0])) {
    return "the newest is not version 0";
  }
  return NULL;
}

static const char *compare_states(const rt_power_key_model_t *model, uint32_t index,
                                  const found_t *found) {
  for (uint32_t i = 0; i < found->count && i < model->count; i++) {
    rt_adapter_record_t record;
    const uint8_t *blob;
    if (found->data[i] == NULL) continue;
    if (rt_adapter_record_get(index, i, &record, &blob) != RT_OK) return "its record is no record";
    if (blob != found->data[i] + RT_ADAPTER_RECORD_BYTES) return "its blob is elsewhere";
    if (record.state != model->version[i].state) return "a version is in another state";
  }
  return NULL;
}

static const char *compare_key(const rt_power_key_model_t *model, uint32_t index,
                               const found_t *found) {
  if (found->damaged > 0 && !room_may_be_short) return "an older version is damaged";
  if (found->count == 0 && model->sure > 0) return "a key is lost";
  if (found->count > 0 && model->count == 0) return "a dropped key is back";
  if (found->count < model->sure) return "an older version is lost";
  if (model->count < RT_POWER_VERSIONS && found->count > model->count) {
    return "a version that was taken back is there";
  }
  for (uint32_t i = 0; i < found->count && i < model->count; i++) {
    if (found->data[i] == NULL) continue;
    if (rt_power_is_content(index, model->version[i], found->data[i], found->bytes[i])) continue;
    return i == 0 ? "a key has other content" : "an older version has other content";
  }
  return is_record(index) ? compare_states(model, index, found) : NULL;
}

static uint32_t is_state(uint16_t key) {
  return adapters_are_records && key >= RT_STORE_KEY_ADAPTER_STATE &&
         key < RT_STORE_KEY_ADAPTER_STATE + ADAPTERS;
}

/* Every key with content is listed, once, and no other. */
static const char *check_list(const found_t *found) {
  uint32_t seen[RT_POWER_KEYS] = {0};
  uint32_t cursor = 0;
  rt_store_entry_t entry;
  while (rt_store_next(&cursor, &entry) == RT_OK) {
    uint32_t index = 0;
    if (is_state(entry.key)) continue;
    while (index < RT_POWER_KEYS && rt_power_key(index) != entry.key) index++;
    if (index == RT_POWER_KEYS) return "the list has a key that nobody wrote";
    if (seen[index]++ > 0) return "the list has a key twice";
    if (found[index].count == 0) return "the list has a key that cannot be read";
    if (entry.bytes != found[index].bytes[0]) return "the list has another size";
    if (entry.versions != found[index].count) return "the list has another number of versions";
  }
  for (uint32_t i = 0; i < RT_POWER_KEYS; i++) {
    if (found[i].count > 0 && seen[i] == 0) return "the list lacks a key";
  }
  return NULL;
}

static const char *compare(const rt_power_model_t *model, const found_t *found) {
  static char text[80];
  for (uint32_t i = 0; i < RT_POWER_KEYS; i++) {
    const char *reason = compare_key(&model->key[i], i, &found[i]);
    if (reason == NULL) continue;
    snprintf(text, sizeof text, "key 0x%04x: %s", rt_power_key(i), reason);
    return text;
  }
  return NULL;
}

int rt_power_check(const rt_power_model_t *models, uint32_t count, const char **reason) {
  static found_t found[RT_POWER_KEYS];
  for (uint32_t i = 0; i < RT_POWER_KEYS; i++) {
    *reason = read_key(i, &found[i]);
    if (*reason != NULL) return -1;
  }
  *reason = check_list(found);
  if (*reason != NULL) return -1;
  for (uint32_t i = 0; i < count; i++) {
    *reason = compare(&models[i], found);
    if (*reason == NULL) return (int)i;
  }
  return -1;
}
