#include "train_groups.h"

#include "hot.h"

#define GRADIENT_LIMIT 32767
#define FRESH_BITS 14 /* the first values of a batch take so many bits: room for what follows */
#define FACTOR_LIMIT ((1 << 29) - 1) /* never met: products stay below 2^31 - 2^16 by make_step */
#define VALUE_BITS 15
#define BLOCK 64u /* columns of an outer product that are expanded at a time */

#define MORE_STEPS 7
#define MORE_MOST (RT_UPDATE_LIMIT / 16)
#define MOVE_MOST (1u << 27) /* in master units: always too much */

/* A group's weights do not get coarser than q = 2^EXPONENT_MIN; then they stay as they are. */
#define EXPONENT_MIN (-16)

/* Before anything is known, and what of it stays, in 16ths. */
#define GROWTH_FIRST 256u
#define GROWTH_KEPT 15u

/* Fused decay waits until it takes 2^-7 of a weight, so that it seldom takes a pass. */
#define DECAY_SHARE 512u
#define DECAY_SHARE_MOST 32767

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_DECAY 25u
#define CYCLES_MOMENTUM 90u
#define CYCLES_MEASURE 20u
#define CYCLES_GROUP 1500u

static uint32_t group_size(const rt_adapter_group_t *group) { return group->rows * group->columns; }

static int8_t *group_q(const rt_adapter_t *adapter, uint32_t group) {
  return adapter->q + adapter->plan->groups[group].first;
}

static uint8_t *group_low(const rt_adapter_t *adapter, uint32_t group) {
  return adapter->residual + adapter->plan->groups[group].first;
}

static int16_t *group_gradient(const rt_adapter_t *adapter, uint32_t group) {
  return adapter->gradient + adapter->plan->groups[group].first;
}

static uint32_t phase_of(uint32_t *random) { return rt_fixed_random(random) & 0xffffu; }

/* ---- weights ---- */

static void measure_weights(rt_adapter_t *adapter, uint32_t group) {
  const int8_t *q = group_q(adapter, group);
  const uint8_t *low = group_low(adapter, group);
  uint32_t size = group_size(&adapter->plan->groups[group]);
  int32_t most = 0, least = 0;
  for (uint32_t i = 0; i < size; i++) {
    int32_t m = rt_update_master(q, low, i);
    if (m > most) most = m;
    if (m < least) least = m;
  }
  adapter->state[group].weight_max = most > -least ? most : -least;
}

static void halve_weights(rt_adapter_t *adapter, uint32_t group, int32_t times) {
  int8_t *q = group_q(adapter, group);
  uint8_t *low = group_low(adapter, group);
  uint32_t size = group_size(&adapter->plan->groups[group]);
  for (uint32_t i = 0; i < size; i++) {
    int32_t m = rt_update_master(q, low, i);
    rt_update_set_master(q, low, i, (m + (1 << (times - 1))) >> times);
  }
  rt_group_state_t *state = &adapter->state[group];
  state->weight_max = (state->weight_max >> times) + 1;
  adapter->exponents[group] = (int8_t)(adapter->exponents[group] - times);
}

/* A step, and what else is made room for lest the weights be measured again before long: some more
 * of such steps, as long as they are small. */
static inline int32_t room_for(int32_t move) {
  const int32_t more = move * MORE_STEPS;
  return move + (more < MORE_MOST ? more : MORE_MOST);
}

/* Makes room for a step of `move` master units, in one pass over the group at most. Returns how
 * often it halved the weights, and with them the unit; negative: there is no room. */
RT_HOT static int32_t make_weight_room(rt_adapter_t *adapter, uint32_t group, int32_t move) {
  rt_group_state_t *state = &adapter->state[group];
  int32_t times = 0;
  if (state->weight_max + move > RT_UPDATE_LIMIT) {
    measure_weights(adapter, group);
    while (room_for(move >> times) + (state->weight_max >> times) + 2 > RT_UPDATE_LIMIT) times++;
    if (adapter->exponents[group] - times < EXPONENT_MIN) return -1;
    if (times > 0) halve_weights(adapter, group, times);
    move = (move >> times) + 1;
  }
  state->weight_max += move;
  return times;
}

