/*
 * Buffer.digest(key, algorithm, parts): SHA-256 of the parts one after the other, or with a key
 * their HMAC (RFC 2104). The firmware has SHA-256 anyway, for the deployed program.
 */
#include <string.h>

#include "bus/sha256.h"
#include "vm/abi.h"
#include "vm/native.h"

#define BLOCK_BYTES 64u
#define INNER 0x36u
#define OUTER 0x5cu

/* Bytes of all parts; -1 with an error pending when one is neither buffer nor string. */
static int64_t length_of(const rt_array_t *parts) {
  int64_t total = 0;
  for (uint32_t i = 0; i < parts->length; i++) {
    uint32_t bytes = 0, writable = 0;
    const rt_value_t part = rt_array_values(parts)[i];
    if (rt_bytes_of(part, &bytes, &writable) == NULL) {
      (void)rt_throw_expecting("buffer", part);
      return -1;
    }
    total += bytes;
  }
  return total;
}

static void join(const rt_array_t *parts, uint8_t *to) {
  for (uint32_t i = 0; i < parts->length; i++) {
    uint32_t bytes = 0, writable = 0;
    const uint8_t *from = rt_bytes_of(rt_array_values(parts)[i], &bytes, &writable);
    memcpy(to, from, bytes);
    to += bytes;
  }
}

/* The key as a block: a longer one by its hash, a shorter one filled up with zeros. */
static void expand_key(const uint8_t *key, uint32_t bytes, uint8_t *block) {
  memset(block, 0, BLOCK_BYTES);
  if (bytes > BLOCK_BYTES) {
    rt_sha256(key, bytes, block);
  } else {
    memcpy(block, key, bytes);
  }
}

static void mask(uint8_t *block, uint8_t with) {
  for (uint32_t i = 0; i < BLOCK_BYTES; i++) block[i] ^= with;
}

/* HMAC of what lies behind the first block of `message`, which is filled in here. */
static void hash_with_key(rt_value_t key, uint8_t *message, uint32_t size, uint8_t *hash) {
  uint8_t outer[BLOCK_BYTES + RT_SHA256_BYTES];
  uint32_t bytes = 0, writable = 0;
  const uint8_t *text = rt_bytes_of(key, &bytes, &writable);
  expand_key(text, bytes, outer);
  memcpy(message, outer, BLOCK_BYTES);
  mask(message, INNER);
  rt_sha256(message, size, outer + BLOCK_BYTES);
  mask(outer, OUTER);
  rt_sha256(outer, sizeof outer, hash);
}

rt_value_t rt_native_buffer_digest(rt_call_t *call) {
  const rt_value_t key = call->arguments[0];
  uint32_t bytes = 0, writable = 0;
  const rt_array_t *parts = RT_AS_ARRAY(call->arguments[2]);
  if (parts == NULL) return rt_throw_expecting("array", call->arguments[2]);
  const int has_key = key != RT_UNDEFINED && key != RT_NULL;
  if (has_key && rt_bytes_of(key, &bytes, &writable) == NULL) {
    return rt_throw_expecting("buffer", key);
  }
  const int64_t total = length_of(parts);
  if (total < 0) return RT_UNDEFINED;
  if (total > 0xffff) return rt_throw_range_error("buffer too big");
  const uint32_t before = has_key ? BLOCK_BYTES : 0;
  rt_buffer_t *message = rt_buffer_new(before + (uint32_t)total);
  if (message == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(message));
  rt_buffer_t *hash = rt_buffer_new(RT_SHA256_BYTES);
  if (hash == NULL) return RT_UNDEFINED;
  join(parts, message->bytes + before);
  if (has_key) {
    hash_with_key(key, message->bytes, before + (uint32_t)total, hash->bytes);
  } else {
    rt_sha256(message->bytes, (size_t)total, hash->bytes);
  }
  return RT_OBJECT(hash);
}
