#include "adapter_blob.h"

#define EXPONENT_MIN (-16)
#define EXPONENT_MAX 24

/* CRC-32 of a nibble, reflected polynomial 0xEDB88320. */
static const uint32_t crc_table[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu,
                                       0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
                                       0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
                                       0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};

uint32_t rt_blob_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count) {
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
  }
  return ~crc;
}

uint32_t rt_blob_bytes(const rt_adapter_t *adapter) {
  return RT_BLOB_HEADER_BYTES + adapter->plan->payload.bytes;
}

static void put32(uint8_t *at, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *at) {
  return at[0] | ((uint32_t)at[1] << 8) | ((uint32_t)at[2] << 16) | ((uint32_t)at[3] << 24);
}

/* The first 20 bytes: what a blob for this adapter must begin with. */
static void write_header(const rt_adapter_t *adapter, uint8_t *header) {
  const rt_adapter_plan_t *plan = adapter->plan;
  put32(header, RT_BLOB_MAGIC);
  put32(header + 4, RT_BLOB_VERSION | (plan->method << 16) | (plan->rank << 24));
  put32(header + 8, adapter->engine->model->hash);
  put32(header + 12, plan->hash);
  put32(header + 16, plan->payload.bytes);
}

static uint32_t checksum(const uint8_t *header, const uint8_t *payload, uint32_t payload_bytes) {
  uint32_t crc = rt_blob_crc32(0, header, RT_BLOB_HEADER_BYTES - 4u);
  return rt_blob_crc32(crc, payload, payload_bytes);
}

void rt_blob_header(const rt_adapter_t *adapter, uint8_t header[RT_BLOB_HEADER_BYTES]) {
  const uint8_t *payload = (const uint8_t *)adapter->exponents;
  write_header(adapter, header);
  put32(header + 20, checksum(header, payload, adapter->plan->payload.bytes));
}

rt_status_t rt_blob_save(const rt_adapter_t *adapter, uint8_t *blob, uint32_t capacity) {
  uint32_t payload = adapter->plan->payload.bytes;
  if (capacity < RT_BLOB_HEADER_BYTES + payload) return RT_ERROR_ARGUMENT;
  rt_blob_header(adapter, blob);
  __builtin_memcpy(blob + RT_BLOB_HEADER_BYTES, adapter->exponents, payload);
  return RT_OK;
}

rt_status_t rt_blob_verify(const rt_adapter_t *adapter, const uint8_t *blob, uint32_t bytes) {
  const rt_adapter_plan_t *plan = adapter->plan;
  if (bytes < RT_BLOB_HEADER_BYTES || get32(blob) != RT_BLOB_MAGIC ||
      (get32(blob + 4) & 0xffffu) != RT_BLOB_VERSION ||
      get32(blob + 16) != bytes - RT_BLOB_HEADER_BYTES) {
    return RT_ERROR_BLOB_FORMAT;
  }
  if (get32(blob + 20) !=
      checksum(blob, blob + RT_BLOB_HEADER_BYTES, bytes - RT_BLOB_HEADER_BYTES)) {
    return RT_ERROR_BLOB_CHECKSUM;
  }
  uint8_t expected[RT_BLOB_HEADER_BYTES - 4];
  write_header(adapter, expected);
  for (uint32_t i = 0; i < sizeof(expected); i++) {
    if (blob[i] != expected[i]) return RT_ERROR_BLOB_MODEL;
  }
  for (uint32_t g = 0; g < plan->group_count; g++) {
    int8_t exponent = (int8_t)blob[RT_BLOB_HEADER_BYTES + g];
    if (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX) return RT_ERROR_BLOB_FORMAT;
  }
  return RT_OK;
}

rt_status_t rt_blob_load_into(rt_adapter_t *adapter, uint32_t place, const uint8_t *blob,
                              uint32_t bytes) {
  if (place >= adapter->plan->place_count) return RT_ERROR_ARGUMENT;
  rt_status_t status = rt_blob_verify(adapter, blob, bytes);
  if (status != RT_OK) return status;
  __builtin_memcpy(rt_adapter_place(adapter, place), blob + RT_BLOB_HEADER_BYTES,
                   adapter->plan->payload.bytes);
  return RT_OK;
}

rt_status_t rt_blob_load(rt_adapter_t *adapter, const uint8_t *blob, uint32_t bytes) {
  return rt_blob_load_into(adapter, adapter->place, blob, bytes);
}