void rt_groups_begin(rt_adapter_t *adapter, const rt_groups_rule_t *rule) {
  const rt_adapter_plan_t *plan = adapter->plan;
  __builtin_memset(adapter->state, 0, plan->state.bytes);
  __builtin_memset(adapter->residual, RT_UPDATE_ZERO, plan->parameter_count);
  __builtin_memset(adapter->momentum, 0, plan->momentum.bytes);
  __builtin_memset(adapter->gradient, 0, plan->gradient.bytes);
  for (uint32_t g = 0; g < plan->group_count; g++) measure_weights(adapter, g);
  rt_group_sample_t *sample = &adapter->sample;
  __builtin_memset(sample, 0, sizeof(*sample));
  sample->momentum = rule->momentum;
  sample->decay = rule->decay;
  sample->clip = rule->clip;
  sample->clip_squared = rt_real_multiply(rule->clip, rule->clip);
  sample->batch = rule->batch;
  sample->growth = rt_real_from_uint(GROWTH_FIRST, 0);
}

/* ---- the sample ---- */

void rt_groups_step(rt_adapter_t *adapter, rt_real_t rate) { adapter->sample.rate = rate; }

/* Follows a sample whose other gradients are larger at once, and smaller ones slowly: a step that
 * is too long does harm, one that is too short does not. */
static void learn_growth(rt_group_sample_t *sample) {
  if (sample->head_squared.mantissa == 0) return;
  rt_real_t growth = rt_real_divide(sample->norm_squared, sample->head_squared);
  if (rt_real_less(growth, sample->growth)) {
    rt_real_t kept = rt_real_multiply(sample->growth, rt_real_from_uint(GROWTH_KEPT, -4));
    sample->growth = rt_real_add(kept, rt_real_multiply(growth, rt_real_from_uint(1, -4)));
  } else {
    sample->growth = growth;
  }
}

void rt_groups_sample(rt_adapter_t *adapter) {
  rt_group_sample_t *sample = &adapter->sample;
  if (!adapter->kind->cached) learn_growth(sample);
  sample->norm_squared.mantissa = 0;
  sample->head_squared.mantissa = 0;
  sample->factor = sample->rate;
}

/* At least the norm so far. */
static rt_real_t expected_squares(const rt_adapter_t *adapter) {
  const rt_group_sample_t *sample = &adapter->sample;
  if (adapter->kind->cached) return sample->norm_squared;
  rt_real_t expected = rt_real_multiply(sample->head_squared, sample->growth);
  return rt_real_less(sample->norm_squared, expected) ? expected : sample->norm_squared;
}

RT_HOT void rt_groups_announce(rt_adapter_t *adapter, rt_real_t norm_squared) {
  rt_group_sample_t *sample = &adapter->sample;
  if (!rt_groups_fused(adapter->plan) || sample->clip.mantissa == 0) return;
  if (sample->norm_squared.mantissa == 0) sample->head_squared = norm_squared;
  sample->norm_squared = rt_real_add(sample->norm_squared, norm_squared);
  rt_real_t squares = expected_squares(adapter);
  if (!rt_real_less(sample->clip_squared, squares)) return;
  rt_real_t share = rt_real_divide(sample->clip, rt_real_sqrt(squares));
  sample->factor = rt_real_rough(sample->rate, share);
}

/* ---- fused ---- */

/* Master units, times 2^-exponent, that a gradient of 1 moves a weight by. */
static inline rt_real_t step_size(const rt_adapter_t *adapter, uint32_t group, int32_t exponent) {
  rt_real_t unit =
      rt_real_shift(adapter->plan->groups[group].unit, adapter->exponents[group] + 8 - exponent);
  return rt_real_rough(adapter->sample.factor, unit);
}

/* At least step * largest and at most MOVE_MOST; largest of so many bits, at most 30. */
static inline int32_t most_moved(rt_real_t step, uint32_t largest, int32_t bits) {
  if (bits > 15) {
    largest = (largest >> (bits - 15)) + 1u;
  } else {
    bits = 15;
  }
  const uint32_t product = largest * (((uint32_t)step.mantissa >> 16) + 1u); /* <= 2^30 */
  const int32_t right = 30 - step.exponent - bits;
  if (right > 30) return 1;
  return right < 0 || product >> right >= MOVE_MOST ? (int32_t)MOVE_MOST
                                                    : (int32_t)(product >> right) + 1;
}

