/* The bits of a double and back. */
#ifndef RT_LIBM_BITS_H
#define RT_LIBM_BITS_H

#include <stdint.h>

typedef union {
  double number;
  uint64_t bits;
} rt_libm_double_t;

static inline uint64_t rt_libm_to_bits(double number) {
  rt_libm_double_t u = {.number = number};
  return u.bits;
}

static inline double rt_libm_from_bits(uint64_t bits) {
  rt_libm_double_t u = {.bits = bits};
  return u.number;
}

static inline double rt_libm_nan(void) { return rt_libm_from_bits(0x7ff8000000000000u); }

#endif
