/*
 * Deltas into slots: files with right and wrong fields, in pieces of any order, over resets and
 * power cuts, confirmed and taken back. Signatures are good when they begin with FUZZ_SIGNED.
 * Input: steps.
 *
 * Whatever comes: a slot holds an adapter that fits the model, or nothing; a refused delta changes
 * no slot; the counter never goes back.
 */
#include <stdlib.h>
#include <string.h>

#include "bus/sha256.h"
#include "engine/adapter_blob.h"
#include "fuzz.h"
#include "store/delta_install.h"
#include "store/trust.h"
#include "targets.h"

#define MOST_STEPS 60u
#define FILE_MOST 1200u

static struct {
  fuzz_input_t *input;
  rt_engine_t engine;
  rt_adapter_t adapter;
  uint8_t file[FILE_MOST];
  uint32_t file_bytes;
  uint32_t sent; /* of the file */
  uint32_t counter, steps;
  uint32_t number[RT_STORE_SLOTS]; /* of each slot's newest record */
} peer;

static void put32(uint8_t *at, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* A file that fits in all but what `wrong` names, a bit a field. */
static void compose(uint32_t wrong) {
  const rt_adapter_plan_t *plan = peer.adapter.plan;
  const uint32_t payload = plan->payload.bytes, seed = fuzz_take8(peer.input);
  uint8_t *file = peer.file, header[RT_BLOB_HEADER_BYTES];
  memset(file, 0, RT_DELTA_HEADER_BYTES);
  rt_blob_header(&peer.adapter, header);
  put32(file, RT_DELTA_MAGIC);
  file[4] = RT_DELTA_VERSION;
  file[5] = RT_DELTA_HEADER_BYTES + 2u;
  file[7] = (uint8_t)(seed & 0x40u ? RT_DELTA_ANY_SLOT : seed & 7u);
  memcpy(file + 8, header + 8, 8);
  file[16] = (uint8_t)plan->method;
  file[17] = (uint8_t)plan->rank;
  file[18] = RT_DELTA_PRECISION;
  file[19] = 2;
  put32(file + 20, peer.counter + 1u + (seed & 3u));
  put32(file + 36, payload);
  put32(file + 40, payload);
  memcpy(file + 48, "me", 2);
  uint8_t *body = file + 50;
  for (uint32_t i = 0; i < payload; i++) body[i] = (uint8_t)(i < plan->group_count ? 3 : i * seed);
  const uint32_t crc = rt_blob_crc32(0, header, RT_BLOB_HEADER_BYTES - 4u);
  put32(file + 44, rt_blob_crc32(crc, body, payload));
  memset(body + payload, FUZZ_SIGNED, RT_DELTA_SIGNATURE_BYTES);
  peer.file_bytes = 50u + payload + RT_DELTA_SIGNATURE_BYTES;
  for (uint32_t i = 0; i < wrong; i++) {
    file[fuzz_take16(peer.input) % peer.file_bytes] = (uint8_t)fuzz_take8(peer.input);
  }
  peer.sent = 0;
}

/* Another payload than raw, all the input's. */
static void compose_coded(uint32_t coding) {
  compose(0);
  uint8_t *body = peer.file + 50;
  const uint32_t room = FILE_MOST - 50u - RT_DELTA_SIGNATURE_BYTES;
  uint32_t bytes = fuzz_take16(peer.input) % room;
  bytes = (uint32_t)fuzz_take(peer.input, body, bytes);
  memset(body + bytes, FUZZ_SIGNED, RT_DELTA_SIGNATURE_BYTES);
  peer.file[6] = (uint8_t)coding;
  put32(peer.file + 36, bytes);
  peer.file_bytes = 50u + bytes + RT_DELTA_SIGNATURE_BYTES;
}

static void begin(uint32_t head) {
  uint8_t hash[RT_DELTA_HASH_BYTES];
  uint32_t offset = 0;
  rt_sha256(peer.file, peer.file_bytes, hash);
  if (head & 8u) hash[0] ^= 1u;
  const uint32_t size = head & 4u ? fuzz_take32(peer.input) : peer.file_bytes;
  const rt_delta_status_t status = rt_delta_begin(size, hash, &offset);
  if (status != RT_DELTA_OK) return;
  FUZZ_CHECK(offset <= size);
  peer.sent = offset < peer.file_bytes ? offset : peer.file_bytes;
}

/* Pieces of the file in order; with bit 3 only one. */
static void send(uint32_t head) {
  const uint32_t piece = 1u + (head & 7u) * 31u;
  for (uint32_t times = head & 8u ? 1u : 300u; times > 0 && peer.sent < peer.file_bytes; times--) {
    const uint32_t left = peer.file_bytes - peer.sent, count = left < piece ? left : piece;
    uint32_t next = 0;
    const rt_delta_status_t status = rt_delta_data(peer.sent, peer.file + peer.sent, count, &next);
    if (status != RT_DELTA_OK && status != RT_DELTA_WRONG_OFFSET) return;
    FUZZ_CHECK(next <= FILE_MOST + 0x10000u);
    peer.sent = next < peer.file_bytes ? next : peer.file_bytes;
  }
}

static void send_any(void) {
  uint8_t bytes[RT_DELTA_PIECE_BYTES];
  uint32_t next = 0;
  const uint32_t at = fuzz_take32(peer.input), count = fuzz_take8(peer.input);
  memset(bytes, (int)at, sizeof bytes);
  rt_delta_data(at, bytes, count < sizeof bytes ? count : sizeof bytes, &next);
}

/* ---- What must hold ---- */

static void check_slots(void) {
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) {
    rt_adapter_record_t record;
    const uint8_t *blob;
    const rt_status_t status = rt_adapter_record_get(slot, 0, &record, &blob);
    FUZZ_CHECK(status == RT_OK || status == RT_ERROR_EMPTY);
    if (status != RT_OK) continue;
    FUZZ_CHECK(rt_blob_verify(&peer.adapter, blob, record.blob_bytes) == RT_OK);
    FUZZ_CHECK(record.source == RT_ADAPTER_DELTA && record.delta_counter <= rt_delta_counter());
  }
  FUZZ_CHECK(rt_delta_counter() >= peer.counter);
  peer.counter = rt_delta_counter();
}

