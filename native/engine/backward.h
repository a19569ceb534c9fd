/*
 * The backward pass through the frozen layers, from dL/dlogits down to the first trained layer.
 *
 * Gradients are taken with respect to quantised values: G_q = dL/dq = scale * dL/dreal. A gradient
 * tensor ("signal") is int16 with one exponent: G_q = mantissa * 2^-exponent. With
 * M_c = input scale * weight scale_c / output scale, the layer's own requantisation factor,
 *   convolution, dense: G_x = sum_c w_c M_c G_y,c     (and the LoRA path beside it)
 *   average pool:       G_x = G_y / pixels
 * A layer's clamp (ReLU) stops G where the output lies at its bounds. The gradients of parameters:
 *   head  dW = (p - y) x,   LoRA  dB = (1 / s_y) sum_pixels G_y h,  dA = (1 / s_y) sum B G_y x.
 *
 * Overflow is impossible by bounds, not by luck: |signal| is tracked, the sums' largest value is
 * known from the compiler's bound on the weights' column sums, and shifts are chosen from both.
 * Sums stay far below that bound in practice, so each step remembers how many bits were not used
 * and the next window's signal takes all but two of them; what then exceeds 16 bits saturates.
 * Everything is done in place in one buffer, pixel by pixel (depthwise: channel by channel).
 */
#ifndef RT_ENGINE_BACKWARD_H
#define RT_ENGINE_BACKWARD_H

#include "adapter.h"

typedef struct {
  rt_adapter_t *adapter;
  uint32_t step;    /* of plan->steps */
  uint32_t pass;    /* dense: rank index of the LoRA gradients; then the propagation */
  uint32_t next;    /* row, pixel or channel of the pass */
  uint32_t pooled;  /* 1: the signal is one pixel, the same at every pixel, not yet masked */
  int32_t exponent; /* of the signal */
  int32_t max;      /* >= |mantissa| of the signal */
  int32_t next_max; /* of the signal being written */
  /* Of the present layer: mantissas of M_c G_c take gain_bits, their exponent, the sums' shift. */
  int32_t gain_bits;
  int32_t gain_exponent;
  int32_t narrow;
  int32_t spare; /* bits by which narrow is below what the bound asks for */
} rt_backward_t;

/* Starts from delta [classes] = dL/dlogit in Q15: computes the gradient of the head's input. */
void rt_backward_begin(rt_backward_t *backward, rt_adapter_t *adapter, const int32_t *delta_q15);

/* One unit of work: a pixel, a row of pixels or a channel. in-out: cycles, to which it adds about
 * how many of a Cortex-M0+ it took. Returns RT_BUSY until every trained layer has its gradients. */
rt_status_t rt_backward_run(rt_backward_t *backward, uint32_t *random, uint32_t *cycles);

#endif
