#include "store/trust.h"

#include <stddef.h>

#include "hal/hal.h"
#include "store/store.h"

/* The build's own stands in its place. */
__attribute__((weak)) const rt_trust_setup_t *rt_trust_setup(void) {
  static const rt_trust_setup_t nobody = {0};
  return &nobody;
}

static uint32_t load32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint32_t rt_trust_program_bytes(const uint8_t *statement) { return load32(statement + 4); }
uint32_t rt_trust_program_counter(const uint8_t *statement) { return load32(statement + 8); }
const uint8_t *rt_trust_program_sha256(const uint8_t *statement) { return statement + 24; }

#ifdef RT_WITHOUT_TRUST

/* Nobody to trust, and none of the store's code. */
void rt_trust_init(void) {}
rt_trust_state_t rt_trust_state(void) { return RT_TRUST_UNSUPPORTED; }
void rt_trust_miss_owner(void) {}
const uint8_t *rt_trust_owner(void) { return NULL; }
uint32_t rt_trust_is_locked(void) { return 0; }
uint64_t rt_trust_challenge(void) { return 0; }
uint32_t rt_trust_counter(void) { return 0; }

rt_status_t rt_trust_verify(const uint8_t *signature, const rt_ed25519_part_t *parts,
                            uint32_t count) {
  (void)signature, (void)parts, (void)count;
  return RT_ERROR_STATE;
}

rt_trust_answer_t rt_trust_take(const uint8_t *statement, uint32_t size, uint32_t *is_reset) {
  (void)statement, (void)size;
  *is_reset = 0;
  return RT_TRUST_ERROR_UNSUPPORTED;
}

rt_trust_answer_t rt_trust_check_program(const uint8_t *statement, uint32_t size) {
  (void)statement, (void)size;
  return RT_TRUST_ERROR_UNSUPPORTED;
}

rt_trust_answer_t rt_trust_keep_counter(uint32_t counter) {
  (void)counter;
  return RT_TRUST_ERROR_UNSUPPORTED;
}

#else

#define RECORD_VERSION 1u
#define FLAG_OWNED 1u
#define FLAG_LOCKED 2u
#define RECORD_COUNTER 4u
#define RECORD_OWNER 8u

/* Of an owner's statement. */
#define OWNER_WHAT 4u
#define OWNER_LOCK 5u
#define OWNER_RESERVED 6u
#define OWNER_DEVICE 8u
#define OWNER_CHALLENGE 16u
#define OWNER_KEY 24u

/* Of a program's. */
#define PROGRAM_RESERVED 12u
#define PROGRAM_DEVICE 16u

static struct {
  uint64_t challenge;
  uint32_t counter; /* as in the record */
  uint8_t state;    /* rt_trust_state_t */
  uint8_t is_locked;
  uint8_t owner[RT_TRUST_KEY_BYTES]; /* when claimed */
} trust;

static uint64_t load64(const uint8_t *at) { return load32(at) | (uint64_t)load32(at + 4) << 32; }

static void store32(uint8_t *at, uint32_t number) {
  for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (8u * i));
}

static uint32_t is_equal(const uint8_t *a, const uint8_t *b, uint32_t size) {
  uint32_t difference = 0;
  for (uint32_t i = 0; i < size; i++) difference |= (uint32_t)(a[i] ^ b[i]);
  return difference == 0;
}

static void draw_challenge(void) {
  trust.challenge = (uint64_t)rt_hal_random() << 32 | rt_hal_random();
}

/* ---- The record ---- */

/* One of the two; RT_ERROR_BLOB_CHECKSUM when it is there and cannot be used. */
static rt_status_t read_twin(uint32_t twin, uint32_t back, const uint8_t **record) {
  uint32_t bytes = 0;
  const rt_status_t status =
      rt_store_get_version((uint16_t)(RT_STORE_KEY_TRUST + twin), back, record, &bytes);
  if (status != RT_OK) return status;
  const uint32_t is_known = bytes == RT_TRUST_RECORD_BYTES && (*record)[0] == RECORD_VERSION;
  return is_known ? RT_OK : RT_ERROR_BLOB_CHECKSUM;
}

static uint32_t number_of(uint32_t twin) {
  rt_store_entry_t entry;
  const uint16_t key = (uint16_t)(RT_STORE_KEY_TRUST + twin);
  return rt_store_find(key, &entry) == RT_OK ? entry.number : 0;
}

/* The newest that is whole: the newer twin, the other one, then their versions before. */
static rt_status_t find_record(const uint8_t **record) {
  const uint32_t newer = number_of(1) > number_of(0);
  uint32_t is_damaged = 0;
  for (uint32_t back = 0; back < RT_STORE_VERSIONS; back++) {
    for (uint32_t i = 0; i < 2; i++) {
      const rt_status_t status = read_twin(i ^ newer, back, record);
      if (status == RT_OK) return RT_OK;
      if (status != RT_ERROR_EMPTY) is_damaged = 1;
    }
  }
  return is_damaged ? RT_ERROR_BLOB_CHECKSUM : RT_ERROR_EMPTY;
}

