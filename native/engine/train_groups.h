/*
 * Parameter groups while training: stochastic gradient descent on 16-bit master values.
 *
 * A plan without a gradient buffer is fused: what a sample adds to a group goes straight into its
 * masters, so that neither gradients nor momentum take memory. Per sample
 *   factor = rate min(1, clip / norm) ;  w = w - factor g
 * where norm is that of all gradients of the sample that are known by then: exact for head and skip
 * adapters, whose gradients are outer products (the norm of which is the product of the norms).
 * Lora learns from the head towards the input: what is not yet known of the norm is expected to be
 * as large, compared with the head's gradients, as with former samples. Weight decay is gathered
 * and applied in passes.
 *
 * A plan with gradient and momentum buffers adds up the gradients of a batch, int16 with one
 * exponent a group (block floating point), and updates as PyTorch's torch.optim.SGD after
 * torch.nn.utils.clip_grad_norm_ over all groups:
 *   g = mean over the batch of dL/dw, scaled down to norm `clip` if its norm is larger
 *   v = momentum v + g + decay w ;  w = w - rate v
 *
 * All rounding is stochastic (train_update.h). A group whose weights would leave int8 is halved.
 */
#ifndef RT_ENGINE_TRAIN_GROUPS_H
#define RT_ENGINE_TRAIN_GROUPS_H

#include "adapter.h"
#include "train_update.h"

/* What a burst learns with, real values. */
typedef struct {
  rt_real_t momentum; /* 0 in a fused plan */
  rt_real_t decay;
  rt_real_t clip; /* 0: no clipping */
  uint32_t batch; /* samples a step */
} rt_groups_rule_t;

static inline uint32_t rt_groups_fused(const rt_adapter_plan_t *plan) {
  return plan->gradient.bytes == 0;
}

/* Before a burst: low bytes, momentum and gradients to zero. */
void rt_groups_begin(rt_adapter_t *adapter, const rt_groups_rule_t *rule);

/* Before a step. */
void rt_groups_step(rt_adapter_t *adapter, rt_real_t rate);

/* Before the gradients of a sample. */
void rt_groups_sample(rt_adapter_t *adapter);

/* Announces gradients by their squared norm, in reals; those of rt_groups_add announce
 * themselves. */
void rt_groups_announce(rt_adapter_t *adapter, rt_real_t norm_squared);

/* Sum of squares, for that, each cut by `right` bits so that the sum stays below 2^32. |values[i]|
 * <= 2^15. */
rt_real_t rt_groups_squares(const int32_t *values, uint32_t count, uint32_t right);

/* Largest magnitude; |values[i]| < 2^31. */
uint32_t rt_groups_largest(const int32_t *values, uint32_t count);

/* An outer product that is added to a group. */
typedef struct {
  uint32_t group;
  rt_scale_t scale; /* fused: from product to master value, times 2^16 */
  int32_t bits;     /* of the products */
  int32_t shift;    /* batch: from product to the gradient's exponent */
} rt_groups_outer_t;

/* Makes room for factors[row] * x[column] * 2^-exponent, |factor * x| <= largest < 2^30. Returns 0
 * where nothing needs to be added. out: outer. */
uint32_t rt_groups_begin_outer(rt_adapter_t *adapter, uint32_t group, uint32_t largest,
                               int32_t exponent, uint32_t *random, rt_groups_outer_t *outer);

/* Adds columns [first, first + count) of it to all rows. in: factors [rows], |factor| <= 2^15; x
 * [count]. */
void rt_groups_add_outer(rt_adapter_t *adapter, const rt_groups_outer_t *outer,
                         const int32_t *factors, uint32_t first, uint32_t count, const int32_t *x,
                         uint32_t *random);

/* Both for x [columns] - zero. |factors| <= 2^15. */
void rt_groups_add_vector(rt_adapter_t *adapter, uint32_t group, const int32_t *factors,
                          int32_t exponent, const int8_t *x, int32_t zero, uint32_t *random);

/* Adds values[i] * 2^-exponent to the gradient of parameters first + i * stride, i < count, and
 * announces them. |values[i]| < 2^29. */
void rt_groups_add(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                   const int32_t *values, uint32_t count, int32_t exponent, uint32_t *random);

/* The same for what has been announced, |values[i]| <= bound. */
void rt_groups_add_announced(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                             const int32_t *values, uint32_t count, uint32_t bound,
                             int32_t exponent, uint32_t *random);

/* The end of a step. */
typedef struct {
  rt_real_t norm_squared; /* of the mean gradient */
  rt_real_t factor;       /* on the summed gradients: clipping and 1 / batch */
  uint32_t group;
  uint32_t next;                /* parameter of that group */
  uint32_t measuring;           /* 1: adding up the norm */
  uint32_t share;               /* fused: 2^-16 that the weights decay by; 0: later */
  rt_update_momentum_t factors; /* of the group's inner loop */
  uint32_t bits;                /* or of the group's |v| */
} rt_groups_update_t;

/* last: 1 in the last step of a burst, whose update leaves no decay behind. */
void rt_groups_update_begin(rt_adapter_t *adapter, rt_groups_update_t *update, uint32_t last);

/* One unit of work: the norm of one group, or at most RT_GROUPS_UNIT parameters of one group.
 * Returns RT_BUSY until all groups are updated and gradients are zero again. cycles is added to. */
#define RT_GROUPS_UNIT 256u
rt_status_t rt_groups_update_run(rt_adapter_t *adapter, rt_groups_update_t *update,
                                 uint32_t *random, uint32_t *cycles);

#endif
