#include "train_groups.h"

#define MASTER_LIMIT 32639 /* 256 * 127 + 127 */
#define GRADIENT_LIMIT 32767
#define FRESH_BITS 14 /* the first values of a batch take so many bits: room for what follows */

/* A group's weights do not get coarser than q = 2^EXPONENT_MIN; they saturate instead. */
#define EXPONENT_MIN (-16)

static uint32_t group_size(const rt_adapter_group_t *group) { return group->rows * group->columns; }

static int32_t master(const rt_adapter_t *adapter, uint32_t i) {
  return adapter->q[i] * 256 + adapter->residual[i];
}

static void set_master(rt_adapter_t *adapter, uint32_t i, int32_t value) {
  int32_t q = (value + 128) >> 8;
  adapter->q[i] = (int8_t)q;
  adapter->residual[i] = (int8_t)(value - q * 256);
}

void rt_groups_begin(rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  __builtin_memset(adapter->state, 0, plan->state.bytes);
  __builtin_memset(adapter->residual, 0, plan->parameter_count);
  __builtin_memset(adapter->momentum, 0, plan->parameter_count * sizeof(int16_t));
  for (uint32_t g = 0; g < plan->group_count; g++) {
    rt_group_state_t *state = &adapter->state[g];
    uint32_t first = plan->groups[g].first;
    for (uint32_t i = first; i < first + group_size(&plan->groups[g]); i++) {
      int32_t w = rt_fixed_abs(master(adapter, i));
      if (w > state->weight_max) state->weight_max = w;
    }
  }
  rt_groups_clear(adapter);
}

void rt_groups_clear(rt_adapter_t *adapter) {
  __builtin_memset(adapter->gradient, 0, adapter->plan->parameter_count * sizeof(int16_t));
  for (uint32_t g = 0; g < adapter->plan->group_count; g++) {
    adapter->state[g].gradient_exponent = 0;
    adapter->state[g].gradient_max = 0;
  }
}

/* value * 2^-shift, at most 2^16. */
static int32_t shifted_bound(uint32_t value, int32_t shift) {
  if (shift >= 0) return shift > 30 ? 1 : (int32_t)(value >> shift) + 1;
  return rt_fixed_bits(value) - shift > 16 ? 0x10000 : (int32_t)(value << -shift);
}

static void shrink_gradient(rt_adapter_t *adapter, uint32_t group, int32_t bits, uint32_t *random) {
  const rt_adapter_group_t *shape = &adapter->plan->groups[group];
  int16_t *gradient = adapter->gradient + shape->first;
  uint32_t shift = bits < 30 ? (uint32_t)bits : 30;
  for (uint32_t i = 0; i < group_size(shape); i++) {
    gradient[i] = (int16_t)rt_fixed_round_stochastic(gradient[i], shift, rt_fixed_random(random));
  }
  adapter->state[group].gradient_exponent -= bits;
}

/* Makes values of magnitude up to bound * 2^-exponent fit into the group's gradient, in one pass
 * over it at most: a unit of training stays short. Returns the right shift that brings them to the
 * group's exponent (negative: left). */
static int32_t make_room(rt_adapter_t *adapter, uint32_t group, uint32_t bound, int32_t exponent,
                         uint32_t *random) {
  rt_group_state_t *state = &adapter->state[group];
  if (state->gradient_max == 0) {
    state->gradient_exponent = exponent + FRESH_BITS - rt_fixed_bits(bound);
  }
  int32_t shift = exponent - state->gradient_exponent;
  int32_t bits = 0;
  for (; state->gradient_max + shifted_bound(bound, shift + bits) > GRADIENT_LIMIT; bits++) {
    state->gradient_max = (state->gradient_max + 1) / 2;
  }
  if (bits > 0) shrink_gradient(adapter, group, bits, random);
  return shift + bits;
}

static int32_t shift_stochastic(int32_t x, int32_t shift, uint32_t *random) {
  if (shift <= 0) return x * (1 << -shift);
  if (shift > 30) return 0;
  return rt_fixed_round_stochastic(x, (uint32_t)shift, rt_fixed_random(random));
}

static int32_t add_one(int16_t *element, int32_t value, int32_t largest) {
  int32_t sum = *element + value;
  *element = (int16_t)sum;
  sum = rt_fixed_abs(sum);
  return sum > largest ? sum : largest;
}

static uint32_t outer_bound(int32_t factor) { return (uint32_t)rt_fixed_abs(factor) * 255u; }

