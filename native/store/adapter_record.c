#include "store/adapter_record.h"

#include <stddef.h>

#include "engine/adapter_blob.h"

#define NAME_AT 40u
#define STATE_BYTES 8u /* number of a version, its state, zeros */

static void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value) {
  put16(at, value);
  put16(at + 2, value >> 16);
}

static uint32_t get16(const uint8_t *at) { return at[0] | ((uint32_t)at[1] << 8); }

static uint32_t get32(const uint8_t *at) { return get16(at) | (get16(at + 2) << 16); }

/* ---- names ---- */

/* Bytes of the UTF-8 sequence that begins with `first`; 0: none does. */
static uint32_t sequence_bytes(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Bytes of `name` that are whole characters before the first zero or bad byte. */
static uint32_t name_bytes(const uint8_t *name) {
  uint32_t at = 0;
  while (at < RT_ADAPTER_NAME_BYTES && name[at] != 0) {
    const uint32_t bytes = sequence_bytes(name[at]);
    if (bytes == 0 || at + bytes > RT_ADAPTER_NAME_BYTES) return at;
    for (uint32_t i = 1; i < bytes; i++) {
      if ((name[at + i] & 0xc0u) != 0x80u) return at;
    }
    at += bytes;
  }
  return at;
}

/* ---- bytes ---- */

void rt_adapter_record_pack(const rt_adapter_record_t *record,
                            uint8_t bytes[RT_ADAPTER_RECORD_BYTES]) {
  __builtin_memset(bytes, 0, RT_ADAPTER_RECORD_BYTES);
  put32(bytes, RT_ADAPTER_RECORD_MAGIC);
  put16(bytes + 4, RT_ADAPTER_RECORD_FORMAT);
  put16(bytes + 6, RT_ADAPTER_RECORD_BYTES);
  put32(bytes + 8, record->model_hash);
  put32(bytes + 12, record->layout_hash);
  bytes[16] = record->method;
  bytes[17] = record->rank;
  bytes[18] = record->source;
  bytes[19] = record->state;
  put16(bytes + 20, record->held_out);
  put16(bytes + 22, record->right_before);
  put16(bytes + 24, record->right_after);
  put32(bytes + 28, record->saves);
  put32(bytes + 32, record->bursts);
  put32(bytes + 36, record->delta_counter);
  __builtin_memcpy(bytes + NAME_AT, record->name, name_bytes(record->name));
  put32(bytes + 64, record->blob_bytes);
}

/* The blob's own header says what a record without metadata is of. */
static rt_status_t parse_bare(const uint8_t *data, uint32_t bytes, rt_adapter_record_t *record,
                              const uint8_t **blob) {
  if (bytes < RT_BLOB_HEADER_BYTES) return RT_ERROR_BLOB_FORMAT;
  *record = (rt_adapter_record_t){.model_hash = get32(data + 8),
                                  .layout_hash = get32(data + 12),
                                  .method = data[6],
                                  .rank = data[7],
                                  .blob_bytes = bytes};
  *blob = data;
  return RT_OK;
}

rt_status_t rt_adapter_record_parse(const uint8_t *data, uint32_t bytes,
                                    rt_adapter_record_t *record, const uint8_t **blob) {
  if (bytes < 4) return RT_ERROR_BLOB_FORMAT;
  if (get32(data) == RT_BLOB_MAGIC) return parse_bare(data, bytes, record, blob);
  if (bytes < RT_ADAPTER_RECORD_BYTES || get32(data) != RT_ADAPTER_RECORD_MAGIC ||
      get16(data + 4) != RT_ADAPTER_RECORD_FORMAT) {
    return RT_ERROR_BLOB_FORMAT;
  }
  const uint32_t before = get16(data + 6);
  if (before < RT_ADAPTER_RECORD_BYTES || before > bytes || get32(data + 64) != bytes - before) {
    return RT_ERROR_BLOB_FORMAT;
  }
  *record = (rt_adapter_record_t){.model_hash = get32(data + 8),
                                  .layout_hash = get32(data + 12),
                                  .method = data[16],
                                  .rank = data[17],
                                  .source = data[18],
                                  .state = data[19],
                                  .held_out = (uint16_t)get16(data + 20),
                                  .right_before = (uint16_t)get16(data + 22),
                                  .right_after = (uint16_t)get16(data + 24),
                                  .saves = get32(data + 28),
                                  .bursts = get32(data + 32),
                                  .delta_counter = get32(data + 36),
                                  .blob_bytes = bytes - before};
  __builtin_memcpy(record->name, data + NAME_AT, name_bytes(data + NAME_AT));
  *blob = data + before;
  return RT_OK;
}

/* ---- slots ---- */

rt_status_t rt_adapter_record_put(uint32_t slot, rt_adapter_record_t *record,
                                  const rt_store_part_t *parts, uint32_t count) {
  uint8_t head[RT_ADAPTER_RECORD_BYTES];
  rt_store_part_t all[1 + RT_ADAPTER_RECORD_PARTS];
  if (slot >= RT_STORE_SLOTS || count > RT_ADAPTER_RECORD_PARTS) return RT_ERROR_ARGUMENT;
  record->blob_bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    all[1 + i] = parts[i];
    record->blob_bytes += parts[i].bytes;
  }
  rt_adapter_record_pack(record, head);
  all[0] = (rt_store_part_t){head, sizeof head};
  return rt_store_put((uint16_t)(RT_STORE_KEY_ADAPTER + slot), all, 1 + count);
}

