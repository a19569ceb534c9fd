#include "store/delta_install.h"

#include "bus/sha256.h"
#include "engine/adapter_blob.h"
#include "hal/hal.h"
#include "store/delta_transfer.h"
#include "store/trust.h"

#define PAGE RT_HAL_FLASH_PAGE_BYTES
#define SECTOR RT_HAL_FLASH_SECTOR_BYTES

typedef enum {
  STAGE_NONE = 0,
  STAGE_FILE,      /* hash and header */
  STAGE_SIGNATURE, /* by far the longest */
  STAGE_DECODE,    /* what it is for, then into the staging area */
  STAGE_WRITE
} stage_t;

static struct {
  uint32_t counter;
  uint8_t reverted;
  uint8_t stage;
  uint8_t slot; /* RT_DELTA_ANY_SLOT: the file's */
} install;

static uint16_t key_of(uint32_t slot) { return (uint16_t)(RT_STORE_KEY_ADAPTER + slot); }

/* ---- the counter ---- */

static uint32_t kept_counter(void) {
  const uint8_t *data;
  uint32_t bytes;
  uint32_t counter = 0;
  if (rt_store_get(RT_STORE_KEY_COUNTER, &data, &bytes) != RT_OK) return 0;
  if (bytes == sizeof counter) __builtin_memcpy(&counter, data, sizeof counter);
  return counter;
}

/* Before anything that has the counter goes: it never falls. */
static rt_status_t keep_counter(uint32_t counter) {
  if (counter <= kept_counter()) return RT_OK;
  const rt_store_part_t part = {&counter, sizeof counter};
  return rt_store_put(RT_STORE_KEY_COUNTER, &part, 1);
}

static void find_counter(void) {
  install.counter = kept_counter();
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) {
    for (uint32_t back = 0; back < RT_STORE_VERSIONS; back++) {
      rt_adapter_record_t record;
      const uint8_t *blob;
      if (rt_adapter_record_get(slot, back, &record, &blob) != RT_OK) continue;
      if (record.delta_counter > install.counter) install.counter = record.delta_counter;
    }
  }
  keep_counter(install.counter);
}

uint32_t rt_delta_counter(void) { return install.counter; }

/* ---- fresh, trial, kept ---- */

static uint32_t is_undecided(const rt_adapter_record_t *record) {
  return record->state == RT_ADAPTER_FRESH || record->state == RT_ADAPTER_TRIAL;
}

/* The version before is the slot's again; with none before, the slot is empty. */
static rt_status_t take_back(uint32_t slot) {
  const rt_status_t status = rt_store_roll_back(key_of(slot));
  return status == RT_ERROR_EMPTY ? rt_store_drop(key_of(slot)) : status;
}

static rt_delta_status_t undecided(uint32_t slot) {
  rt_adapter_record_t record;
  const uint8_t *blob;
  if (slot >= RT_STORE_SLOTS) return RT_DELTA_BAD_SLOT;
  const rt_status_t status = rt_adapter_record_get(slot, 0, &record, &blob);
  if (status == RT_ERROR_EMPTY) return RT_DELTA_EMPTY_SLOT;
  return status == RT_OK && is_undecided(&record) ? RT_DELTA_OK : RT_DELTA_NOTHING_ON_TRIAL;
}

rt_delta_status_t rt_delta_confirm(uint32_t slot) {
  const rt_delta_status_t status = undecided(slot);
  if (status != RT_DELTA_OK) return status;
  return rt_adapter_record_set_state(slot, RT_ADAPTER_KEPT) == RT_OK ? RT_DELTA_OK
                                                                     : RT_DELTA_FLASH_FAILED;
}

rt_delta_status_t rt_delta_revert(uint32_t slot) {
  const rt_delta_status_t status = undecided(slot);
  if (status != RT_DELTA_OK) return status;
  if (keep_counter(install.counter) != RT_OK) return RT_DELTA_FLASH_FAILED;
  return take_back(slot) == RT_OK ? RT_DELTA_OK : RT_DELTA_FLASH_FAILED;
}

