#include "bus/internal.h"

void rt_bus_copy(void *to, const void *from, size_t bytes) {
  uint8_t *target = to;
  const uint8_t *source = from;
  while (bytes-- > 0) *target++ = *source++;
}

uint32_t rt_bus_load16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

uint32_t rt_bus_load32(const uint8_t *bytes) {
  return rt_bus_load16(bytes) | rt_bus_load16(bytes + 2) << 16;
}

uint64_t rt_bus_load64(const uint8_t *bytes) {
  return rt_bus_load32(bytes) | (uint64_t)rt_bus_load32(bytes + 4) << 32;
}

void rt_bus_store16(uint8_t *bytes, uint32_t number) {
  bytes[0] = (uint8_t)number;
  bytes[1] = (uint8_t)(number >> 8);
}

void rt_bus_store32(uint8_t *bytes, uint32_t number) {
  rt_bus_store16(bytes, number);
  rt_bus_store16(bytes + 2, number >> 16);
}

void rt_bus_store64(uint8_t *bytes, uint64_t number) {
  rt_bus_store32(bytes, (uint32_t)number);
  rt_bus_store32(bytes + 4, (uint32_t)(number >> 32));
}

size_t rt_bus_text_bytes(const char *text) {
  size_t bytes = 0;
  while (text[bytes] != 0) bytes++;
  return bytes;
}