/* The state that was said last of the version of this number; `state` when none was. */
static uint8_t state_of(uint32_t slot, uint32_t number, uint8_t state) {
  const uint8_t *states;
  uint32_t bytes;
  const uint16_t key = (uint16_t)(RT_STORE_KEY_ADAPTER_STATE + slot);
  if (rt_store_get(key, &states, &bytes) != RT_OK) return state;
  for (uint32_t at = 0; at + STATE_BYTES <= bytes; at += STATE_BYTES) {
    if (get32(states + at) == number) return states[at + 4];
  }
  return state;
}

rt_status_t rt_adapter_record_get(uint32_t slot, uint32_t back, rt_adapter_record_t *record,
                                  const uint8_t **blob) {
  const uint8_t *data;
  uint32_t bytes;
  rt_store_entry_t entry;
  if (slot >= RT_STORE_SLOTS) return RT_ERROR_ARGUMENT;
  const uint16_t key = (uint16_t)(RT_STORE_KEY_ADAPTER + slot);
  rt_status_t status = rt_store_find_version(key, back, &entry);
  if (status == RT_OK) status = rt_store_get_version(key, back, &data, &bytes);
  if (status == RT_OK) status = rt_adapter_record_parse(data, bytes, record, blob);
  if (status == RT_OK) record->state = state_of(slot, entry.number, record->state);
  return status;
}

/* The states of all versions that there are, as one small record. */
rt_status_t rt_adapter_record_set_state(uint32_t slot, rt_adapter_state_t state) {
  uint8_t states[RT_STORE_VERSIONS * STATE_BYTES] = {0};
  uint32_t count = 0;
  rt_store_entry_t entry;
  if (slot >= RT_STORE_SLOTS) return RT_ERROR_ARGUMENT;
  const uint16_t key = (uint16_t)(RT_STORE_KEY_ADAPTER + slot);
  while (count < RT_STORE_VERSIONS && rt_store_find_version(key, count, &entry) == RT_OK) {
    const uint8_t *blob;
    rt_adapter_record_t record;
    uint8_t *at = states + count * STATE_BYTES;
    put32(at, entry.number);
    at[4] = (uint8_t)state;
    if (count > 0 && rt_adapter_record_get(slot, count, &record, &blob) == RT_OK) {
      at[4] = record.state;
    }
    count++;
  }
  if (count == 0) return RT_ERROR_EMPTY;
  const rt_store_part_t part = {states, count * STATE_BYTES};
  return rt_store_put((uint16_t)(RT_STORE_KEY_ADAPTER_STATE + slot), &part, 1);
}