void rt_groups_reserve(rt_adapter_t *adapter, uint32_t group, const int32_t *factors,
                       uint32_t count, int32_t exponent, uint32_t *random) {
  uint32_t bound = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (outer_bound(factors[i]) > bound) bound = outer_bound(factors[i]);
  }
  if (bound == 0) return;
  make_room(adapter, group, bound, exponent, random);
  rt_group_state_t *state = &adapter->state[group];
  if (state->gradient_max == 0) state->gradient_max = 1; /* the exponent stays */
}

void rt_groups_add_outer(rt_adapter_t *adapter, uint32_t group, uint32_t row, int32_t factor,
                         int32_t exponent, const int8_t *x, int32_t zero, uint32_t *random) {
  if (factor == 0) return;
  const rt_adapter_group_t *shape = &adapter->plan->groups[group];
  int32_t shift = exponent - adapter->state[group].gradient_exponent;
  int16_t *gradient = adapter->gradient + shape->first + row * shape->columns;
  int32_t largest = adapter->state[group].gradient_max;
  for (uint32_t i = 0; i < shape->columns; i++) {
    int32_t value = shift_stochastic(factor * (x[i] - zero), shift, random);
    largest = add_one(&gradient[i], value, largest);
  }
  adapter->state[group].gradient_max = largest;
}

void rt_groups_add(rt_adapter_t *adapter, uint32_t group, uint32_t first, uint32_t stride,
                   const int32_t *values, uint32_t count, int32_t exponent, uint32_t *random) {
  int32_t bound = 0;
  for (uint32_t i = 0; i < count; i++) {
    int32_t magnitude = rt_fixed_abs(values[i]);
    if (magnitude > bound) bound = magnitude;
  }
  if (bound == 0) return;
  int32_t shift = make_room(adapter, group, (uint32_t)bound, exponent, random);
  int16_t *gradient = adapter->gradient + adapter->plan->groups[group].first + first;
  int32_t largest = adapter->state[group].gradient_max;
  for (uint32_t i = 0; i < count; i++) {
    int32_t value = shift_stochastic(values[i], shift, random);
    largest = add_one(&gradient[i * stride], value, largest);
  }
  adapter->state[group].gradient_max = largest;
}

/* ---- the optimiser ---- */

/* Sum of squares of a group's gradient mantissas. A 64-bit addition is two instructions. */
static rt_real_t sum_of_squares(const int16_t *gradient, uint32_t count) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += (uint32_t)(gradient[i] * gradient[i]);
  int32_t exponent = 0;
  while (sum >> 32) {
    sum >>= 1;
    exponent++;
  }
  return rt_real_from_uint((uint32_t)sum, exponent);
}

static void measure_group(rt_adapter_t *adapter, rt_groups_update_t *update) {
  const rt_adapter_group_t *shape = &adapter->plan->groups[update->group];
  rt_real_t squares = sum_of_squares(adapter->gradient + shape->first, group_size(shape));
  rt_real_t unit = rt_real_shift(shape->unit, -adapter->state[update->group].gradient_exponent);
  squares = rt_real_multiply(squares, rt_real_multiply(unit, unit));
  update->norm_squared = rt_real_add(update->norm_squared, squares);
}

static void finish_measuring(rt_groups_update_t *update) {
  rt_real_t one = rt_real_from_uint(1, 0);
  rt_real_t share = rt_real_divide(one, rt_real_from_uint(update->rule.batch, 0));
  rt_real_t norm = rt_real_multiply(rt_real_sqrt(update->norm_squared), share);
  update->norm_squared = rt_real_multiply(norm, norm);
  update->factor = share;
  if (update->rule.clip.mantissa != 0 && rt_real_less(update->rule.clip, norm)) {
    update->factor = rt_real_multiply(share, rt_real_divide(update->rule.clip, norm));
  }
  update->measuring = 0;
  update->group = 0;
}

static void halve_weights(rt_adapter_t *adapter, uint32_t group) {
  const rt_adapter_group_t *shape = &adapter->plan->groups[group];
  for (uint32_t i = shape->first; i < shape->first + group_size(shape); i++) {
    set_master(adapter, i, (master(adapter, i) + 1) >> 1);
  }
  rt_group_state_t *state = &adapter->state[group];
  state->weight_max = (state->weight_max + 1) / 2;
  adapter->exponents[group]--;
}

/* Chooses the new momentum's exponent so that it takes 14 bits at most, makes the weights coarser
 * if this step could carry them past int8, and derives the four factors of the inner loop. */
