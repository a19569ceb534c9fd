/*
 * Softmax cross-entropy in fixed point.
 *
 * p_c = exp(z_c) / sum_j exp(z_j), loss = ln sum_j exp(z_j - z_max) + z_max - z_true,
 * dL/dz_c = p_c - y_c, y the one-hot target smoothed by epsilon: y_c = (1 - epsilon) [c = true]
 * + epsilon / classes (Szegedy et al. 2016, "Rethinking the Inception architecture", section 7).
 * The reported loss is the plain cross-entropy of the true label.
 */
#ifndef RT_ENGINE_LOSS_H
#define RT_ENGINE_LOSS_H

#include <stdint.h>

/* in: logits [classes] Q16. out: probability [classes] Q15 (may be the same memory). Returns the
 * logarithm in Q16 of the sum of exp(z - z_max), for rt_loss_value. */
uint32_t rt_loss_softmax(const int32_t *logits_q16, uint32_t classes, int32_t *probability_q15);

/* Index of the largest value, the first of equals. */
uint32_t rt_loss_argmax(const int32_t *values, uint32_t count);

/* Top logit minus second logit, Q16, saturating at 2^31 - 1: ln(p1 / p2). classes >= 2. */
uint32_t rt_loss_margin(const int32_t *logits_q16, uint32_t classes);

/* What the gradient pulls towards. */
typedef struct {
  int32_t smoothing_q15; /* epsilon, 0..32767 */
  int32_t share_q15;     /* epsilon / classes */
} rt_loss_target_t;

rt_loss_target_t rt_loss_target(uint32_t classes, int32_t smoothing_q15);

/* Cross-entropy in Q16 of label, and its gradient: out: gradient [classes] Q15, p - y. */
uint32_t rt_loss_cross_entropy(const int32_t *logits_q16, uint32_t classes, uint32_t label,
                               const rt_loss_target_t *target, int32_t *gradient_q15);

#endif
