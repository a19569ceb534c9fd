/* Packed and plain dot products against the plain sum, extreme bytes included. */
#include "engine/dot.h"

#include "harness.h"

#define LENGTH 64
#define ROWS 5

static int8_t extreme_byte(void) {
  const uint32_t kind = rt_test_random() % 4;
  if (kind == 0) return INT8_MIN;
  if (kind == 1) return INT8_MAX;
  return (int8_t)rt_test_between(-128, 127);
}

static void one_size(int32_t length) {
  union {
    uint32_t align;
    int8_t bytes[ROWS * LENGTH];
  } weights;
  int8_t x[LENGTH];
  uint32_t a[LENGTH];
  int32_t packed[ROWS], plain[ROWS];
  for (int32_t i = 0; i < ROWS * LENGTH; i++) weights.bytes[i] = extreme_byte();
  for (int32_t i = 0; i < LENGTH; i++) x[i] = extreme_byte();
  for (int32_t r = 0; r < ROWS; r++) packed[r] = plain[r] = rt_test_extreme();
  int32_t expected[ROWS];
  for (int32_t r = 0; r < ROWS; r++) {
    uint32_t sum = (uint32_t)packed[r];
    for (int32_t i = 0; i < length; i++) sum += (uint32_t)(weights.bytes[r * LENGTH + i] * x[i]);
    expected[r] = (int32_t)sum;
  }
  rt_dot_plain(weights.bytes, LENGTH, x, length, ROWS, plain);
  for (int32_t r = 0; r < ROWS; r++) CHECK(plain[r] == expected[r]);
  if (length % 4 != 0) return;
  const uint32_t correction = rt_dot_expand(x, length, a);
  rt_dot_packed(weights.bytes, LENGTH, a, length, correction, ROWS, packed);
  for (int32_t r = 0; r < ROWS; r++) CHECK(packed[r] == expected[r]);
}

void rt_test_dot(void) {
  for (int32_t round = 0; round < 300; round++) {
    for (int32_t length = 1; length <= LENGTH; length++) one_size(length);
  }
}
