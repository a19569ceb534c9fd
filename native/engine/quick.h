/*
 * Requantisation with one multiply, exact: from accumulators to int8 with tables that the compiler
 * prepares (compiler/requantise.ts; rt_layer_t.quick).
 *
 * Requantisation (requantise.h) is a staircase: it never falls when the accumulator rises. So the
 * compiler finds, per channel, the accumulators from which on the output leaves activation_min and
 * reaches activation_max; outside of them, which is half of the outputs behind a ReLU, nothing is
 * multiplied. Between them, with d = accumulator - first,
 *   p = (uint32) (d * slope + start)
 * is the output with 24 bits behind the point, and never more than the true value. By how much it
 * can be less is known: the slope is rounded to an integer, and below zero TensorFlow Lite's second
 * rounding goes the other way. Only where the 24 bits are so near to the next integer that it could
 * matter - about one output in two hundred - rt_output decides.
 *
 * Table: word 0 is the layer's bound on p << 8 (unsigned) from which on rt_output decides; then
 * four words a channel:
 *   first  accumulators below it give activation_min
 *   last   accumulators with d > last, unsigned, give activation_max
 *   slope
 *   start
 * A channel whose outputs between the ends rt_output is to decide has slope 0 and start 0x00ffffff.
 */
#ifndef RT_ENGINE_QUICK_H
#define RT_ENGINE_QUICK_H

#include "model.h"
#include "requantise.h"

#define RT_QUICK_HEADER 1u  /* words before the first channel */
#define RT_QUICK_CHANNEL 4u /* words a channel */

/* Words of a layer's table. */
static inline uint32_t rt_quick_words(uint32_t channels) {
  return RT_QUICK_HEADER + RT_QUICK_CHANNEL * channels;
}

/* What one call has for all of its outputs. */
typedef struct {
  int32_t low; /* activation_min */
  int32_t high;
  uint32_t bound; /* word 0 of the table */
  int32_t zero_point;
  /* Of the call's first output, for rt_output. */
  const int32_t *acc;
  const int32_t *multiplier;
  const int32_t *shift;
} rt_quick_t;

/* One output. in: channel, four words of the table. */
static inline int8_t rt_quick_output(int32_t acc, const int32_t *channel, const rt_quick_t *quick,
                                     int32_t multiplier, int32_t shift) {
  const uint32_t d = (uint32_t)acc - (uint32_t)channel[0];
  if (acc < channel[0]) return (int8_t)quick->low;
  if (d > (uint32_t)channel[1]) return (int8_t)quick->high;
  const uint32_t p = d * (uint32_t)channel[2] + (uint32_t)channel[3];
  if (p << 8 < quick->bound) return (int8_t)((int32_t)p >> 24);
  return rt_output(acc, multiplier, shift, quick->zero_point, quick->low, quick->high);
}

/* Outputs [count]. in: channels, the table from the first output's channel on; acc [count]; count
 * at least 1. out: y [count]. */
void rt_quick_pixel(const int32_t *channels, const int32_t *acc, int8_t *y, int32_t count,
                    const rt_quick_t *quick);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
void rt_quick_pixel_portable(const int32_t *channels, const int32_t *acc, int8_t *y, int32_t count,
                             const rt_quick_t *quick);

/* What rt_quick_pixel's machine code asks where one multiply does not tell. in: acc, where the
 * output's accumulator lies; channel, its four words. */
int32_t rt_quick_decide(const rt_quick_t *quick, const int32_t *acc);

#endif
