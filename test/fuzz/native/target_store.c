/*
 * The store on flash that holds anything: mount, then records written, read, rolled back and
 * dropped, with the power cut at some flash operation and sectors that take nothing.
 * Input: one byte of choices, then (with CHOICE_DAMAGE) what the flash holds, then steps.
 *
 * On flash that only the store has written, a model is kept beside it: a key is what was written
 * last, or, after a cut, what it was before; never anything else, and never gone.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "store/adapter_record.h"
#include "store/internal.h"
#include "targets.h"

#define CHOICE_DAMAGE 0x01u
#define KEYS 10u
#define MOST_STEPS 60u
#define LARGEST_BYTES 9000u
#define STAGING 0x5au

static const uint16_t keys[KEYS] = {0x100, 0x101, 0x102,  0x107, 0x120,
                                    0x200, 0x210, 0x1000, 1,     0xfffe};

/* What a key holds: `bytes` bytes of a pattern. */
typedef struct {
  uint32_t bytes;
  uint8_t pattern, is_there;
} value_t;

static struct {
  fuzz_input_t *input;
  value_t value[KEYS]; /* after the last call that succeeded */
  value_t next;        /* of the key being written, while it is */
  uint32_t writing;    /* its index; KEYS: none */
  uint32_t steps;
  uint8_t is_checked; /* the store wrote all that is there */
  uint8_t is_stuck;
} model;

/* ---- Payloads ---- */

/* Good until the next call: a power cut leaves no time to give memory back. */
static uint8_t *pattern_of(const value_t *value) {
  static uint8_t *bytes;
  free(bytes);
  bytes = malloc(value->bytes == 0 ? 1 : value->bytes);
  if (bytes == NULL) abort();
  for (uint32_t i = 0; i < value->bytes; i++)
    bytes[i] = (uint8_t)(value->pattern + i * 7u + (i >> 8));
  return bytes;
}

static uint32_t holds(const value_t *value, rt_status_t status, const uint8_t *data,
                      uint32_t bytes) {
  if (!value->is_there) return status == RT_ERROR_EMPTY;
  if (status != RT_OK || bytes != value->bytes) return 0;
  return memcmp(pattern_of(value), data, bytes) == 0;
}

/* ---- What must hold ---- */

/* Reads every byte of what the store hands out: all of it lies in its flash. */
static uint32_t sum_of(const uint8_t *data, uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes; i++) sum += data[i];
  return sum;
}

static void check_key(uint32_t index) {
  const uint8_t *data = NULL;
  uint32_t bytes = 0;
  const rt_status_t status = rt_store_get(keys[index], &data, &bytes);
  if (status == RT_OK) sum_of(data, bytes);
  if (!model.is_checked) return;
  if (index == model.writing && holds(&model.next, status, data, bytes)) {
    model.value[index] = model.next;
  }
  FUZZ_CHECK(holds(&model.value[index], status, data, bytes));
}

static void check_list(void) {
  rt_store_entry_t entry, same;
  uint32_t cursor = 0, count = 0;
  while (rt_store_next(&cursor, &entry) == RT_OK) {
    FUZZ_CHECK(++count <= RT_STORE_RECORDS_MAX);
    FUZZ_CHECK(entry.versions >= 1 && entry.versions <= RT_STORE_VERSIONS);
    FUZZ_CHECK(rt_store_find(entry.key, &same) == RT_OK && same.number == entry.number);
    const uint8_t *data;
    uint32_t bytes;
    for (uint32_t back = 0; back <= RT_STORE_VERSIONS; back++) {
      if (rt_store_get_version(entry.key, back, &data, &bytes) == RT_OK) sum_of(data, bytes);
    }
  }
  rt_store_stats_t stats;
  rt_store_stats(&stats);
  FUZZ_CHECK(stats.keys == count && stats.records <= RT_STORE_RECORDS_MAX);
  FUZZ_CHECK(stats.free_sectors <= stats.sectors && stats.retired_sectors <= stats.sectors);
}

