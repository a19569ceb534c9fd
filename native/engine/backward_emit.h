/*
 * From sums to a signal: mask, stochastic rounding, saturation.
 */
#ifndef RT_ENGINE_BACKWARD_EMIT_H
#define RT_ENGINE_BACKWARD_EMIT_H

#include "model.h"

/* Where gradients pass: the bits of a mask, or what a kept int8 tensor says: low < x < low + span.
 * Element i is bit i & 7 of byte i >> 3, or byte i. Neither: they pass everywhere. */
typedef struct {
  const uint8_t *bits;
  const int8_t *x;
  int32_t low;
  uint32_t span;
} rt_emit_gate_t;

/* Where the clamp of a layer with output x lets gradients through. */
static inline void rt_emit_gate_of(const rt_layer_t *layer, const int8_t *x, rt_emit_gate_t *gate) {
  const int32_t top = layer->activation_max < 127 ? layer->activation_max : 128;
  gate->x = x;
  gate->low = layer->activation_min;
  gate->span = (uint32_t)(top - layer->activation_min);
}

/* Zeroes the sums [count] of elements first, first + 1, … that the gate does not let pass. */
void rt_emit_gate(int32_t *sums, uint32_t count, uint32_t first, const rt_emit_gate_t *gate);

/* Zeroes the elements of a signal [count] whose bit is 0: of bits, from bit 0 of byte 0 on. signal
 * 4-aligned. */
void rt_emit_mask(const uint8_t *bits, uint32_t count, int8_t *signal);

/* signal[n stride] = floor(sums[n] / 2^narrow + u), saturated, n < count; u is uniform in [0, 1):
 * the upper bits of a random word for the last of four elements, of the word shifted left by 8, 16
 * and 24 bits for those before. One word is drawn for every four elements, and one for what is left
 * over. narrow 0..31. Returns the magnitudes of the sums, or-ed: x or ~x. */
uint32_t rt_emit_round(const int32_t *sums, uint32_t count, int8_t *signal, uint32_t stride,
                       uint32_t narrow, uint32_t *random);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
uint32_t rt_emit_round_portable(const int32_t *sums, uint32_t count, int8_t *signal,
                                uint32_t stride, uint32_t narrow, uint32_t *random);

#endif