void rt_trust_miss_owner(void) {
  if (trust.state != RT_TRUST_UNCLAIMED) return;
  trust.state = RT_TRUST_DAMAGED;
  trust.is_locked = 1;
}

/* Takes over what the store has; of a board with an owner built in only the counter. */
static void read_record(void) {
  const uint8_t *record = NULL;
  const rt_status_t status = find_record(&record);
  const uint32_t is_built_in = trust.state == RT_TRUST_BUILT_IN;
  if (status == RT_OK) trust.counter = load32(record + RECORD_COUNTER);
  if (is_built_in || status == RT_ERROR_EMPTY) return;
  if (status != RT_OK) {
    rt_trust_miss_owner();
    return;
  }
  if (!(record[1] & FLAG_OWNED)) return;
  trust.state = RT_TRUST_CLAIMED;
  trust.is_locked = (record[1] & FLAG_LOCKED) != 0;
  __builtin_memcpy(trust.owner, record + RECORD_OWNER, RT_TRUST_KEY_BYTES);
}

/* Both twins, one after the other: with the first, it is done. */
static rt_trust_answer_t write_record(const uint8_t *owner, uint32_t is_locked, uint32_t counter) {
  uint8_t record[RT_TRUST_RECORD_BYTES] = {RECORD_VERSION};
  if (owner != NULL) {
    record[1] = (uint8_t)(FLAG_OWNED | (is_locked ? FLAG_LOCKED : 0u));
    __builtin_memcpy(record + RECORD_OWNER, owner, RT_TRUST_KEY_BYTES);
  }
  store32(record + RECORD_COUNTER, counter);
  const rt_store_part_t part = {record, sizeof record};
  if (rt_store_put(RT_STORE_KEY_TRUST, &part, 1) != RT_OK) return RT_TRUST_ERROR_STORE;
  rt_store_put(RT_STORE_KEY_TRUST + 1u, &part, 1); /* failing, it stays the older one */
  trust.counter = counter;
  return RT_TRUST_OK;
}

/* ---- State ---- */

void rt_trust_init(void) {
  const rt_trust_setup_t *setup = rt_trust_setup();
  rt_store_init(); /* failing, everything in it is empty */
  trust.counter = 0;
  trust.is_locked = 0;
  trust.state = RT_TRUST_UNSUPPORTED;
  if (setup->verify == NULL) return;
  draw_challenge();
  trust.state = RT_TRUST_UNCLAIMED;
  if (setup->owner != NULL) {
    trust.state = RT_TRUST_BUILT_IN;
    trust.is_locked = setup->is_locked;
  }
  read_record();
}

rt_trust_state_t rt_trust_state(void) { return (rt_trust_state_t)trust.state; }
uint32_t rt_trust_is_locked(void) { return trust.is_locked; }
uint64_t rt_trust_challenge(void) { return trust.challenge; }
uint32_t rt_trust_counter(void) { return trust.counter; }

const uint8_t *rt_trust_owner(void) {
  if (trust.state == RT_TRUST_BUILT_IN) return rt_trust_setup()->owner;
  return trust.state == RT_TRUST_CLAIMED ? trust.owner : NULL;
}

static rt_status_t verify(const uint8_t *signature, const rt_ed25519_part_t *parts, uint32_t count,
                          const uint8_t *key) {
  const rt_status_t status = rt_trust_setup()->verify(signature, parts, count, key);
  rt_hal_spent(RT_TRUST_VERIFY_CYCLES);
  return status == RT_OK ? RT_OK : RT_ERROR_BLOB_CHECKSUM;
}

rt_status_t rt_trust_verify(const uint8_t *signature, const rt_ed25519_part_t *parts,
                            uint32_t count) {
  const uint8_t *owner = rt_trust_owner();
  return owner == NULL ? RT_ERROR_STATE : verify(signature, parts, count, owner);
}

/* ---- Statements ---- */

/* Why no statement can be good. */
static rt_trust_answer_t check_state(void) {
  switch (rt_trust_state()) {
    case RT_TRUST_UNSUPPORTED:
      return RT_TRUST_ERROR_UNSUPPORTED;
    case RT_TRUST_DAMAGED:
      return RT_TRUST_ERROR_DAMAGED;
    default:
      return RT_TRUST_OK;
  }
}

static rt_trust_answer_t check_signature(const uint8_t *statement, const uint8_t *key) {
  const rt_ed25519_part_t part = {statement, RT_TRUST_SIGNED_BYTES};
  const uint8_t *signature = statement + RT_TRUST_SIGNED_BYTES;
  const rt_status_t status = verify(signature, &part, 1, key);
  return status == RT_OK ? RT_TRUST_OK : RT_TRUST_ERROR_SIGNATURE;
}

