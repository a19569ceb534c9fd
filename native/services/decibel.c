#include "services/decibel.h"

/* A positive number mantissa * 2^exponent, mantissa with bit 31 set. */
typedef struct {
  uint32_t mantissa;
  int32_t exponent;
} number_t;

static number_t multiply(number_t a, number_t b) {
  uint64_t product = (uint64_t)a.mantissa * b.mantissa;
  int32_t exponent = a.exponent + b.exponent + 32;
  if (product >> 63 == 0) {
    product <<= 1;
    exponent--;
  }
  return (number_t){(uint32_t)(product >> 32), exponent};
}

/* 10^(2^k / 5120): what bit k of a level in 1/512 dB is worth. */
static const number_t bit_power[17] = {{2148449639u, -31}, {2149416065u, -31}, {2151350221u, -31},
                                       {2155223757u, -31}, {2162991763u, -31}, {2178611870u, -31},
                                       {2210191303u, -31}, {2274730054u, -31}, {2409516283u, -31},
                                       {2703521736u, -31}, {3403532215u, -31}, {2697117519u, -30},
                                       {3387426450u, -29}, {2671651997u, -26}, {3323761928u, -21},
                                       {2572171706u, -10}, {3080846409u, 11}};

/* 2^30 * 10^-12.8: a sample's square at -128 dB. */
static const number_t lowest = {2993778596u, -44};

uint64_t rt_decibel_power(int32_t level_q9, uint32_t count) {
  if (level_q9 > 512) return UINT64_MAX; /* louder than full scale by more than a decibel */
  const uint32_t above = (uint32_t)(level_q9 + 128 * 512);
  number_t power = lowest;
  for (uint32_t bit = 0; bit < 17; bit++) {
    if ((above >> bit & 1u) != 0) power = multiply(power, bit_power[bit]);
  }
  const uint64_t whole = (uint64_t)power.mantissa * count;
  if (whole == 0) return 0;
  if (power.exponent >= 0) return whole << power.exponent;
  const uint32_t shift = (uint32_t)-power.exponent;
  if (shift > 63 - 1) return 1;
  return ((whole - 1) >> shift) + 1; /* rounded up: the least integer that reaches it */
}

int16_t rt_decibel_level(uint64_t sum, uint32_t count) {
  /* The largest level that the sum reaches when half a step is taken off. */
  int32_t low = RT_DECIBEL_FLOOR, high = 256;
  while (low < high) {
    const int32_t middle = low + (high - low + 1) / 2;
    if (sum >= rt_decibel_power(2 * middle - 1, count)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return (int16_t)low;
}