static void check_staging(void) {
  uint32_t offset, bytes;
  if (rt_store_staging(&offset, &bytes) != RT_OK || !model.is_checked) return;
  const uint8_t *data = rt_hal_flash_data(offset);
  for (uint32_t i = 0; i < bytes; i++) FUZZ_CHECK(data[i] == STAGING);
}

static void check_all(void) {
  for (uint32_t i = 0; i < KEYS; i++) check_key(i);
  model.writing = KEYS;
  check_list();
}

/* ---- Steps ---- */

static void put(uint32_t head) {
  static const uint16_t sizes[] = {0, 1, 40, 41, 256, 3992, 4096, 4097};
  const uint32_t size = fuzz_take16(model.input), index = (head & 0xfu) % KEYS;
  model.next = (value_t){.bytes = size & 0x8000u ? sizes[size & 7u] : size % LARGEST_BYTES,
                         .pattern = (uint8_t)(head + model.steps),
                         .is_there = 1};
  model.writing = index;
  uint8_t *bytes = pattern_of(&model.next);
  const uint32_t first = model.next.bytes / 3u;
  const rt_store_part_t parts[] = {{bytes, first}, {bytes + first, model.next.bytes - first}};
  const rt_status_t status = rt_store_put(keys[index], parts, 2);
  FUZZ_CHECK(status == RT_OK || status == RT_ERROR_FULL || status == RT_ERROR_STATE);
  if (status == RT_ERROR_STATE && model.is_checked) FUZZ_CHECK(model.is_stuck);
  if (status == RT_OK) model.value[index] = model.next;
  model.writing = KEYS;
}

/* What the version before was, the store knows; so the model reads it first. */
static void roll_back(uint32_t index) {
  const uint8_t *data = NULL;
  uint32_t bytes = 0;
  const rt_status_t before = rt_store_get_version(keys[index], 1, &data, &bytes);
  const uint8_t pattern = before == RT_OK && bytes > 0 ? data[0] : 0;
  model.next = (value_t){.bytes = bytes, .pattern = pattern, .is_there = 1};
  model.writing = index;
  const rt_status_t status = rt_store_roll_back(keys[index]);
  if (model.is_checked && !model.is_stuck) FUZZ_CHECK(status == before);
  if (status == RT_OK) model.value[index] = model.next;
  model.writing = KEYS;
}

static void drop(uint32_t index) {
  model.next = (value_t){.is_there = 0};
  model.writing = index;
  const rt_status_t status = rt_store_drop(keys[index]);
  if (model.is_checked && !model.is_stuck) {
    FUZZ_CHECK(status == (model.value[index].is_there ? RT_OK : RT_ERROR_EMPTY));
  }
  if (status == RT_OK) model.value[index] = model.next;
  model.writing = KEYS;
}

/* Records of adapters, whatever lies under their keys. */
static void read_record(uint32_t head) {
  rt_adapter_record_t record;
  const uint8_t *blob;
  const uint32_t slot = head & 0xfu;
  for (uint32_t back = 0; back < RT_STORE_VERSIONS; back++) {
    if (rt_adapter_record_get(slot, back, &record, &blob) == RT_OK) sum_of(blob, record.blob_bytes);
  }
  FUZZ_CHECK(rt_store_newest() < RT_STORE_SLOTS || rt_store_newest() == RT_STORE_NO_SLOT);
}

static void step(void) {
  const uint32_t head = fuzz_take8(model.input), index = (head & 0xfu) % KEYS;
  switch (head >> 4) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      put(head);
      return;
    case 7:
    case 8:
      roll_back(index);
      return;
    case 9:
      drop(index);
      return;
    case 10: /* the power goes soon */
    case 11:
      fuzz_cut_power_at(1u + (head & 0x1fu));
      return;
    case 12:
      FUZZ_CHECK(rt_store_init() == RT_OK);
      check_all();
      return;
    case 13: /* one sector for payloads takes nothing any more */
      if (model.is_stuck) return;
      model.is_stuck = 1;
      fuzz_stick_sector(head & 7u);
      return;
    case 14:
      read_record(head);
      return;
    default:
      check_all();
  }
}