/* The step times 2^16, once there is room for `largest` of it, which has so many bits; 0 where
 * there is none. */
RT_HOT static rt_real_t make_step(rt_adapter_t *adapter, uint32_t group, uint32_t largest,
                                  int32_t bits, int32_t exponent) {
  rt_real_t step = step_size(adapter, group, exponent);
  rt_real_t none = {0, 0};
  int32_t times = make_weight_room(adapter, group, most_moved(step, largest, bits) + 1);
  return times < 0 ? none : rt_real_shift(step, 16 - times);
}

static int32_t round_real(rt_real_t real, int32_t limit, uint32_t random) {
  return rt_fixed_scale_stochastic(1, rt_real_to_scale(real), random, limit);
}

/* w -= factor v; |v| <= bound. */
static void apply_values(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                         const int32_t *values, uint32_t count, uint32_t bound, int32_t exponent,
                         uint32_t *random) {
  int8_t *q = group_q(adapter, group) + first;
  uint8_t *low = group_low(adapter, group) + first;
  const int32_t bits = rt_fixed_bits(bound);
  const int32_t right = bits > VALUE_BITS ? bits - VALUE_BITS : 0;
  rt_real_t step =
      make_step(adapter, group, (bound >> right) + 1u, bits - right + 1, exponent - right);
  const uint32_t drawn = rt_fixed_random(random);
  const int32_t factor = round_real(step, FACTOR_LIMIT, drawn);
  uint32_t phase = drawn & 0xffffu;
  if (right == 0 && stride == 1) {
    rt_update_outer(q, low, values, count, factor, phase);
    return;
  }
  int32_t x[BLOCK];
  for (uint32_t i = 0; i < count; i += BLOCK) {
    uint32_t n = count - i < BLOCK ? count - i : BLOCK;
    for (uint32_t k = 0; k < n; k++) x[k] = values[i + k] >> right;
    if (stride == 1) {
      phase = rt_update_outer(q + i, low + i, x, n, factor, phase);
      continue;
    }
    for (uint32_t k = 0; k < n; k++) {
      uint32_t at = (i + k) * stride;
      phase = rt_update_outer_portable(q + at, low + at, x + k, 1, factor, phase);
    }
  }
}

/* A whole outer product that is small: its products, brought to VALUE_BITS bits, in one row. */
RT_HOT static void apply_flat(rt_adapter_t *adapter, const rt_groups_outer_t *outer,
                              const int32_t *factors, const int32_t *x, uint32_t *random) {
  const rt_adapter_group_t *group = &adapter->plan->groups[outer->group];
  int32_t block[BLOCK];
  uint32_t right = outer->bits > VALUE_BITS ? (uint32_t)(outer->bits - VALUE_BITS) : 0;
  rt_update_products(factors, group->rows, x, group->columns, right, block);
  rt_scale_t scale = outer->scale;
  scale.shift -= (int32_t)right;
  uint32_t drawn = rt_fixed_random(random);
  int32_t factor = rt_fixed_scale_stochastic(1, scale, drawn, FACTOR_LIMIT);
  rt_update_outer(group_q(adapter, outer->group), group_low(adapter, outer->group), block,
                  group_size(group), factor, drawn & 0xffffu);
}

/* Columns [first, first + count) of an outer product, row by row. */
RT_HOT static void apply_rows(rt_adapter_t *adapter, const rt_groups_outer_t *outer,
                              const int32_t *factors, uint32_t first, uint32_t count,
                              const int32_t *x, uint32_t *random) {
  const rt_adapter_group_t *group = &adapter->plan->groups[outer->group];
  const rt_scale_t scale = outer->scale;
  int8_t *q = group_q(adapter, outer->group) + first;
  uint8_t *low = group_low(adapter, outer->group) + first;
  for (uint32_t r = 0; r < group->rows; r++, q += group->columns, low += group->columns) {
    if (factors[r] == 0) continue;
    uint32_t drawn = rt_fixed_random(random);
    int32_t factor;
    if ((uint32_t)(scale.shift - 1) < 30u) {
      factor = rt_fixed_round_stochastic(factors[r] * scale.mantissa, (uint32_t)scale.shift, drawn);
    } else {
      factor = rt_fixed_scale_stochastic(factors[r], scale, drawn, FACTOR_LIMIT);
    }
    rt_update_outer(q, low, x, count, factor, drawn & 0xffffu);
  }
}

