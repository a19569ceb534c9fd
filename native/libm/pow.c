/*
 * x^y is musl's, from where npm puts it (tools/native/musl.mjs). The natural logarithm is the one
 * within it: musl's log.c would bring tables of its own, 5 KB of flash.
 */
#include <math.h>
#include <stdint.h>

#include "libm/bits.h"

#define BITS_INFINITY 0x7ff0000000000000u
#define BITS_LEAST_NORMAL 0x0010000000000000u

/* Once in flash, for both callers. */
static double_t log_inline(uint64_t bits, double_t *tail) __attribute__((__noinline__));

#include <pow.c>

double rt_libm_log(double x) {
  uint64_t bits = rt_libm_to_bits(x);
  if (2 * bits == 0) return -INFINITY;
  if (x != x || x < 0) return rt_libm_nan();
  if (bits == BITS_INFINITY) return x;
  if (bits < BITS_LEAST_NORMAL) {
    /* The exponent goes on below that of the least normal number. */
    bits = rt_libm_to_bits(x * 0x1p52) - ((uint64_t)52 << 52);
  }
  double_t tail;
  return log_inline(bits, &tail);
}
