/*
 * Delta files: what the header says and what the payload decodes to, in pieces of any size.
 * Input: 1 byte of choices, then the file.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "store/delta_file.h"
#include "targets.h"

#define CHOICE_REPAIR 0x01u /* make the header's sizes fit */
#define DECODED_MOST 4096u

static void put32(uint8_t *at, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static void repair(uint8_t *file, uint32_t size) {
  static const uint8_t magic[] = {0x52, 0x74, 0x44, 0x31, RT_DELTA_VERSION};
  if (size < RT_DELTA_HEADER_BYTES + RT_DELTA_SIGNATURE_BYTES) return;
  memcpy(file, magic, sizeof magic);
  file[18] = RT_DELTA_PRECISION;
  file[19] %= RT_DELTA_NAME_BYTES + 1u;
  file[5] = (uint8_t)(RT_DELTA_HEADER_BYTES + file[19]);
  const uint32_t around = file[5] + RT_DELTA_SIGNATURE_BYTES;
  if (size >= around) put32(file + 36, size - around);
  put32(file + 40, (file[40] | (uint32_t)file[41] << 8) % DECODED_MOST);
}

/* Returns the status; the bytes decoded before it failed are in `bytes`. */
static rt_delta_status_t decode(const rt_delta_t *delta, uint8_t *bytes, uint32_t piece) {
  rt_delta_decoder_t decoder;
  rt_delta_decode_begin(&decoder, delta);
  for (uint32_t at = 0; at < delta->decoded_bytes; at += piece) {
    const uint32_t left = delta->decoded_bytes - at, count = left < piece ? left : piece;
    const rt_delta_status_t status = rt_delta_decode(&decoder, bytes + at, count);
    if (status != RT_DELTA_OK) return status;
  }
  return rt_delta_decode_end(&decoder);
}

static void decode_twice(const rt_delta_t *delta, uint32_t choices) {
  const uint32_t bytes = delta->decoded_bytes;
  uint8_t *whole = calloc(1, bytes + 1u), *pieces = calloc(1, bytes + 1u);
  if (whole == NULL || pieces == NULL) abort();
  const rt_delta_status_t status = decode(delta, whole, bytes + 1u);
  FUZZ_CHECK(status == RT_DELTA_OK || status == RT_DELTA_BAD_CODING);
  FUZZ_CHECK(decode(delta, pieces, 1u + (choices >> 1)) == status);
  if (status == RT_DELTA_OK) FUZZ_CHECK(memcmp(whole, pieces, bytes) == 0);
  free(whole);
  free(pieces);
}

void fuzz_delta(const uint8_t *data, size_t size) {
  if (size == 0) return;
  const uint32_t choices = data[0], bytes = (uint32_t)size - 1u;
  uint8_t *file = malloc(bytes + (bytes == 0));
  if (file == NULL) abort();
  memcpy(file, data + 1, bytes);
  if (choices & CHOICE_REPAIR) repair(file, bytes);
  rt_delta_t delta;
  const rt_delta_status_t status = rt_delta_parse(file, bytes, &delta);
  if (status == RT_DELTA_OK) {
    FUZZ_CHECK(delta.signature + RT_DELTA_SIGNATURE_BYTES == file + bytes);
    FUZZ_CHECK(delta.name + delta.name_bytes == delta.payload);
    FUZZ_CHECK(delta.payload + delta.payload_bytes == delta.signature);
    decode_twice(&delta, choices);
  } else {
    FUZZ_CHECK(status == RT_DELTA_TRUNCATED || status == RT_DELTA_NOT_A_DELTA ||
               status == RT_DELTA_TOO_LARGE);
  }
  free(file);
}