static void prepare_group(rt_adapter_t *adapter, rt_groups_update_t *update) {
  uint32_t group = update->group;
  rt_group_state_t *state = &adapter->state[group];
  rt_real_t keep = rt_real_shift(update->rule.momentum, -state->momentum_exponent);
  rt_real_t take = rt_real_multiply(rt_real_shift(update->factor, -state->gradient_exponent),
                                    adapter->plan->groups[group].unit);
  rt_real_t shrink = rt_real_shift(update->rule.decay, -(adapter->exponents[group] + 8));
  rt_real_t bound = rt_real_multiply(keep, rt_real_from_uint((uint32_t)state->momentum_max, 0));
  bound = rt_real_add(bound,
                      rt_real_multiply(take, rt_real_from_uint((uint32_t)state->gradient_max, 0)));
  bound = rt_real_add(bound,
                      rt_real_multiply(shrink, rt_real_from_uint((uint32_t)state->weight_max, 0)));
  int32_t exponent = bound.mantissa ? 14 - bound.exponent : 0;
  state->momentum_exponent = exponent;
  update->keep = rt_real_to_scale(rt_real_shift(keep, exponent));
  update->take = rt_real_to_scale(rt_real_shift(take, exponent));
  update->shrink = rt_real_to_scale(rt_real_shift(shrink, exponent));

  rt_real_t step = rt_real_shift(update->rule.rate, adapter->exponents[group] + 8);
  rt_real_t move = rt_real_multiply(step, bound);
  while (adapter->exponents[group] > EXPONENT_MIN &&
         state->weight_max + rt_real_apply(move, 1) > MASTER_LIMIT - 2) {
    halve_weights(adapter, group);
    update->shrink.shift--; /* the same decay on weights of twice the size */
    step = rt_real_shift(step, -1);
    move = rt_real_shift(move, -1);
  }
  update->step = rt_real_to_scale(rt_real_shift(step, -exponent));
  state->momentum_max = 0;
  state->weight_max = 0;
}

static int32_t scaled(int32_t x, rt_scale_t scale, uint32_t *random) {
  if (x == 0 || scale.mantissa == 0) return 0;
  return rt_fixed_scale_stochastic(x, scale, rt_fixed_random(random), MASTER_LIMIT);
}

static void update_parameter(rt_adapter_t *adapter, const rt_groups_update_t *update, uint32_t i,
                             uint32_t *random) {
  rt_group_state_t *state = &adapter->state[update->group];
  int32_t weight = master(adapter, i);
  int32_t velocity = scaled(adapter->momentum[i], update->keep, random) +
                     scaled(adapter->gradient[i], update->take, random) +
                     scaled(weight, update->shrink, random);
  velocity = rt_fixed_clamp(velocity, MASTER_LIMIT);
  adapter->momentum[i] = (int16_t)velocity;
  weight = rt_fixed_clamp(weight - scaled(velocity, update->step, random), MASTER_LIMIT);
  set_master(adapter, i, weight);
  weight = rt_fixed_abs(weight);
  velocity = rt_fixed_abs(velocity);
  if (weight > state->weight_max) state->weight_max = weight;
  if (velocity > state->momentum_max) state->momentum_max = velocity;
}

void rt_groups_update_begin(const rt_adapter_t *adapter, rt_groups_update_t *update,
                            const rt_groups_rule_t *rule) {
  (void)adapter;
  __builtin_memset(update, 0, sizeof(*update));
  update->rule = *rule;
  update->measuring = 1;
}

rt_status_t rt_groups_update_run(rt_adapter_t *adapter, rt_groups_update_t *update,
                                 uint32_t *random, uint32_t *work) {
  uint32_t groups = adapter->plan->group_count;
  const rt_adapter_group_t *shape = &adapter->plan->groups[update->group];
  if (update->measuring) {
    measure_group(adapter, update);
    *work = group_size(shape) / 8u + 1u;
    if (++update->group == groups) finish_measuring(update);
    return RT_BUSY;
  }
  if (update->next == 0) prepare_group(adapter, update);
  uint32_t end = update->next + RT_GROUPS_UNIT;
  if (end > group_size(shape)) end = group_size(shape);
  *work = end - update->next;
  for (; update->next < end; update->next++) {
    update_parameter(adapter, update, shape->first + update->next, random);
  }
  if (update->next < group_size(shape)) return RT_BUSY;
  update->next = 0;
  return ++update->group == groups ? RT_OK : RT_BUSY;
}