/* Squared norm of values shifted to VALUE_BITS bits, their exponent left out. */
RT_HOT static rt_real_t sum_of_squares(const int32_t *values, uint32_t count, int32_t left) {
  uint32_t sum = 0, upper = 0; /* sum / 2^30: an addition of 64 bits without the library */
  for (uint32_t i = 0; i < count; i++) {
    int32_t v = left >= 0 ? values[i] * (1 << left) : values[i] >> -left;
    sum += (uint32_t)(v * v);
    upper += sum >> 30;
    sum &= 0x3fffffffu;
  }
  return upper == 0 ? rt_real_from_uint(sum, 0)
                    : rt_real_add(rt_real_from_uint(upper, 30), rt_real_from_uint(sum, 0));
}

RT_HOT rt_real_t rt_groups_squares(const int32_t *values, uint32_t count, uint32_t right) {
  uint32_t sum = 0;
  for (const int32_t *const end = values + count; values < end; values++) {
    sum += (uint32_t)(*values * *values) >> right;
  }
  return rt_real_from_uint(sum, (int32_t)right);
}

/* ---- the gradient of a batch ---- */

/* value * 2^-shift, at most 2^16. */
static int32_t shifted_bound(uint32_t value, int32_t shift) {
  if (shift >= 0) return shift > 30 ? 1 : (int32_t)(value >> shift) + 1;
  return rt_fixed_bits(value) - shift > 16 ? 0x10000 : (int32_t)(value << -shift);
}

static void shrink_gradient(rt_adapter_t *adapter, uint32_t group, int32_t bits, uint32_t *random) {
  int16_t *gradient = group_gradient(adapter, group);
  uint32_t shift = bits < 30 ? (uint32_t)bits : 30;
  for (uint32_t i = 0; i < group_size(&adapter->plan->groups[group]); i++) {
    gradient[i] = (int16_t)rt_fixed_round_stochastic(gradient[i], shift, rt_fixed_random(random));
  }
  adapter->state[group].gradient_exponent -= bits;
}

/* Makes values of magnitude up to bound * 2^-exponent fit into the group's gradient, in one pass
 * over it at most: a unit of training stays short. Returns the right shift that brings them to the
 * group's exponent (negative: left). */
RT_HOT static int32_t make_room(rt_adapter_t *adapter, uint32_t group, uint32_t bound,
                                int32_t exponent, uint32_t *random) {
  rt_group_state_t *state = &adapter->state[group];
  if (state->gradient_max == 0) {
    state->gradient_exponent = exponent + FRESH_BITS - rt_fixed_bits(bound);
    state->gradient_max = 1; /* the exponent stays */
  }
  int32_t shift = exponent - state->gradient_exponent;
  int32_t bits = 0;
  for (; state->gradient_max + shifted_bound(bound, shift + bits) > GRADIENT_LIMIT; bits++) {
    state->gradient_max = (state->gradient_max + 1) / 2;
  }
  if (bits > 0) shrink_gradient(adapter, group, bits, random);
  return shift + bits;
}

/* Adds factor * x * 2^-shift. */
static void gather(rt_adapter_t *adapter, uint32_t group, uint32_t first, const int32_t *x,
                   uint32_t count, int32_t factor, int32_t shift, uint32_t *random) {
  uint32_t bits = (uint32_t)adapter->state[group].gradient_max;
  int16_t *gradient = group_gradient(adapter, group) + first;
  if (shift > 30) return;
  uint32_t right = shift > 0 ? (uint32_t)shift : 0;
  uint32_t phase = right == 0 ? 0 : rt_fixed_random(random) >> (32u - right);
  if (shift < 0) factor *= 1 << -shift;
  rt_update_gradient(gradient, x, count, factor, right, phase, &bits);
  adapter->state[group].gradient_max = (int32_t)bits;
}

static void gather_values(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                          const int32_t *values, uint32_t count, uint32_t bound, int32_t exponent,
                          uint32_t *random) {
  int32_t shift = make_room(adapter, group, bound, exponent, random);
  if (stride == 1) {
    gather(adapter, group, first, values, count, 1, shift, random);
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    gather(adapter, group, first + i * stride, values + i, 1, 1, shift, random);
  }
}

