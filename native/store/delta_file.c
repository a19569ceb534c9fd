/* The header of a delta file: byte offsets as in docs/delta.md. */
#include "store/delta_file.h"

#include "engine/adapter.h"

static uint32_t get32(const uint8_t *at) {
  return at[0] | ((uint32_t)at[1] << 8) | ((uint32_t)at[2] << 16) | ((uint32_t)at[3] << 24);
}

/* Bytes of the character at `at`, 0 where none is or it is a control character. */
static uint32_t character_bytes(const uint8_t *at, uint32_t available) {
  const uint8_t first = at[0];
  if (first < 0x80) return first >= 0x20 && first != 0x7f;
  if (first < 0xc2 || first > 0xf4) return 0;
  const uint32_t bytes = first < 0xe0 ? 2u : first < 0xf0 ? 3u : 4u;
  if (bytes > available) return 0;
  for (uint32_t i = 1; i < bytes; i++) {
    if ((at[i] & 0xc0u) != 0x80u) return 0;
  }
  /* control characters; forms longer than need be; surrogates; beyond U+10FFFF */
  if (first == 0xc2 && at[1] < 0xa0) return 0;
  if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90)) return 0;
  if ((first == 0xed && at[1] > 0x9f) || (first == 0xf4 && at[1] > 0x8f)) return 0;
  return bytes;
}

static uint32_t is_name(const uint8_t *name, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes;) {
    const uint32_t count = character_bytes(name + i, bytes - i);
    if (count == 0) return 0;
    i += count;
  }
  return 1;
}

static uint32_t are_fields_in_range(const uint8_t *file, const rt_delta_t *delta) {
  if (delta->coding >= RT_DELTA_CODINGS) return 0;
  if (delta->slot > 7u && delta->slot != RT_DELTA_ANY_SLOT) return 0;
  if (delta->method < RT_ADAPTER_HEAD || delta->method > RT_ADAPTER_LORA) return 0;
  return file[18] == RT_DELTA_PRECISION && delta->counter != 0;
}

rt_delta_status_t rt_delta_parse(const uint8_t *file, uint32_t bytes, rt_delta_t *delta) {
  if (bytes < RT_DELTA_HEADER_BYTES) return RT_DELTA_TRUNCATED;
  const uint32_t name_bytes = file[19];
  const uint32_t header_bytes = file[5];
  if (get32(file) != RT_DELTA_MAGIC || file[4] != RT_DELTA_VERSION ||
      name_bytes > RT_DELTA_NAME_BYTES || header_bytes != RT_DELTA_HEADER_BYTES + name_bytes) {
    return RT_DELTA_NOT_A_DELTA;
  }
  const uint32_t around = header_bytes + RT_DELTA_SIGNATURE_BYTES;
  const uint32_t payload_bytes = get32(file + 36);
  if (bytes < around || payload_bytes != bytes - around) return RT_DELTA_TRUNCATED;
  *delta = (rt_delta_t){
      .coding = file[6],
      .slot = file[7],
      .method = file[16],
      .rank = file[17],
      .name_bytes = (uint8_t)name_bytes,
      .model_hash = get32(file + 8),
      .layout_hash = get32(file + 12),
      .counter = get32(file + 20),
      .device = get32(file + 24) | ((uint64_t)get32(file + 28) << 32),
      .base_crc = get32(file + 32),
      .payload_bytes = payload_bytes,
      .decoded_bytes = get32(file + 40),
      .blob_crc = get32(file + 44),
      .signed_bytes = header_bytes + payload_bytes,
      .name = file + RT_DELTA_HEADER_BYTES,
      .payload = file + header_bytes,
      .signature = file + header_bytes + payload_bytes,
  };
  if (!are_fields_in_range(file, delta)) return RT_DELTA_NOT_A_DELTA;
  if (delta->decoded_bytes > RT_DELTA_DECODED_MAX) return RT_DELTA_TOO_LARGE;
  return is_name(delta->name, name_bytes) ? RT_DELTA_OK : RT_DELTA_NOT_A_DELTA;
}