uint32_t rt_delta_slots_in(rt_adapter_state_t state) {
  uint32_t slots = 0;
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) {
    rt_adapter_record_t record;
    const uint8_t *blob;
    if (rt_adapter_record_get(slot, 0, &record, &blob) != RT_OK) continue;
    if (record.state == state) slots |= 1u << slot;
  }
  return slots;
}

uint32_t rt_delta_reverted(void) { return install.reverted; }

void rt_delta_boot(void) {
  install.stage = STAGE_NONE;
  rt_delta_transfer_init();
  find_counter();
  const uint32_t on_trial = rt_delta_slots_in(RT_ADAPTER_TRIAL);
  const uint32_t fresh = rt_delta_slots_in(RT_ADAPTER_FRESH);
  install.reverted = 0;
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) {
    const uint32_t bit = 1u << slot;
    if ((on_trial & bit) != 0 && take_back(slot) == RT_OK) install.reverted |= (uint8_t)bit;
    if ((fresh & bit) != 0) rt_adapter_record_set_state(slot, RT_ADAPTER_TRIAL);
  }
}

/* ---- the checks, in the order of enum Status ---- */

static rt_delta_status_t check_file(void) {
  uint8_t sha256[RT_SHA256_BYTES];
  rt_delta_t delta;
  rt_sha256(rt_delta_file(), rt_delta_transfer.size, sha256);
  if (__builtin_memcmp(sha256, rt_delta_transfer.sha256, sizeof sha256) != 0) {
    return RT_DELTA_WRONG_HASH;
  }
  const rt_delta_status_t status = rt_delta_parse(rt_delta_file(), rt_delta_transfer.size, &delta);
  if (status != RT_DELTA_OK) return status;
  return rt_trust_owner() == NULL ? RT_DELTA_UNCLAIMED : RT_DELTA_OK;
}

static rt_delta_status_t check_signature(const rt_delta_t *delta) {
  const rt_ed25519_part_t part = {rt_delta_file(), delta->signed_bytes};
  return rt_trust_verify(delta->signature, &part, 1) == RT_OK ? RT_DELTA_OK
                                                              : RT_DELTA_BAD_SIGNATURE;
}

static uint32_t slot_of(const rt_delta_t *delta) {
  return install.slot == RT_DELTA_ANY_SLOT ? delta->slot : install.slot;
}

/* `*base` (out): the payload that the delta is the difference to; NULL: none. */
static rt_delta_status_t find_base(const rt_delta_t *delta, const uint8_t **base) {
  *base = NULL;
  if (delta->base_crc == 0) return RT_DELTA_OK;
  for (uint32_t back = 0; back < RT_STORE_VERSIONS; back++) {
    rt_adapter_record_t record;
    const uint8_t *blob;
    uint32_t crc;
    if (rt_adapter_record_get(slot_of(delta), back, &record, &blob) != RT_OK) continue;
    if (record.blob_bytes != RT_BLOB_HEADER_BYTES + delta->decoded_bytes) continue;
    __builtin_memcpy(&crc, blob + 20, sizeof crc);
    if (crc != delta->base_crc) continue;
    *base = blob + RT_BLOB_HEADER_BYTES;
    return RT_DELTA_OK;
  }
  return RT_DELTA_WRONG_BASE;
}

/* What it is for. */
static rt_delta_status_t check_fit(const rt_delta_t *delta, const rt_adapter_t *adapter,
                                   const uint8_t **base) {
  if (adapter == NULL) return RT_DELTA_WRONG_LAYOUT;
  const rt_adapter_plan_t *plan = adapter->plan;
  if (delta->model_hash != adapter->engine->model->hash) return RT_DELTA_WRONG_MODEL;
  if (delta->layout_hash != plan->hash || delta->method != plan->method ||
      delta->rank != plan->rank || delta->decoded_bytes != plan->payload.bytes) {
    return RT_DELTA_WRONG_LAYOUT;
  }
  if (delta->device != 0 && delta->device != rt_hal_device_id()) return RT_DELTA_WRONG_DEVICE;
  if (delta->counter <= install.counter) return RT_DELTA_OLD_COUNTER;
  const uint32_t slot = slot_of(delta);
  if (slot >= RT_STORE_SLOTS) return RT_DELTA_BAD_SLOT;
  if (delta->slot != RT_DELTA_ANY_SLOT && delta->slot != slot) return RT_DELTA_BAD_SLOT;
  return find_base(delta, base);
}