static rt_trust_answer_t check_form(const uint8_t *statement, uint32_t size) {
  if (size != RT_TRUST_STATEMENT_BYTES) return RT_TRUST_ERROR_FORMAT;
  if (load32(statement) != RT_TRUST_OWNER_MAGIC) return RT_TRUST_ERROR_FORMAT;
  if (statement[OWNER_RESERVED] | statement[OWNER_RESERVED + 1u]) return RT_TRUST_ERROR_FORMAT;
  if (statement[OWNER_LOCK] > 1) return RT_TRUST_ERROR_FORMAT;
  const uint32_t what = statement[OWNER_WHAT];
  if (what < RT_TRUST_CLAIM || what > RT_TRUST_RESET) return RT_TRUST_ERROR_FORMAT;
  const rt_trust_answer_t answer = check_state();
  if (answer != RT_TRUST_OK) return answer;
  if (load64(statement + OWNER_DEVICE) != rt_hal_device_id()) return RT_TRUST_ERROR_DEVICE;
  if (load64(statement + OWNER_CHALLENGE) != trust.challenge) return RT_TRUST_ERROR_CHALLENGE;
  return RT_TRUST_OK;
}

/* Whether the board's state allows it, and the key that must have signed. */
static rt_trust_answer_t find_signer(const uint8_t *statement, const uint8_t **signer) {
  const uint32_t what = statement[OWNER_WHAT];
  const uint32_t is_built_in = trust.state == RT_TRUST_BUILT_IN;
  *signer = rt_trust_owner();
  if (what == RT_TRUST_CLAIM) {
    *signer = statement + OWNER_KEY;
    if (is_built_in) return RT_TRUST_ERROR_BUILT_IN;
    return trust.state == RT_TRUST_CLAIMED ? RT_TRUST_ERROR_OWNED : RT_TRUST_OK;
  }
  if (is_built_in && what != RT_TRUST_RESET) return RT_TRUST_ERROR_BUILT_IN;
  if (*signer == NULL) return RT_TRUST_ERROR_UNCLAIMED;
  if (what == RT_TRUST_GIVE) return RT_TRUST_OK;
  /* Saves checking the signature of somebody who names himself another. */
  const uint32_t is_owner = is_equal(statement + OWNER_KEY, *signer, RT_TRUST_KEY_BYTES);
  return is_owner ? RT_TRUST_OK : RT_TRUST_ERROR_SIGNATURE;
}

static rt_trust_answer_t follow(const uint8_t *statement, uint32_t *is_reset) {
  const uint32_t what = statement[OWNER_WHAT];
  const uint8_t *key = statement + OWNER_KEY;
  if (what == RT_TRUST_RESET) {
    *is_reset = 1;
    return RT_TRUST_OK;
  }
  const uint32_t lock = statement[OWNER_LOCK];
  const rt_trust_answer_t answer = write_record(key, lock, trust.counter);
  if (answer != RT_TRUST_OK) return answer;
  __builtin_memcpy(trust.owner, key, RT_TRUST_KEY_BYTES);
  trust.state = RT_TRUST_CLAIMED;
  trust.is_locked = (uint8_t)lock;
  return RT_TRUST_OK;
}

rt_trust_answer_t rt_trust_take(const uint8_t *statement, uint32_t size, uint32_t *is_reset) {
  const uint8_t *signer = NULL;
  *is_reset = 0;
  rt_trust_answer_t answer = check_form(statement, size);
  if (answer == RT_TRUST_OK) answer = find_signer(statement, &signer);
  if (answer == RT_TRUST_OK) answer = check_signature(statement, signer);
  if (answer != RT_TRUST_OK) return answer;
  /* Only a good one uses the challenge up: nobody else can keep the owner from using it. */
  draw_challenge();
  return follow(statement, is_reset);
}

rt_trust_answer_t rt_trust_check_program(const uint8_t *statement, uint32_t size) {
  if (size != RT_TRUST_STATEMENT_BYTES) return RT_TRUST_ERROR_FORMAT;
  if (load32(statement) != RT_TRUST_PROGRAM_MAGIC) return RT_TRUST_ERROR_FORMAT;
  if (load32(statement + PROGRAM_RESERVED) != 0) return RT_TRUST_ERROR_FORMAT;
  if (rt_trust_program_counter(statement) == 0) return RT_TRUST_ERROR_FORMAT;
  const rt_trust_answer_t answer = check_state();
  if (answer != RT_TRUST_OK) return answer;
  const uint8_t *owner = rt_trust_owner();
  if (owner == NULL) return RT_TRUST_ERROR_UNCLAIMED;
  const uint64_t device = load64(statement + PROGRAM_DEVICE);
  if (device != 0 && device != rt_hal_device_id()) return RT_TRUST_ERROR_DEVICE;
  return check_signature(statement, owner);
}

rt_trust_answer_t rt_trust_keep_counter(uint32_t counter) {
  if (counter <= trust.counter) return RT_TRUST_OK;
  const uint32_t is_claimed = trust.state == RT_TRUST_CLAIMED;
  return write_record(is_claimed ? trust.owner : NULL, trust.is_locked, counter);
}

#endif