static void note_slots(void) {
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) {
    rt_store_entry_t entry;
    const uint16_t key = (uint16_t)(RT_STORE_KEY_ADAPTER + slot);
    peer.number[slot] = rt_store_find(key, &entry) == RT_OK ? entry.number : 0;
  }
}

static void check_untouched(uint32_t other_than) {
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) {
    rt_store_entry_t entry;
    const uint16_t key = (uint16_t)(RT_STORE_KEY_ADAPTER + slot);
    const uint32_t number = rt_store_find(key, &entry) == RT_OK ? entry.number : 0;
    if (slot != other_than) FUZZ_CHECK(number == peer.number[slot]);
  }
}

/* ---- Steps ---- */

static void finish(uint32_t head) {
  const uint32_t wanted = head & 8u ? RT_DELTA_ANY_SLOT : head & 7u;
  note_slots();
  rt_delta_status_t status = rt_delta_finish(wanted);
  uint32_t slot = RT_STORE_SLOTS, turns = 0;
  if (status == RT_DELTA_OK) {
    while (!rt_delta_work(&peer.adapter, &status, &slot)) FUZZ_CHECK(++turns < 1000u);
  }
  FUZZ_CHECK(rt_delta_reason(status) != NULL);
  if (status != RT_DELTA_OK) {
    check_untouched(RT_STORE_SLOTS);
    return;
  }
  FUZZ_CHECK(slot < RT_STORE_SLOTS);
  check_untouched(slot);
  rt_adapter_record_t record;
  const uint8_t *blob;
  FUZZ_CHECK(rt_adapter_record_get(slot, 0, &record, &blob) == RT_OK);
  FUZZ_CHECK(record.state == RT_ADAPTER_FRESH);
  FUZZ_CHECK(record.delta_counter > peer.counter);
}

static void step(void) {
  const uint32_t head = fuzz_take8(peer.input), low = head & 0xfu;
  switch (head >> 4) {
    case 0:
      compose(low);
      return;
    case 1:
      compose_coded(low % 4u);
      return;
    case 2:
      begin(low);
      return;
    case 3:
    case 4:
      send(low);
      return;
    case 5:
      send_any();
      return;
    case 6:
    case 7:
      finish(low);
      return;
    case 8: /* all of it at once */
      compose(0);
      begin(0);
      send(7);
      finish(low);
      return;
    case 9:
      rt_delta_confirm(low);
      return;
    case 10:
      rt_delta_revert(low);
      return;
    case 11:
    case 12:
      fuzz_cut_power_at(1u + (head & 0x1fu));
      return;
    case 13:
      rt_hal_reset();
    default:
      check_slots();
  }
}

static void run_all(void *context) {
  (void)context;
  rt_trust_init();
  rt_delta_boot();
  check_slots();
  while (peer.steps++ < MOST_STEPS && fuzz_left(peer.input) > 0) {
    step();
    check_slots();
  }
}

void fuzz_install(const uint8_t *data, size_t size) {
  static const uint8_t owner[RT_TRUST_KEY_BYTES] = {1, 2, 3};
  const rt_model_t *model = fuzz_learner_setup()->models[1].model;
  fuzz_input_t input = {data, data + size};
  fuzz_power_on(7);
  fuzz_set_owner(owner, 0);
  memset(&peer, 0, sizeof peer);
  peer.input = &input;
  void *arena = malloc(model->arena_bytes);
  if (arena == NULL) abort();
  FUZZ_CHECK(rt_engine_init(&peer.engine, model, arena, model->arena_bytes) == RT_OK);
  FUZZ_CHECK(rt_adapter_init(&peer.adapter, &peer.engine) == RT_OK);
  compose(0);
  for (uint32_t boots = 0; boots < 12 && fuzz_run(run_all, NULL); boots++) fuzz_reboot();
  free(arena);
  fuzz_set_owner(NULL, 0);
}
