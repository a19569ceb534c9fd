/*
 * native/store as a board of its own for the tests of deltas: flash that can lose power, a model's
 * numbers in place of a model, an owner in place of native/store/trust.c.
 */
#include "engine/adapter_blob.h"
#include "hal/hal.h"
#include "store/delta_install.h"
#include "store/trust.h"

#define FLASH_BYTES (128u * 1024u)
#define FILE_BYTES 65536u

const rt_board_t rt_board = {.clock_hz = 125000000u, .store_bytes = FLASH_BYTES};

uint8_t flash[FLASH_BYTES];
uint8_t file[FILE_BYTES];
uint8_t owner[RT_TRUST_KEY_BYTES];
static uint32_t has_owner;
static uint64_t device_id;
static uint32_t operations, cut_at, tear;

static rt_model_t model;
static rt_engine_t engine = {.model = &model};
static rt_adapter_plan_t plan;
static rt_adapter_t adapter = {.engine = &engine, .plan = &plan};
static rt_delta_t delta;

/* The power goes: does not return. */
extern void power_cut(void);

/* ---- flash ---- */

const uint8_t *rt_hal_flash_data(uint32_t offset) { return flash + offset; }
uint32_t test_operations(void) { return operations; }

/* `how` 0: the first half was done, 1: every third byte, 2: nothing, 3: all. */
void test_cut_at(uint32_t nth, uint32_t how) {
  operations = 0;
  cut_at = nth;
  tear = how;
}

static uint32_t is_done(uint32_t i, uint32_t bytes) {
  if (operations != cut_at) return 1;
  if (tear == 0) return i < bytes / 2u;
  if (tear == 1) return i % 3u == 0;
  return tear == 3;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  const uint32_t sector = RT_HAL_FLASH_SECTOR_BYTES;
  if (offset % sector != 0 || bytes % sector != 0 || offset + bytes > FLASH_BYTES) {
    return RT_ERROR_ARGUMENT;
  }
  for (uint32_t at = offset; at < offset + bytes; at += sector) {
    operations++;
    for (uint32_t i = 0; i < sector; i++) {
      if (is_done(i, sector)) flash[at + i] = 0xff;
    }
    if (operations == cut_at) power_cut();
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  const uint32_t page = RT_HAL_FLASH_PAGE_BYTES;
  if (offset % page != 0 || bytes % page != 0 || offset + bytes > FLASH_BYTES) {
    return RT_ERROR_ARGUMENT;
  }
  for (uint32_t at = 0; at < bytes; at += page) {
    operations++;
    for (uint32_t i = 0; i < page; i++) {
      if (is_done(i, page)) flash[offset + at + i] &= data[at + i];
    }
    if (operations == cut_at) power_cut();
  }
  return RT_OK;
}

/* ---- what else the store asks for ---- */

uint64_t rt_hal_device_id(void) { return device_id; }
uint32_t rt_hal_random(void) { return 4; }
void rt_hal_spent(uint32_t cycles) { (void)cycles; }

const uint8_t *rt_trust_owner(void) { return has_owner ? owner : NULL; }

rt_status_t rt_trust_verify(const uint8_t *signature, const rt_ed25519_part_t *parts,
                            uint32_t count) {
  return has_owner ? rt_ed25519_verify(signature, parts, count, owner) : RT_ERROR_STATE;
}

/* ---- for the tests ---- */

void test_set_up(uint32_t model_hash, uint32_t layout_hash, uint32_t method, uint32_t rank,
                 uint32_t payload_bytes, uint64_t id, uint32_t is_owned) {
  model.hash = model_hash;
  plan.hash = layout_hash;
  plan.method = (uint8_t)method;
  plan.rank = (uint8_t)rank;
  plan.payload.bytes = payload_bytes;
  plan.group_count = 1;
  device_id = id;
  has_owner = is_owned;
}

void test_boot(void) {
  rt_store_init();
  rt_delta_boot();
}

uint32_t test_parse(uint32_t bytes) { return rt_delta_parse(file, bytes, &delta); }

/* Decodes the file's payload behind it in `piece` bytes at a time. */
uint32_t test_decode(uint32_t bytes, uint32_t piece, uint8_t *to) {
  rt_delta_decoder_t decoder;
  if (rt_delta_parse(file, bytes, &delta) != RT_DELTA_OK) return 255;
  rt_delta_decode_begin(&decoder, &delta);
  for (uint32_t at = 0; at < delta.decoded_bytes; at += piece) {
    const uint32_t left = delta.decoded_bytes - at;
    const rt_delta_status_t status =
        rt_delta_decode(&decoder, to + at, left < piece ? left : piece);
    if (status != RT_DELTA_OK) return status;
  }
  return rt_delta_decode_end(&decoder);
}

/* A status, or 1000 + the slot that it was installed in. */
uint32_t test_finish(uint32_t slot) {
  rt_delta_status_t status = rt_delta_finish(slot);
  uint32_t where = slot;
  if (status != RT_DELTA_OK) return status;
  while (!rt_delta_work(&adapter, &status, &where)) {
  }
  return status == RT_DELTA_OK ? 1000u + where : status;
}

/* Keeps the adapter in `file`, as a board that trained it does. */
uint32_t test_save(uint32_t slot, uint32_t bytes) {
  rt_adapter_record_t record = {.model_hash = model.hash,
                                .layout_hash = plan.hash,
                                .method = (uint8_t)plan.method,
                                .rank = (uint8_t)plan.rank,
                                .name = "own"};
  const rt_store_part_t part = {file, bytes};
  return rt_adapter_record_put(slot, &record, &part, 1) == RT_OK;
}

/* State (255: nothing, 254: damaged) of a version; its blob in `file`, its size in `*bytes`. */
uint32_t test_version(uint32_t slot, uint32_t back, uint32_t *numbers, uint8_t *name) {
  rt_adapter_record_t record;
  const uint8_t *blob;
  const rt_status_t status = rt_adapter_record_get(slot, back, &record, &blob);
  if (status == RT_ERROR_EMPTY) return 255;
  if (status != RT_OK) return 254;
  __builtin_memcpy(file, blob, record.blob_bytes);
  numbers[0] = record.blob_bytes;
  numbers[1] = record.delta_counter;
  numbers[2] = record.source;
  __builtin_memcpy(name, record.name, sizeof record.name);
  return record.state;
}