/* ---- what kinds add ---- */

RT_HOT uint32_t rt_groups_largest(const int32_t *values, uint32_t count) {
  uint32_t most = 0;
  for (const int32_t *const end = values + count; values < end; values++) {
    const uint32_t magnitude = (uint32_t)rt_fixed_abs(*values);
    if (magnitude > most) most = magnitude;
  }
  return most;
}

uint32_t rt_groups_begin_outer(rt_adapter_t *adapter, uint32_t group, uint32_t largest,
                               int32_t exponent, uint32_t *random, rt_groups_outer_t *outer) {
  outer->group = group;
  if (largest == 0) return 0;
  outer->bits = rt_fixed_bits(largest);
  if (!rt_groups_fused(adapter->plan)) {
    outer->shift = make_room(adapter, group, largest, exponent, random);
    return 1;
  }
  outer->scale = rt_real_to_scale(make_step(adapter, group, largest, outer->bits, exponent));
  return outer->scale.mantissa != 0;
}

RT_HOT void rt_groups_add_outer(rt_adapter_t *adapter, const rt_groups_outer_t *outer,
                                const int32_t *factors, uint32_t first, uint32_t count,
                                const int32_t *x, uint32_t *random) {
  const rt_adapter_group_t *group = &adapter->plan->groups[outer->group];
  if (rt_groups_fused(adapter->plan)) {
    if (count == group->columns && group_size(group) <= BLOCK) {
      apply_flat(adapter, outer, factors, x, random);
    } else {
      apply_rows(adapter, outer, factors, first, count, x, random);
    }
    return;
  }
  for (uint32_t r = 0; r < group->rows; r++) {
    if (factors[r] == 0) continue;
    gather(adapter, outer->group, r * group->columns + first, x, count, factors[r], outer->shift,
           random);
  }
}

RT_HOT void rt_groups_add_vector(rt_adapter_t *adapter, uint32_t group, const int32_t *factors,
                                 int32_t exponent, const int8_t *x, int32_t zero,
                                 uint32_t *random) {
  const rt_adapter_group_t *shape = &adapter->plan->groups[group];
  uint32_t reach = 128u + (uint32_t)rt_fixed_abs(zero);
  rt_groups_outer_t outer;
  if (!rt_groups_begin_outer(adapter, group, rt_groups_largest(factors, shape->rows) * reach,
                             exponent, random, &outer)) {
    return;
  }
  int32_t block[BLOCK];
  for (uint32_t i = 0; i < shape->columns; i += BLOCK) {
    uint32_t count = shape->columns - i < BLOCK ? shape->columns - i : BLOCK;
    const int8_t *const from = x + i;
    uint32_t k = 0;
    for (; k + 4u <= count; k += 4) {
      block[k] = from[k] - zero;
      block[k + 1] = from[k + 1] - zero;
      block[k + 2] = from[k + 2] - zero;
      block[k + 3] = from[k + 3] - zero;
    }
    for (; k < count; k++) block[k] = from[k] - zero;
    rt_groups_add_outer(adapter, &outer, factors, i, count, block, random);
  }
}

RT_HOT static void add_announced(rt_adapter_t *adapter, uint32_t group, uint32_t first,
                                 uint32_t stride, const int32_t *values, uint32_t count,
                                 uint32_t bound, int32_t exponent, uint32_t *random) {
  if (bound == 0) return;
  if (rt_groups_fused(adapter->plan)) {
    apply_values(adapter, group, first, stride, values, count, bound, exponent, random);
  } else {
    gather_values(adapter, group, first, stride, values, count, bound, exponent, random);
  }
}

void rt_groups_add(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                   const int32_t *values, uint32_t count, int32_t exponent, uint32_t *random) {
  uint32_t bound = rt_groups_largest(values, count);
  if (bound == 0) return;
  if (rt_groups_fused(adapter->plan)) {
    int32_t left = VALUE_BITS - rt_fixed_bits(bound);
    rt_real_t unit = rt_real_shift(adapter->plan->groups[group].unit, -(exponent + left));
    rt_real_t squares = sum_of_squares(values, count, left);
    rt_groups_announce(adapter, rt_real_multiply(squares, rt_real_multiply(unit, unit)));
  }
  add_announced(adapter, group, first, stride, values, count, bound, exponent, random);
}

