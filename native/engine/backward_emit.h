/*
 * From sums to a signal: mask, stochastic rounding, saturation.
 */
#ifndef RT_ENGINE_BACKWARD_EMIT_H
#define RT_ENGINE_BACKWARD_EMIT_H

#include "model.h"

/* Where gradients pass: the bits of a mask, or what a kept int8 tensor says: low < x < low + span
 * Element i is bit i & 7 of byte i >> 3, or byte i. Neither: they
 * pass everywhere. */
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

/* signal[first + i stride] = floor(sums[i] / 2^narrow + u) where the gate lets it pass, else 0, at
 * most +-127; u is uniform in [0, 1) in steps of 1/256, four to a random word, which is drawn for
 * every four elements whatever the gate says. narrow 0..30. signal may be gate->x. Returns the
 * magnitudes of the sums that passed, or-ed. */
uint32_t rt_emit(const int32_t *sums, uint32_t count, uint32_t first, uint32_t stride,
                 const rt_emit_gate_t *gate, int8_t *signal, int32_t narrow, uint32_t *random);

uint32_t rt_emit_portable(const int32_t *sums, uint32_t count, uint32_t first, uint32_t stride,
                          const rt_emit_gate_t *gate, int8_t *signal, int32_t narrow,
                          uint32_t *random);

#endif
