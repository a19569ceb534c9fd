#include "low_rank.h"

#include "adapter_rows.h"
#include "hot.h"
#include "train_groups.h"

#define HIDDEN_BITS 15
#define LOGIT_LIMIT (1 << 28)
#define SCALED_SHIFT 11
#define ROWS 16u         /* classes at a time */
#define SQUARES_RIGHT 4u /* 16 squares of 15 bits */

/* Brings values to at most HIDDEN_BITS bits. Returns the right shift, negative for left. largest:
 * at least that of out. */
RT_HOT static int32_t normalise(const int32_t *values, uint32_t count, int32_t *out,
                                uint32_t *largest) {
  const uint32_t most = rt_groups_largest(values, count);
  const int32_t shift = rt_fixed_bits(most) - HIDDEN_BITS;
  const int32_t *const end = values + count;
  if (shift > 0) {
    *largest = (most >> shift) + 1u; /* rounded down, negative values away from 0 */
    while (values < end) *out++ = *values++ >> shift;
  } else {
    *largest = most << -shift;
    while (values < end) *out++ = *values++ * (1 << -shift);
  }
  return shift;
}

void rt_low_rank_hidden(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *sums) {
  rt_adapter_pass_t *pass = &adapter->pass;
  int32_t shift = normalise(sums, adapter->plan->rank, pass->hidden, &pass->hidden_largest);
  pass->hidden_exponent = adapter->exponents[path->down] + path->bits - shift;
}

/* to[i] += sums[i] * 2^-shift within +-LOGIT_LIMIT; |sums[i]| <= 2^30. */
RT_HOT static void add_limited(const int32_t *sums, uint32_t count, int32_t shift, int32_t *to) {
  const int32_t left = shift > 0 ? 0 : (shift < -28 ? 28 : -shift);
  const int32_t right = shift < 0 ? 0 : (shift < 31 ? shift : 31);
  for (uint32_t i = 0; i < count; i++) {
    to[i] += rt_fixed_clamp(sums[i] >> right, LOGIT_LIMIT >> left) * (1 << left);
  }
}

RT_HOT void rt_low_rank_add(const rt_adapter_t *adapter, const rt_low_rank_t *path,
                            int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *up = rt_adapter_q(adapter, path->up);
  const uint32_t rank = plan->rank;
  int32_t exponent = adapter->pass.hidden_exponent + adapter->exponents[path->up] - 16;
  rt_scale_t scale = rt_real_to_scale(rt_real_shift(plan->groups[path->down].unit, -exponent));
  /* The scale goes into the few h: 19 bits, 7 more with a weight, and 16 such products. */
  int32_t h[RT_ADAPTER_RANK_MAX];
  for (uint32_t k = 0; k < rank; k++) {
    h[k] = (adapter->pass.hidden[k] * scale.mantissa) >> SCALED_SHIFT;
  }
  const int32_t shift = scale.shift - SCALED_SHIFT;
  for (uint32_t c = 0; c < plan->classes; c += ROWS) {
    int32_t sums[ROWS];
    uint32_t rows = plan->classes - c < ROWS ? plan->classes - c : ROWS;
    for (uint32_t r = 0; r < rows; r++) sums[r] = 0;
    rt_rows_add(up + c * rank, rows, rank, 1, h, rank, sums);
    if ((uint32_t)(shift - 3) > 27u) {
      add_limited(sums, rows, shift, delta_q16 + c);
      continue;
    }
    int32_t *to = delta_q16 + c; /* sums below 2^28 */
    for (const int32_t *at = sums, *const end = sums + rows; at < end; at++) *to++ += *at >> shift;
  }
}

RT_HOT void rt_low_rank_begin(rt_adapter_t *adapter, const rt_low_rank_t *path, uint32_t squares,
                              const int32_t *delta_q15, rt_real_t delta_squares,
                              rt_low_rank_step_t *step) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t sums[RT_ADAPTER_RANK_MAX]; /* |delta| adds up to 2 at most: 2^16 * 2^7 */
  for (uint32_t k = 0; k < plan->rank; k++) sums[k] = 0;
  rt_rows_add(rt_adapter_q(adapter, path->up), plan->rank, 1, plan->rank, delta_q15, plan->classes,
              sums);
  int32_t shift = normalise(sums, plan->rank, step->back, &step->largest);
  step->exponent = 15 + adapter->exponents[path->up] - shift;

  rt_real_t up = rt_real_rough(delta_squares,
                               rt_groups_squares(adapter->pass.hidden, plan->rank, SQUARES_RIGHT));
  rt_real_t down = rt_real_rough(rt_groups_squares(step->back, plan->rank, SQUARES_RIGHT),
                                 rt_real_from_uint(squares, -2 * path->bits));
  rt_real_t sum = rt_real_add(rt_real_shift(up, -2 * adapter->pass.hidden_exponent),
                              rt_real_shift(down, -2 * step->exponent));
  rt_real_t unit = plan->groups[path->down].unit;
  rt_groups_announce(adapter, rt_real_rough(sum, rt_real_rough(unit, unit)));
}

static void learn_up(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *delta_q15,
                     uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t x[RT_ADAPTER_RANK_MAX];
  rt_groups_outer_t outer;
  for (uint32_t k = 0; k < plan->rank; k++) {
    x[k] = (adapter->pass.hidden[k] + 4) >> 3; /* products below 2^28 */
  }
  uint32_t largest = ((adapter->pass.hidden_largest + 4u) >> 3) * adapter->pass.delta_largest;
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

void rt_low_rank_learn_block(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *v,
                             int32_t zero, const int32_t *delta_q15, const rt_low_rank_step_t *step,
                             uint32_t *random) {
  learn_up(adapter, path, delta_q15, random);
  const uint32_t columns = adapter->plan->groups[path->down].columns;
  const uint32_t largest = step->largest * (128u + (uint32_t)rt_fixed_abs(zero));
  rt_groups_outer_t outer;
  if (rt_groups_begin_outer(adapter, path->down, largest, step->exponent + path->bits, random,
                            &outer)) {
    rt_groups_add_outer(adapter, &outer, step->back, 0, columns, v, random);
  }
}
