/*
 * Parameter groups while training: gradients that add up over a batch, and stochastic gradient
 * descent with momentum.
 *
 * Gradients are int16 with one exponent a group (block floating point); what is added is rounded
 * stochastically, and a group that would overflow is halved. Momentum likewise. The update is
 * PyTorch's torch.optim.SGD after torch.nn.utils.clip_grad_norm_ over all groups:
 *   g = mean over the batch of dL/dw, scaled down to norm `clip` if its norm is larger
 *   v = momentum v + g + decay w ;  w = w - rate v
 */
#ifndef RT_ENGINE_TRAIN_GROUPS_H
#define RT_ENGINE_TRAIN_GROUPS_H

#include "adapter.h"

/* Residuals, momentum and gradients to zero: before a burst. */
void rt_groups_begin(rt_adapter_t *adapter);

/* Gradients to zero: before a batch. */
void rt_groups_clear(rt_adapter_t *adapter);

/* Makes room for one outer product with these factors, before its rows are added: the group's
 * gradient is made coarser once and not row by row. */
void rt_groups_reserve(rt_adapter_t *adapter, uint32_t group, const int32_t *factors,
                       uint32_t count, int32_t exponent, uint32_t *random);

/* Adds factor * (x[i] - zero) * 2^-exponent, i < columns, to row `row` of a group's gradient. The
 * factor is one of those that room was reserved for. |factor| <= 2^15. */
void rt_groups_add_outer(rt_adapter_t *adapter, uint32_t group, uint32_t row, int32_t factor,
                         int32_t exponent, const int8_t *x, int32_t zero, uint32_t *random);

/* Adds values[i] * 2^-exponent to the gradient's elements first + i * stride, i < count.
 * |values[i]| < 2^29. */
void rt_groups_add(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                   const int32_t *values, uint32_t count, int32_t exponent, uint32_t *random);

/* One step of the optimiser, real values; the rate is that of this step. */
typedef struct {
  rt_real_t rate;
  rt_real_t momentum;
  rt_real_t decay;
  rt_real_t clip; /* 0: no clipping */
  uint32_t batch; /* gradients were summed over so many samples */
} rt_groups_rule_t;

/* An update under way. */
typedef struct {
  rt_groups_rule_t rule;
  rt_real_t norm_squared; /* of the mean gradient */
  rt_real_t factor;       /* on the summed gradients: clipping and 1 / batch */
  uint32_t group;
  uint32_t next;                       /* parameter of that group */
  uint32_t measuring;                  /* 1: adding up the norm */
  rt_scale_t keep, take, shrink, step; /* v, g and w to new v; new v to w */
} rt_groups_update_t;

void rt_groups_update_begin(const rt_adapter_t *adapter, rt_groups_update_t *update,
                            const rt_groups_rule_t *rule);

/* One unit of work: the norm of one group, or at most RT_GROUPS_UNIT parameters of one group.
 * Returns RT_BUSY until all groups are updated. out: work, parameters handled. */
#define RT_GROUPS_UNIT 256u
rt_status_t rt_groups_update_run(rt_adapter_t *adapter, rt_groups_update_t *update,
                                 uint32_t *random, uint32_t *work);

#endif
