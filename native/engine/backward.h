/*
 * The backward pass through the frozen layers, from dL/dlogits down to the first trained layer.
 *
 * Gradients are taken with respect to quantised values: G_q = dL/dq = scale * dL/dreal. A gradient
 * tensor ("signal") is int8 with one exponent: G_q = signal * 2^-exponent, rounded stochastically,
 * so that what is too small for a step counts on average. With M_c = input scale * weight scale_c /
 * output scale, the layer's own requantisation factor,
 *   convolution, dense: G_x = sum_c w_c M_c G_y,c     (and the LoRA path beside it)
 *   average pool:       G_x = G_y / pixels
 * The compiler folds M_c into the weights of the way back (rt_adapter_step_t.weights), so that this
 * is a product of small integers. A layer's clamp (ReLU) stops G where the output lies at its
 * bounds. The gradients of parameters:
 *   head  dW = (p - y) x,   LoRA  dB = (1 / s_y) sum_pixels G_y h,  dA = (1 / s_y) sum B G_y x.
 *
 * How many bits the sums of a layer gain over its signal is a guess of the compiler's at first;
 * each step remembers what it saw, follows a larger gain at once and a smaller one slowly, and
 * shifts the next window's sums accordingly; what does not fit then saturates. No sum can overflow.
 * Everything is done in place in one buffer, pixel by pixel (depthwise: channel by channel).
 */
#ifndef RT_ENGINE_BACKWARD_H
#define RT_ENGINE_BACKWARD_H

#include "adapter.h"

typedef struct {
  rt_adapter_t *adapter;
  uint32_t step;      /* of plan->steps */
  uint32_t pass;      /* dense: gradients of B; those of A and the propagation */
  uint32_t next;      /* pixel or channel of the pass */
  uint32_t ready;     /* dense: pixels whose share of a gradient is added, of the pass */
  uint32_t pooled;    /* 1: the signal is one pixel, the same at every pixel, not yet masked */
  int32_t exponent;   /* of the signal */
  int32_t bits;       /* of the signal's largest magnitude */
  uint32_t magnitude; /* of the sums of the signal being written, or-ed */
  int32_t narrow;     /* right shift of these sums */
  int32_t shift;      /* of the factors in the present pass over a LoRA site's pixels */
  int32_t shift_b;    /* of those that the gradient of B was summed with */
  rt_scale_t back;    /* from B' G to what LoRA sends back, in units of the layer's sums */
} rt_backward_t;

/* Starts from delta [classes] = dL/dlogit in Q15: computes the gradient of the head's input. */
void rt_backward_begin(rt_backward_t *backward, rt_adapter_t *adapter, const int32_t *delta_q15,
                       uint32_t *random);

/* One unit of work: some pixels or a channel. in-out: cycles, to which it adds about how many of a
 * Cortex-M0+ it took. Returns RT_BUSY until every trained layer has its gradients. */
rt_status_t rt_backward_run(rt_backward_t *backward, uint32_t *random, uint32_t *cycles);

#endif
