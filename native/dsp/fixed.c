#include "fixed.h"

#include "../engine/hot.h"
#include "tables_common.h"

RT_HOT int32_t rt_dsp_log2(uint32_t x) {
  const uint32_t bits = rt_dsp_bits(x);
  const uint32_t mantissa = x << (32 - bits);          // top bit set
  const uint32_t index = (mantissa >> 25) & 63;        // six bits behind it
  const uint32_t fraction = (mantissa >> 15) & 0x3ff;  // ten more to interpolate with
  const uint32_t low = rt_dsp_log2_table[index];
  const uint32_t step = rt_dsp_log2_table[index + 1] - low;
  const uint32_t q25 = (low << 10) + step * fraction;
  return (int32_t)(((bits - 1) << RT_DSP_LOG2_Q) + ((q25 + (1u << 14)) >> 15));
}

RT_HOT int32_t rt_dsp_log2_add(int32_t a, int32_t b) {
  const int32_t high = a > b ? a : b;
  const uint32_t distance = (uint32_t)(high - (a > b ? b : a));
  if (distance >= 11u << RT_DSP_LOG2_Q) {
    return high;  // adds less than 0.73 of the last place
  }
  const uint32_t index = distance >> (RT_DSP_LOG2_Q - 4);
  const uint32_t fraction = distance & ((1u << (RT_DSP_LOG2_Q - 4)) - 1);
  const uint32_t left = rt_dsp_log_add_table[index];
  const uint32_t step = left - rt_dsp_log_add_table[index + 1];
  const uint32_t q14 = left - ((step * fraction) >> (RT_DSP_LOG2_Q - 4));
  return high + (int32_t)((q14 + 8) >> 4);
}

uint32_t rt_dsp_sqrt(uint32_t x) {
  const uint32_t index = (x >> 25) - 32;
  const uint32_t fraction = (x >> 12) & 0x1fff;
  const uint32_t low = rt_dsp_sqrt_table[index];
  return low + (((rt_dsp_sqrt_table[index + 1] - low) * fraction) >> 13);
}
