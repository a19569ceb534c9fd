// Small fixed-point functions of native/dsp. None of them divides, calls a library or uses a
// product wider than 32 bits: the Cortex-M0+ has a 32x32->32 multiply and nothing else.
#ifndef RT_DSP_FIXED_H
#define RT_DSP_FIXED_H

#include <stdint.h>

// Fraction bits of every log2 in native/dsp.
#define RT_DSP_LOG2_Q 10

// log2 of zero, or of anything below 2^-32.
#define RT_DSP_LOG2_ZERO (-32768)

// Number of significant bits of x: 0 for 0, 32 for 0x80000000 and above. Not __builtin_clz, which
// is a library call on cores without the instruction.
static inline uint32_t rt_dsp_bits(uint32_t x) {
  uint32_t n = 0;
  if (x >= 1u << 16) {
    x >>= 16;
    n += 16;
  }
  if (x >= 1u << 8) {
    x >>= 8;
    n += 8;
  }
  if (x >= 1u << 4) {
    x >>= 4;
    n += 4;
  }
  if (x >= 1u << 2) {
    x >>= 2;
    n += 2;
  }
  return n + (x > 1 ? 2 : x);
}

// floor(a * b / 2^32) for 0 <= b < 2^31.
static inline int32_t rt_dsp_multiply_high(int32_t a, int32_t b) {
  const int32_t a_high = a >> 16;
  const uint32_t a_low = (uint32_t)a & 0xffff;
  const uint32_t b_high = (uint32_t)b >> 16;
  const uint32_t b_low = (uint32_t)b & 0xffff;
  const int32_t middle = a_high * (int32_t)b_low + (int32_t)((a_low * b_low) >> 16);
  const uint32_t carry = a_low * b_high + ((uint32_t)middle & 0xffff);
  return a_high * (int32_t)b_high + (middle >> 16) + (int32_t)(carry >> 16);
}

// log2(x), Q10, for x >= 1. Error at most 0.57 of the last place.
int32_t rt_dsp_log2(uint32_t x);

// log2(2^a + 2^b) with a, b and the result in Q10. Error at most 0.73 of the last place.
int32_t rt_dsp_log2_add(int32_t a, int32_t b);

// sqrt(x) for 2^30 <= x < 2^32, result 2^15 to 2^16 - 1, relative error at most 7e-5.
uint32_t rt_dsp_sqrt(uint32_t x);

#endif
