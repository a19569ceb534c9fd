#include "low_rank.h"

#include "adapter_rows.h"
#include "hot.h"
#include "train_groups.h"

#define HIDDEN_BITS 15
#define LOGIT_LIMIT (1 << 28)

/* Brings values to at most HIDDEN_BITS bits. Returns the right shift, negative for left. */
static int32_t normalise(const int32_t *values, uint32_t count, int32_t *out) {
  int32_t shift = rt_fixed_bits(rt_groups_largest(values, count)) - HIDDEN_BITS;
  for (uint32_t i = 0; i < count; i++) {
    out[i] = shift > 0 ? values[i] >> shift : values[i] * (1 << -shift);
  }
  return shift;
}

void rt_low_rank_hidden(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *sums) {
  int32_t shift = normalise(sums, adapter->plan->rank, adapter->pass.hidden);
  adapter->pass.hidden_exponent = adapter->exponents[path->down] + path->bits - shift;
}

RT_HOT void rt_low_rank_add(const rt_adapter_t *adapter, const rt_low_rank_t *path,
                            int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int32_t *h = adapter->pass.hidden;
  const int8_t *up = rt_adapter_q(adapter, path->up);
  const uint32_t rank = plan->rank;
  int32_t exponent = adapter->pass.hidden_exponent + adapter->exponents[path->up] - 16;
  rt_scale_t scale = rt_real_to_scale(rt_real_shift(plan->groups[path->down].unit, -exponent));
  for (uint32_t c = 0; c < plan->classes; c += 4) {
    int32_t sums[4] = {0, 0, 0, 0}; /* 15 + 7 bits, 16 of them */
    uint32_t rows = plan->classes - c < 4 ? plan->classes - c : 4;
    rt_rows_add(up + c * rank, rows, rank, 1, h, rank, sums);
    for (uint32_t r = 0; r < rows; r++) {
      delta_q16[c + r] += rt_fixed_scale_quick(sums[r], scale, LOGIT_LIMIT);
    }
  }
}

void rt_low_rank_begin(rt_adapter_t *adapter, const rt_low_rank_t *path, uint32_t squares,
                       const int32_t *delta_q15, rt_real_t delta_squares,
                       rt_low_rank_step_t *step) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t sums[RT_ADAPTER_RANK_MAX]; /* |delta| adds up to 2 at most: 2^16 * 2^7 */
  for (uint32_t k = 0; k < plan->rank; k++) sums[k] = 0;
  rt_rows_add(rt_adapter_q(adapter, path->up), plan->rank, 1, plan->rank, delta_q15, plan->classes,
              sums);
  int32_t shift = normalise(sums, plan->rank, step->back);
  step->exponent = 15 + adapter->exponents[path->up] - shift;

  rt_real_t up =
      rt_real_multiply(delta_squares, rt_groups_squares(adapter->pass.hidden, plan->rank));
  rt_real_t down = rt_real_multiply(rt_groups_squares(step->back, plan->rank),
                                    rt_real_from_uint(squares, -2 * path->bits));
  rt_real_t sum = rt_real_add(rt_real_shift(up, -2 * adapter->pass.hidden_exponent),
                              rt_real_shift(down, -2 * step->exponent));
  rt_real_t unit = plan->groups[path->down].unit;
  rt_groups_announce(adapter, rt_real_multiply(sum, rt_real_multiply(unit, unit)));
}

static void learn_up(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *delta_q15,
                     uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t x[RT_ADAPTER_RANK_MAX];
  rt_groups_outer_t outer;
  for (uint32_t k = 0; k < plan->rank; k++) {
    x[k] = (adapter->pass.hidden[k] + 4) >> 3; /* products below 2^28 */
  }
  uint32_t largest = rt_groups_largest(x, plan->rank) * rt_groups_largest(delta_q15, plan->classes);
  if (rt_groups_begin_outer(adapter, path->up, largest, 12 + adapter->pass.hidden_exponent, random,
                            &outer)) {
    rt_groups_add_outer(adapter, &outer, delta_q15, 0, plan->rank, x, random);
  }
}

void rt_low_rank_learn(rt_adapter_t *adapter, const rt_low_rank_t *path, const int8_t *v,
                       int32_t zero, const int32_t *delta_q15, const rt_low_rank_step_t *step,
                       uint32_t *random) {
  learn_up(adapter, path, delta_q15, random);
  rt_groups_add_vector(adapter, path->down, step->back, step->exponent + path->bits, v, zero,
                       random);
}