static void run_all(void *context) {
  (void)context;
  FUZZ_CHECK(rt_store_init() == RT_OK);
  check_all();
  while (model.steps < MOST_STEPS && fuzz_left(model.input) > 0) {
    model.steps++;
    step();
  }
  fuzz_cut_power_at(0);
  check_all();
  FUZZ_CHECK(rt_store_init() == RT_OK);
  check_all();
}

/* ---- What the flash holds ---- */

/* Of a commit, as docs/store.md has it. */
static uint32_t marker_of(uint32_t crc) {
  const uint32_t folded = (crc ^ crc >> 16) & 0xffffu;
  return folded << 16 | (~folded & 0xffffu);
}

/* A slot of the log whose checksum and marker are right, whatever it says. */
static void write_slot(fuzz_input_t *input, uint8_t *flash) {
  rt_store_slot_t slot;
  memset(&slot, 0xff, sizeof slot);
  const uint32_t place = fuzz_take8(input), choices = fuzz_take8(input);
  fuzz_take(input, &slot, choices & 0x3fu);
  slot.crc = rt_store_crc32(0, &slot, RT_STORE_CHECKED_BYTES);
  const uint32_t sector = FUZZ_STORE_BYTES / RT_HAL_FLASH_SECTOR_BYTES - 1u - (place & 3u);
  uint8_t *at = flash + sector * RT_HAL_FLASH_SECTOR_BYTES + (place >> 2) * sizeof slot;
  slot.marker = marker_of(slot.crc);
  slot.seal = choices & 0x40u ? 0xff : 0;
  memcpy(at, &slot, sizeof slot);
}

static void damage(fuzz_input_t *input) {
  uint8_t *flash = fuzz_store_flash();
  for (uint32_t i = 0; i < 80 && fuzz_left(input) > 0; i++) {
    const uint32_t kind = fuzz_take8(input), at = fuzz_take16(input);
    switch (kind & 7u) {
      case 0:
        return;
      case 1:
        flash[at] = (uint8_t)fuzz_take8(input);
        break;
      case 2:
        flash[at] ^= (uint8_t)(1u << (kind >> 3 & 7u));
        break;
      case 3:
        memset(flash + (at & 0xf000u), kind & 0x80u ? 0xff : 0, 4096u);
        break;
      case 4:
        memset(flash + (at & 0xf000u), 0xff, at & 0xfffu);
        break;
      default:
        write_slot(input, flash);
    }
  }
}

/* Records as a store that works writes them. */
static void fill(void *context) {
  (void)context;
  FUZZ_CHECK(rt_store_init() == RT_OK);
  for (uint32_t i = 0; i < 3; i++) put(i);
}

static void prepare(fuzz_input_t *input) {
  memset(&model, 0, sizeof model);
  model.input = input;
  model.writing = KEYS;
  model.is_checked = 1;
  fuzz_power_on(6);
  uint8_t *flash = fuzz_store_flash();
  memset(flash + 8u * RT_HAL_FLASH_SECTOR_BYTES, STAGING, 4u * RT_HAL_FLASH_SECTOR_BYTES);
  const uint32_t choices = fuzz_take8(input);
  if (choices & CHOICE_DAMAGE) {
    fuzz_run(fill, NULL);
    fuzz_reboot();
    damage(input);
    model.is_checked = 0;
  }
}

void fuzz_store(const uint8_t *data, size_t size) {
  fuzz_input_t input = {data, data + size};
  prepare(&input);
  for (uint32_t boots = 0; boots < 8 && fuzz_run(run_all, NULL); boots++) fuzz_reboot();
  check_staging();
}
