#include "adapter_normal.h"

#include "adapter_rows.h"
#include "hot.h"
#include "train_cache.h"

#define FACTOR_BITS 7
#define DEVIATION_MIN_Q8 128 /* half a step: a dead channel is not blown up */

/* Cycles of a Cortex-M0+: of a channel, of each of its values; a call does channels for so long. */
#define CALIBRATE_CHANNEL_CYCLES 3200u
#define CALIBRATE_VALUE_CYCLES 20u
#define CALIBRATE_UNIT_CYCLES 100000u

/* n of channels [from, from + count) of the range. out: out [count]. */
static void normalise(const rt_adapter_t *adapter, const rt_normal_range_t *range,
                      const int8_t *vector, uint32_t from, uint32_t count, int32_t *out) {
  const int8_t *mean = adapter->constants + from;
  const uint8_t *factor = (const uint8_t *)mean + range->count;
  const int8_t *x = vector + range->first + from;
  for (uint32_t j = 0; j < count; j++) {
    int32_t n = ((x[j] - mean[j]) * factor[j]) >> (FACTOR_BITS - RT_NORMAL_BITS);
    if (n > 127) n = 127;
    if (n < -127) n = -127;
    out[j] = n;
  }
}

RT_HOT uint32_t rt_normal_rows(const rt_adapter_t *adapter, const rt_normal_range_t *range,
                               const int8_t *vector, const int8_t *w, uint32_t rows,
                               int32_t *sums) {
  int32_t block[RT_ROWS_BLOCK];
  uint32_t squares = 0;
  for (uint32_t r = 0; r < rows; r++) sums[r] = 0;
  for (uint32_t at = 0; at < range->count; at += RT_ROWS_BLOCK) {
    uint32_t left = range->count - at;
    uint32_t count = left < RT_ROWS_BLOCK ? left : RT_ROWS_BLOCK;
    normalise(adapter, range, vector, at, count, block);
    for (uint32_t i = 0; i < count; i++) squares += (uint32_t)(block[i] * block[i]);
    rt_rows_add(w + at, rows, range->count, 1, block, count, sums);
  }
  return squares;
}

RT_HOT const int8_t *rt_normal_vector(rt_adapter_t *adapter, const rt_normal_range_t *range,
                                      const int8_t *vector) {
  int8_t *out = adapter->vector + range->first;
  int32_t block[RT_ROWS_BLOCK];
  for (uint32_t at = 0; at < range->count; at += RT_ROWS_BLOCK) {
    uint32_t left = range->count - at;
    uint32_t count = left < RT_ROWS_BLOCK ? left : RT_ROWS_BLOCK;
    normalise(adapter, range, vector, at, count, block);
    for (uint32_t i = 0; i < count; i++) out[at + i] = (int8_t)block[i];
  }
  return out;
}

static void calibrate_channel(rt_adapter_t *adapter, const rt_normal_range_t *range,
                              const int8_t *vectors, uint32_t count, uint32_t j) {
  uint32_t stride = rt_train_cache_entry_bytes(adapter);
  const int8_t *x = vectors + range->first + j;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += (uint32_t)(x[i * stride] + 128);
  int32_t mean = (int32_t)rt_fixed_divide(sum + count / 2, count) - 128;
  uint32_t squares = 0; /* at most 255^2 a window: room for 65,536 windows */
  for (uint32_t i = 0; i < count; i++) {
    int32_t d = x[i * stride] - mean;
    squares += (uint32_t)(d * d);
  }
  uint32_t variance = rt_fixed_divide(squares, count);                        /* <= 255^2 */
  uint32_t rest = rt_fixed_divide((squares - variance * count) << 16, count); /* Q16 */
  uint32_t deviation = rt_fixed_sqrt((variance << 16) + rest);                /* Q8 */
  if (deviation < DEVIATION_MIN_Q8) deviation = DEVIATION_MIN_Q8;
  uint32_t factor = rt_fixed_divide((1u << (FACTOR_BITS + 8)) + deviation / 2, deviation);
  if (factor < 1) factor = 1;
  adapter->constants[j] = (int8_t)mean;
  adapter->constants[range->count + j] = (int8_t)(uint8_t)(factor > 255 ? 255 : factor);
}

static uint32_t is_calibrated(const rt_adapter_t *adapter, const rt_normal_range_t *range) {
  for (uint32_t j = 0; j < range->count; j++) {
    if (adapter->constants[range->count + j] != 0) return 1;
  }
  return 0;
}

rt_status_t rt_normal_calibrate(rt_adapter_t *adapter, const rt_normal_range_t *range,
                                const int8_t *vectors, uint32_t count, uint32_t *next,
                                uint32_t *cycles) {
  /* Weights were trained on these normals: once known, they stay as they are. */
  if (*next == 0 && is_calibrated(adapter, range)) return RT_OK;
  uint32_t spent = 0;
  for (; *next < range->count && spent < CALIBRATE_UNIT_CYCLES; (*next)++) {
    calibrate_channel(adapter, range, vectors, count, *next);
    spent += CALIBRATE_CHANNEL_CYCLES + count * CALIBRATE_VALUE_CYCLES;
  }
  *cycles += spent;
  return *next < range->count ? RT_BUSY : RT_OK;
}
