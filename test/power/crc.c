#include "crc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "store/store.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t table[8][256];

static uint32_t one_byte(uint32_t crc) {
  for (uint32_t bit = 0; bit < 8; bit++) crc = crc & 1u ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
  return crc;
}

uint32_t rt_power_crc32(uint32_t crc, const void *bytes, uint32_t count) {
  const uint8_t *at = bytes;
  crc = ~crc;
  for (; count >= 8; count -= 8, at += 8) {
    uint32_t low, high;
    memcpy(&low, at, 4);
    memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = table[7][low & 255u] ^ table[6][low >> 8 & 255u] ^ table[5][low >> 16 & 255u] ^
          table[4][low >> 24] ^ table[3][high & 255u] ^ table[2][high >> 8 & 255u] ^
          table[1][high >> 16 & 255u] ^ table[0][high >> 24];
  }
  for (; count > 0; count--) crc = crc >> 8 ^ table[0][(crc ^ *at++) & 255u];
  return ~crc;
}

static uint32_t by_definition(uint32_t crc, const uint8_t *bytes, uint32_t count) {
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) crc = one_byte(crc ^ bytes[i]);
  return ~crc;
}

void rt_power_crc_begin(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (uint32_t slice = 0; slice < 8; slice++) table[slice][i] = crc = one_byte(crc);
  }
  rt_power_random_t random = {1};
  uint8_t bytes[200];
  for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)rt_power_random(&random);
  for (uint32_t i = 0; i < 500; i++) {
    const uint32_t from = rt_power_below(&random, 100), count = rt_power_below(&random, 100);
    const uint32_t seed = i % 3 == 0 ? 0 : rt_power_random(&random);
    if (rt_store_crc32(seed, bytes + from, count) == by_definition(seed, bytes + from, count)) {
      continue;
    }
    fprintf(stderr, "rt_store_crc32 is not CRC-32\n");
    exit(2);
  }
}
