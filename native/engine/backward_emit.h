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

/* Sums [rows][pitch], of which the first `columns` of a row count, and their places in the signal:
 * number n of them, row by row, is element first + n stride. */
typedef struct {
  int32_t *sums;
  uint32_t rows, columns, pitch;
  uint32_t first, stride;
} rt_emit_t;

/* Zeroes the sums that the gate does not let pass and moves the others together. */
void rt_emit_gate(const rt_emit_t *emit, const rt_emit_gate_t *gate);

/* signal[n stride] = floor(sums[n] / 2^narrow + u), saturated, n < count; u is uniform in [0, 1):
 * the upper bits of a random word for the last of four elements, of the word shifted left by 8, 16
 * and 24 bits for those before. One word is drawn for every four elements, and one for what is left
 * over. narrow 0..31. Returns the magnitudes of the sums, or-ed: x or ~x. */
uint32_t rt_emit_round(const int32_t *sums, uint32_t count, int8_t *signal, uint32_t stride,
                       uint32_t narrow, uint32_t *random);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
uint32_t rt_emit_round_portable(const int32_t *sums, uint32_t count, int8_t *signal,
                                uint32_t stride, uint32_t narrow, uint32_t *random);

/* Both: from sums to signal [first + n stride]. signal may be gate->x. */
static inline uint32_t rt_emit(const rt_emit_t *emit, const rt_emit_gate_t *gate, int8_t *signal,
                               int32_t narrow, uint32_t *random) {
  rt_emit_gate(emit, gate);
  return rt_emit_round(emit->sums, emit->rows * emit->columns, signal + emit->first, emit->stride,
                       (uint32_t)narrow, random);
}

#endif
