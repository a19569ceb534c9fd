/* Internal to backward*.c: what the layer kinds share. */
#ifndef RT_ENGINE_BACKWARD_PARTS_H
#define RT_ENGINE_BACKWARD_PARTS_H

#include "backward.h"

/* A layer on the way back, with its shapes. */
typedef struct {
  const rt_adapter_step_t *step;
  const rt_layer_t *layer;
  const rt_layer_t *producer; /* NULL at the model's input */
  uint32_t rows, columns;     /* of output pixels; dense layers have one */
  uint32_t inputs, outputs;   /* channels a pixel */
  const int8_t *x;            /* the input tensor, if it was kept */
  int32_t zero;               /* its zero point */
} rt_backward_layer_t;

void rt_backward_layer(const rt_backward_t *backward, rt_backward_layer_t *out);

/* Signal of one element of the layer's output: masked if it comes from the pool. */
int32_t rt_backward_load(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                         uint32_t pixel, uint32_t channel);

/* 1 where the gradient of element i of the layer's input passes its producer's clamp. */
uint32_t rt_backward_passes(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                            uint32_t i);

/* Largest shift of the layer's requantisation: M_c = gain_c * 2^(largest - 15). */
int32_t rt_backward_gain_shift(const rt_backward_layer_t *layer);

/* gain_c, 15 bits, on that common exponent. */
static inline int32_t rt_backward_gain(const rt_layer_t *layer, uint32_t c, int32_t largest) {
  int32_t down = 16 + largest - layer->shift[c];
  return down > 31 ? 0 : layer->multiplier[c] >> down;
}

/* M_c G_c with gain_bits bits. */
static inline int32_t rt_backward_apply_gain(int32_t g, int32_t gain, int32_t shift) {
  return shift == 0 ? g * gain : (g * gain + (1 << (shift - 1))) >> shift;
}

/* Prepares gain_bits, gain_exponent, narrow; returns the shift for rt_backward_apply_gain. */
int32_t rt_backward_prepare(rt_backward_t *backward, const rt_backward_layer_t *layer);
int32_t rt_backward_gain_right(const rt_backward_t *backward);

/* Writes element i of the input's signal from a sum. */
void rt_backward_store(rt_backward_t *backward, const rt_backward_layer_t *layer, uint32_t i,
                       int32_t sum, uint32_t *random);

static inline int16_t *rt_backward_signal(const rt_backward_t *backward) {
  return rt_adapter_buffer(backward->adapter, &backward->adapter->plan->signal);
}

/* Units of the layer kinds: RT_BUSY while work is left in the layer. cycles is added to. */
rt_status_t rt_backward_dense(rt_backward_t *backward, const rt_backward_layer_t *layer,
                              uint32_t *random, uint32_t *cycles);
rt_status_t rt_backward_depthwise(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                  uint32_t *random, uint32_t *cycles);

#endif