void rt_groups_add_announced(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                             const int32_t *values, uint32_t count, uint32_t bound,
                             int32_t exponent, uint32_t *random) {
  add_announced(adapter, group, first, stride, values, count, bound, exponent, random);
}

/* ---- the end of a step ---- */

void rt_groups_update_begin(rt_adapter_t *adapter, rt_groups_update_t *update, uint32_t last) {
  update->norm_squared.mantissa = 0;
  update->group = update->next = update->share = 0;
  rt_group_sample_t *sample = &adapter->sample;
  update->measuring = 1;
  if (!rt_groups_fused(adapter->plan)) return;
  /* A step of n samples decays n times. Shares are added, not multiplied: they are small. */
  rt_real_t share = rt_real_rough(sample->rate, sample->decay);
  if (sample->batch > 1) share = rt_real_multiply(share, rt_real_from_uint(sample->batch, 0));
  sample->decay_due = rt_real_add(sample->decay_due, share);
  int32_t due = rt_real_apply(rt_real_shift(sample->decay_due, 16), 1);
  if (due < (int32_t)DECAY_SHARE && !last) return;
  update->share = (uint32_t)(due < DECAY_SHARE_MOST ? due : DECAY_SHARE_MOST);
  sample->decay_due.mantissa = 0;
}

static uint32_t unit_count(const rt_adapter_t *adapter, const rt_groups_update_t *update) {
  uint32_t left = group_size(&adapter->plan->groups[update->group]) - update->next;
  return left < RT_GROUPS_UNIT ? left : RT_GROUPS_UNIT;
}

/* RT_OK behind the last parameter of the last group. */
static rt_status_t advance(const rt_adapter_t *adapter, rt_groups_update_t *update,
                           uint32_t count) {
  update->next += count;
  if (update->next < group_size(&adapter->plan->groups[update->group])) return RT_BUSY;
  update->next = 0;
  return ++update->group == adapter->plan->group_count ? RT_OK : RT_BUSY;
}

static rt_status_t decay_unit(rt_adapter_t *adapter, rt_groups_update_t *update, uint32_t *random,
                              uint32_t *cycles) {
  if (update->share == 0) return RT_OK;
  uint32_t count = unit_count(adapter, update);
  rt_update_decay(group_q(adapter, update->group) + update->next,
                  group_low(adapter, update->group) + update->next, count, (int32_t)update->share,
                  phase_of(random));
  *cycles += count * CYCLES_DECAY;
  return advance(adapter, update, count);
}

/* Adds a group's gradient to the norm. */
static void measure_group(rt_adapter_t *adapter, rt_groups_update_t *update) {
  const rt_adapter_group_t *shape = &adapter->plan->groups[update->group];
  const int16_t *gradient = group_gradient(adapter, update->group);
  rt_real_t unit = rt_real_shift(shape->unit, -adapter->state[update->group].gradient_exponent);
  unit = rt_real_multiply(unit, unit);
  uint32_t sum = 0, upper = 0;
  for (uint32_t i = 0; i < group_size(shape); i++) {
    sum += (uint32_t)(gradient[i] * gradient[i]);
    upper += sum >> 30;
    sum &= 0x3fffffffu;
  }
  rt_real_t squares = rt_real_add(rt_real_from_uint(upper, 30), rt_real_from_uint(sum, 0));
  update->norm_squared = rt_real_add(update->norm_squared, rt_real_multiply(squares, unit));
}

static void finish_measuring(const rt_adapter_t *adapter, rt_groups_update_t *update) {
  const rt_group_sample_t *sample = &adapter->sample;
  rt_real_t batch = rt_real_from_uint(sample->batch, 0);
  rt_real_t norm = rt_real_divide(rt_real_sqrt(update->norm_squared), batch);
  update->factor = rt_real_divide(rt_real_from_uint(1, 0), batch);
  if (sample->clip.mantissa != 0 && rt_real_less(sample->clip, norm)) {
    update->factor = rt_real_multiply(update->factor, rt_real_divide(sample->clip, norm));
  }
  update->measuring = 0;
  update->group = 0;
}