/* ---- decoding ---- */

static void store32(uint8_t *at, uint32_t value) { __builtin_memcpy(at, &value, sizeof value); }

static void blob_header(const rt_delta_t *delta, uint8_t *header) {
  store32(header, RT_BLOB_MAGIC);
  store32(header + 4,
          RT_BLOB_VERSION | (uint32_t)delta->method << 16 | (uint32_t)delta->rank << 24);
  store32(header + 8, delta->model_hash);
  store32(header + 12, delta->layout_hash);
  store32(header + 16, delta->decoded_bytes);
  store32(header + 20, delta->blob_crc);
}

/* The blob page by page, at `to` in flash. */
static rt_delta_status_t decode_pages(const rt_delta_t *delta, const uint8_t *base, uint32_t to) {
  rt_delta_decoder_t decoder;
  uint8_t page[PAGE];
  uint32_t filled = RT_BLOB_HEADER_BYTES;
  uint32_t left = delta->decoded_bytes;
  rt_delta_decode_begin(&decoder, delta);
  blob_header(delta, page);
  do {
    const uint32_t count = left < PAGE - filled ? left : PAGE - filled;
    if (rt_delta_decode(&decoder, page + filled, count) != RT_DELTA_OK) return RT_DELTA_BAD_CODING;
    for (uint32_t i = 0; base != NULL && i < count; i++) {
      page[filled + i] = (uint8_t)(page[filled + i] + *base++);
    }
    left -= count;
    if (rt_delta_program(to, page, filled + count) != RT_OK) return RT_DELTA_FLASH_FAILED;
    to += PAGE;
    filled = 0;
  } while (left > 0);
  return rt_delta_decode_end(&decoder);
}

static rt_delta_status_t decode(const rt_delta_t *delta, const rt_adapter_t *adapter) {
  const uint8_t *base;
  const rt_delta_status_t fit = check_fit(delta, adapter, &base);
  if (fit != RT_DELTA_OK) return fit;
  const uint32_t bytes = RT_BLOB_HEADER_BYTES + delta->decoded_bytes;
  const uint32_t to = rt_delta_decoded_offset(bytes);
  if (to == 0) return RT_DELTA_TOO_LARGE;
  const uint32_t erased = (bytes + SECTOR - 1u) / SECTOR * SECTOR;
  if (rt_hal_flash_erase(to, erased) != RT_OK) return RT_DELTA_FLASH_FAILED;
  const rt_delta_status_t status = decode_pages(delta, base, to);
  if (status != RT_DELTA_OK) return status;
  return rt_blob_verify(adapter, rt_hal_flash_data(to), bytes) == RT_OK ? RT_DELTA_OK
                                                                        : RT_DELTA_BAD_ADAPTER;
}

/* ---- writing ---- */

/* What the slot says of itself stays, where the delta says nothing. */
static void describe(const rt_delta_t *delta, uint32_t slot, rt_adapter_record_t *record) {
  const uint8_t *blob;
  if (rt_adapter_record_get(slot, 0, record, &blob) != RT_OK) {
    __builtin_memset(record, 0, sizeof *record);
  }
  if (delta->name_bytes > 0) {
    __builtin_memset(record->name, 0, sizeof record->name);
    __builtin_memcpy(record->name, delta->name, delta->name_bytes);
  }
  record->model_hash = delta->model_hash;
  record->layout_hash = delta->layout_hash;
  record->method = delta->method;
  record->rank = delta->rank;
  record->source = RT_ADAPTER_DELTA;
  record->state = RT_ADAPTER_FRESH;
  record->held_out = record->right_before = record->right_after = 0;
  record->saves++;
  record->bursts = 0;
  record->delta_counter = delta->counter;
}

