/* Internal to backward*.c: what the layer kinds share. */
#ifndef RT_ENGINE_BACKWARD_PARTS_H
#define RT_ENGINE_BACKWARD_PARTS_H

#include "backward.h"
#include "backward_emit.h"

/* A layer on the way back, with its shapes. */
typedef struct {
  const rt_adapter_step_t *step;
  const rt_layer_t *layer;
  uint32_t pixels;          /* of the output; dense layers have one */
  uint32_t columns;         /* of them in a row */
  uint32_t inputs, outputs; /* channels a pixel */
  const int8_t *x;          /* the input tensor, if it was kept */
  int32_t zero;             /* its zero point */
} rt_backward_layer_t;

void rt_backward_layer(const rt_backward_t *backward, rt_backward_layer_t *out);

/* Signal of a pixel of the layer's output, 4-aligned, readable to a multiple of 4. scratch
 * [outputs, rounded up to 4]: where it is put together if it does not lie so. */
const int8_t *rt_backward_pixel(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                                uint32_t pixel, int8_t *scratch);

/* Signal of a channel of the layer's output in `count` pixels. */
void rt_backward_column(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                        uint32_t pixel, uint32_t count, uint32_t channel, int8_t *out);

/* Chooses the shift of the layer's sums; before its first unit of propagation. */
void rt_backward_prepare(rt_backward_t *backward, const rt_backward_layer_t *layer);

/* Where the layer's input lets gradients through. */
rt_emit_gate_t rt_backward_gate(const rt_backward_t *backward, const rt_backward_layer_t *layer);

/* Applies the mask of the layer's input to its whole signal [values], if there is one. */
void rt_backward_mask(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      uint32_t values);

static inline int8_t *rt_backward_signal(const rt_backward_t *backward) {
  return rt_adapter_buffer(backward->adapter, &backward->adapter->plan->signal);
}

static inline void *rt_backward_work(const rt_backward_t *backward) {
  return rt_adapter_buffer(backward->adapter, &backward->adapter->plan->work);
}

/* Units of the layer kinds: RT_BUSY while work is left in the layer. cycles is added to. */
rt_status_t rt_backward_dense(rt_backward_t *backward, const rt_backward_layer_t *layer,
                              uint32_t *random, uint32_t *cycles);
rt_status_t rt_backward_depthwise(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                  uint32_t *random, uint32_t *cycles);

/* Bytes of plan->work that a layer takes. */
uint32_t rt_backward_dense_bytes(uint32_t inputs, uint32_t outputs, uint32_t rank);
uint32_t rt_backward_depthwise_bytes(const rt_layer_t *layer, const rt_tensor_t *input,
                                     const rt_tensor_t *output);

#endif
