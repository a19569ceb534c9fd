/* The device's reader of deltas for tests: one file in, what it says and holds out. */
#include "store/delta_file.h"

#define FILE_BYTES 65536u

uint8_t test_file[FILE_BYTES];
uint8_t test_decoded[RT_DELTA_DECODED_MAX];
/* Fields that came out of the header. */
uint32_t test_fields[8];

/* Status of the header; with RT_DELTA_OK, the fields. */
uint32_t test_parse(uint32_t bytes) {
  rt_delta_t delta;
  const rt_delta_status_t status = rt_delta_parse(test_file, bytes, &delta);
  if (status != RT_DELTA_OK) return status;
  const uint32_t fields[8] = {delta.coding,        delta.slot,          delta.counter,
                              delta.base_crc,      delta.payload_bytes, delta.decoded_bytes,
                              delta.blob_crc,      delta.name_bytes};
  for (uint32_t i = 0; i < 8; i++) test_fields[i] = fields[i];
  return RT_DELTA_OK;
}

/* Status of the payload, decoded in pieces of `piece` bytes into test_decoded. */
uint32_t test_decode(uint32_t bytes, uint32_t piece) {
  rt_delta_t delta;
  rt_delta_decoder_t decoder;
  if (rt_delta_parse(test_file, bytes, &delta) != RT_DELTA_OK) return RT_DELTA_NOT_A_DELTA;
  rt_delta_decode_begin(&decoder, &delta);
  for (uint32_t at = 0; at < delta.decoded_bytes;) {
    const uint32_t rest = delta.decoded_bytes - at;
    const uint32_t count = rest < piece ? rest : piece;
    if (rt_delta_decode(&decoder, test_decoded + at, count) != RT_DELTA_OK) {
      return RT_DELTA_BAD_CODING;
    }
    at += count;
  }
  return rt_delta_decode_end(&decoder);
}