/* A factor of the inner loop: exact to 16 bits where it takes them, its products being in range. */
static int32_t loop_factor(rt_real_t real) { return rt_real_apply(rt_real_shift(real, 16), 1); }

/* Chooses the new momentum's exponent so that it takes 14 bits at most, makes the weights coarser
 * if this step could carry them past int8, and derives the four factors of the inner loop. */
static void prepare_group(rt_adapter_t *adapter, rt_groups_update_t *update) {
  uint32_t group = update->group;
  rt_group_state_t *state = &adapter->state[group];
  const rt_group_sample_t *sample = &adapter->sample;
  rt_real_t keep = rt_real_shift(sample->momentum, -state->momentum_exponent);
  rt_real_t take = rt_real_multiply(rt_real_shift(update->factor, -state->gradient_exponent),
                                    adapter->plan->groups[group].unit);
  rt_real_t shrink = rt_real_shift(sample->decay, -(adapter->exponents[group] + 8));
  rt_real_t bound = rt_real_multiply(keep, rt_real_from_uint((uint32_t)state->momentum_max, 0));
  rt_real_t part = rt_real_multiply(take, rt_real_from_uint((uint32_t)state->gradient_max, 0));
  bound = rt_real_add(bound, part);
  part = rt_real_multiply(shrink, rt_real_from_uint((uint32_t)state->weight_max, 0));
  bound = rt_real_add(bound, part);
  int32_t exponent = bound.mantissa ? 14 - bound.exponent : 0;
  state->momentum_exponent = exponent;

  rt_real_t step = rt_real_shift(sample->rate, adapter->exponents[group] + 8);
  int32_t move = rt_real_apply(rt_real_multiply(step, bound), 1) + 1;
  int32_t times = make_weight_room(adapter, group, move);
  if (times < 0) step.mantissa = 0;
  /* The same decay on weights that have become smaller, and a smaller step. */
  int32_t halved = times > 0 ? times : 0;
  update->factors.keep = loop_factor(rt_real_shift(keep, exponent));
  update->factors.take = loop_factor(rt_real_shift(take, exponent));
  update->factors.shrink = loop_factor(rt_real_shift(shrink, exponent + halved));
  update->factors.step = loop_factor(rt_real_shift(step, -exponent - halved));
  update->bits = 0;
}

static void finish_group(rt_adapter_t *adapter, rt_groups_update_t *update, uint32_t group) {
  rt_group_state_t *state = &adapter->state[group];
  state->momentum_max = (int32_t)update->bits + 1;
  state->gradient_exponent = 0;
  state->gradient_max = 0;
}

static rt_status_t momentum_unit(rt_adapter_t *adapter, rt_groups_update_t *update,
                                 uint32_t *random, uint32_t *cycles) {
  uint32_t group = update->group;
  const rt_adapter_group_t *shape = &adapter->plan->groups[group];
  if (update->next == 0) {
    prepare_group(adapter, update);
    *cycles += CYCLES_GROUP;
  }
  uint32_t count = unit_count(adapter, update);
  uint32_t at = update->next;
  int16_t *gradient = group_gradient(adapter, group) + at;
  uint32_t phases[2] = {phase_of(random), phase_of(random)};
  update->bits |= rt_update_momentum(group_q(adapter, group) + at, group_low(adapter, group) + at,
                                     adapter->momentum + shape->first + at, gradient, count,
                                     &update->factors, phases);
  __builtin_memset(gradient, 0, count * sizeof(int16_t));
  *cycles += count * CYCLES_MOMENTUM;
  rt_status_t status = advance(adapter, update, count);
  if (update->next == 0) finish_group(adapter, update, group);
  return status;
}

rt_status_t rt_groups_update_run(rt_adapter_t *adapter, rt_groups_update_t *update,
                                 uint32_t *random, uint32_t *cycles) {
  if (rt_groups_fused(adapter->plan)) return decay_unit(adapter, update, random, cycles);
  if (!update->measuring) return momentum_unit(adapter, update, random, cycles);
  measure_group(adapter, update);
  *cycles += group_size(&adapter->plan->groups[update->group]) * CYCLES_MEASURE;
  if (++update->group == adapter->plan->group_count) finish_measuring(adapter, update);
  return RT_BUSY;
}