/* The version that is taken back before counted as little as the one that comes. */
static rt_delta_status_t write(const rt_delta_t *delta) {
  const uint32_t slot = slot_of(delta);
  const uint32_t bytes = RT_BLOB_HEADER_BYTES + delta->decoded_bytes;
  const rt_store_part_t part = {rt_hal_flash_data(rt_delta_decoded_offset(bytes)), bytes};
  rt_adapter_record_t record;
  if (undecided(slot) == RT_DELTA_OK) {
    const rt_delta_status_t status = rt_delta_revert(slot);
    if (status != RT_DELTA_OK) return status;
  }
  describe(delta, slot, &record);
  if (rt_adapter_record_put(slot, &record, &part, 1) != RT_OK) return RT_DELTA_FLASH_FAILED;
  install.counter = delta->counter;
  keep_counter(delta->counter); /* until then the record has it */
  return RT_DELTA_OK;
}

/* ---- in parts ---- */

uint32_t rt_delta_is_installing(void) { return install.stage != STAGE_NONE; }

rt_delta_status_t rt_delta_finish(uint32_t slot) {
  if (rt_delta_is_installing()) return RT_DELTA_IS_BUSY;
  if (rt_delta_transfer.size == 0) return RT_DELTA_NOT_BEGUN;
  if (rt_delta_transfer.received < rt_delta_transfer.size) return RT_DELTA_TRUNCATED;
  install.slot = (uint8_t)slot;
  install.stage = STAGE_FILE;
  return RT_DELTA_OK;
}

static rt_delta_status_t do_stage(const rt_adapter_t *adapter, uint32_t *slot) {
  rt_delta_t delta;
  if (install.stage == STAGE_FILE) return check_file();
  /* What was read once is read again: to keep it would take memory. */
  const rt_delta_status_t status = rt_delta_parse(rt_delta_file(), rt_delta_transfer.size, &delta);
  if (status != RT_DELTA_OK) return status;
  *slot = slot_of(&delta);
  if (install.stage == STAGE_SIGNATURE) return check_signature(&delta);
  if (install.stage == STAGE_DECODE) return decode(&delta, adapter);
  return write(&delta);
}

uint32_t rt_delta_work(const rt_adapter_t *adapter, rt_delta_status_t *status, uint32_t *slot) {
  if (!rt_delta_is_installing()) return 0;
  *slot = install.slot;
  *status = do_stage(adapter, slot);
  if (*status == RT_DELTA_OK && install.stage < STAGE_WRITE) {
    install.stage++;
    return 0;
  }
  install.stage = STAGE_NONE;
  rt_delta_transfer_drop();
  return 1;
}

const char *rt_delta_reason(rt_delta_status_t status) {
  switch (status) {
    case RT_DELTA_TOO_LARGE:
      return "it is larger than the staging area";
    case RT_DELTA_TRUNCATED:
      return "it is not whole";
    case RT_DELTA_WRONG_HASH:
      return "other bytes came than were announced";
    case RT_DELTA_NOT_A_DELTA:
      return "it is no delta of this format";
    case RT_DELTA_UNCLAIMED:
      return "this board has no owner";
    case RT_DELTA_BAD_SIGNATURE:
      return "the owner has not signed it";
    case RT_DELTA_WRONG_MODEL:
      return "it is for another model";
    case RT_DELTA_WRONG_LAYOUT:
      return "it is for another kind of adapter";
    case RT_DELTA_WRONG_DEVICE:
      return "it is for another board";
    case RT_DELTA_OLD_COUNTER:
      return "its counter is not above the last one";
    case RT_DELTA_BAD_SLOT:
      return "it is for another slot";
    case RT_DELTA_WRONG_BASE:
      return "the slot has not the adapter it is the difference to";
    case RT_DELTA_BAD_CODING:
      return "it cannot be decoded";
    case RT_DELTA_BAD_ADAPTER:
      return "it decodes to something else";
    case RT_DELTA_FLASH_FAILED:
      return "the flash cannot be written";
    default:
      return "";
  }
}
