/* Backward through FULLY_CONNECTED and pointwise CONV_2D, and the gradients of a LoRA site there.
 * A dense layer is a pointwise convolution with one pixel. */

#include "backward_parts.h"
#include "train_groups.h"

#define SUM_BITS 29
#define LORA_LIMIT ((1 << 18) - 1) /* times 127 times rank 16 stays below 2^29 */
#define BALANCED_BITS 12

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_GRADIENT_VALUE 66u
#define CYCLES_PROPAGATE_MAC 7u /* half of the outputs let nothing through */
#define CYCLES_VALUE 10u

/* A LoRA site's parameters. */
typedef struct {
  const rt_adapter_site_t *site;
  uint32_t group; /* of A; B follows */
  uint32_t rank;
  const int8_t *a; /* [rank][inputs] */
  const int8_t *b; /* [outputs][rank] */
} lora_t;

static void find_lora(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      lora_t *lora) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  lora->site = &plan->sites[layer->step->site];
  lora->group = RT_GROUP_LORA + 2u * layer->step->site;
  lora->rank = plan->rank;
  lora->a = rt_adapter_q(backward->adapter, lora->group);
  lora->b = rt_adapter_q(backward->adapter, lora->group + 1u);
}

static int32_t *input_sums(const rt_backward_t *backward) {
  return rt_adapter_buffer(backward->adapter, &backward->adapter->plan->sums);
}

static int16_t *output_scratch(const rt_backward_t *backward) {
  return rt_adapter_buffer(backward->adapter, &backward->adapter->plan->outputs);
}

/* x / 2^shift, rounded: rounding down would add up over the pixels. */
static int32_t shift_round(int32_t x, int32_t shift) {
  return shift == 0 ? x : (x + (1 << (shift - 1))) >> shift;
}

/* The pixel's signal, shifted right. */
static void load_pixel(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                       uint32_t pixel, int32_t shift, int16_t *g) {
  for (uint32_t c = 0; c < layer->outputs; c++) {
    int32_t value = rt_backward_load(backward, layer, pixel, c);
    g[c] = (int16_t)shift_round(value, shift);
  }
}

/* ---- gradients of A's row and B's column k ---- */

/* How operands are shifted so that sums over all pixels take 29 bits. */
typedef struct {
  int32_t signal; /* right shift of G */
  int32_t hidden; /* of h_k */
  int32_t back;   /* of sum_c B_ck G_c */
} lora_shifts_t;

static int32_t positive(int32_t x) { return x > 0 ? x : 0; }

static int32_t magnitude_sum_bits(const int8_t *x, uint32_t count, uint32_t stride) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += (uint32_t)rt_fixed_abs(x[i * stride]);
  return rt_fixed_bits(sum);
}

static lora_shifts_t choose_shifts(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                                   const lora_t *lora) {
  lora_shifts_t shifts;
  uint32_t k = backward->pass;
  int32_t pixel_bits = rt_fixed_bits(layer->rows * layer->columns);
  int32_t signal_bits = rt_fixed_bits((uint32_t)backward->max);
  int32_t hidden_bits = magnitude_sum_bits(lora->a + k * layer->inputs, layer->inputs, 1) + 8;
  int32_t excess = positive(signal_bits + hidden_bits + pixel_bits - SUM_BITS);
  shifts.hidden = positive(hidden_bits - BALANCED_BITS);
  if (shifts.hidden > excess) shifts.hidden = excess;
  shifts.signal = positive(excess - shifts.hidden);
  if (shifts.signal > signal_bits - 1) {
    shifts.hidden += shifts.signal - (signal_bits - 1);
    shifts.signal = signal_bits - 1;
  }
  int32_t back_bits =
      magnitude_sum_bits(lora->b + k, layer->outputs, lora->rank) + signal_bits - shifts.signal;
  shifts.back = positive(back_bits + 8 + pixel_bits - SUM_BITS);
  return shifts;
}

/* Adds one pixel's share: column += G h_k, row += (sum B_ck G_c) x. */
static void add_pixel(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      const lora_t *lora, const lora_shifts_t *shifts, uint32_t pixel) {
  uint32_t k = backward->pass;
  const int8_t *x = layer->x + pixel * layer->inputs;
  const int8_t *a = lora->a + k * layer->inputs;
  int16_t *g = output_scratch(backward);
  int32_t *row = input_sums(backward);
  int32_t *column = row + layer->inputs;
  load_pixel(backward, layer, pixel, shifts->signal, g);
  int32_t h = 0;
  for (uint32_t i = 0; i < layer->inputs; i++) h += a[i] * (x[i] - layer->zero);
  h = shift_round(h, shifts->hidden);
  int32_t back = 0;
  for (uint32_t c = 0; c < layer->outputs; c++) {
    back += lora->b[c * lora->rank + k] * g[c];
    column[c] += g[c] * h;
  }
  back = shift_round(back, shifts->back);
  if (back == 0) return;
  for (uint32_t i = 0; i < layer->inputs; i++) row[i] += back * (x[i] - layer->zero);
}

static void lora_gradients(rt_backward_t *backward, const rt_backward_layer_t *layer,
                           uint32_t *random, uint32_t *cycles) {
  lora_t lora;
  find_lora(backward, layer, &lora);
  lora_shifts_t shifts = choose_shifts(backward, layer, &lora);
  uint32_t k = backward->pass;
  int32_t *row = input_sums(backward);
  int32_t *column = row + layer->inputs;
  if (backward->next == 0)
    __builtin_memset(row, 0, (layer->inputs + layer->outputs) * sizeof(int32_t));
  for (uint32_t p = 0; p < layer->columns; p++) {
    add_pixel(backward, layer, &lora, &shifts, backward->next * layer->columns + p);
  }
  *cycles += layer->columns * (layer->inputs + layer->outputs) * CYCLES_GRADIENT_VALUE;
  if (++backward->next < layer->rows) return;
  const int8_t *exponents = backward->adapter->exponents + lora.group;
  rt_groups_add(backward->adapter, lora.group, k * layer->inputs, 1, row, layer->inputs,
                backward->exponent - shifts.signal + exponents[1] - shifts.back, random);
  rt_groups_add(backward->adapter, lora.group + 1u, k, lora.rank, column, layer->outputs,
                backward->exponent - shifts.signal + exponents[0] - shifts.hidden, random);
  backward->pass++;
  backward->next = 0;
}

/* ---- the gradient of the layer's input ---- */

/* hidden_k = what the LoRA path sends back through A, in units of the sums. */
static void lora_back(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      const lora_t *lora, const int16_t *g, int32_t *back) {
  int32_t wide =
      positive(rt_fixed_bits((uint32_t)backward->max) + 7 + rt_fixed_bits(layer->outputs) - 30);
  const int8_t *exponents = backward->adapter->exponents + lora->group;
  rt_scale_t scale = rt_real_to_scale(rt_real_shift(
      lora->site->ratio,
      backward->gain_exponent - backward->exponent + wide - exponents[0] - exponents[1]));
  for (uint32_t k = 0; k < lora->rank; k++) {
    int32_t sum = 0;
    const int8_t *b = lora->b + k;
    for (uint32_t c = 0; c < layer->outputs; c++) sum += (b[c * lora->rank] * g[c]) >> wide;
    back[k] = rt_fixed_scale_wide(sum, scale, LORA_LIMIT);
  }
}

static void add_row(int32_t *sums, const int8_t *w, int32_t factor, uint32_t count) {
  if (factor == 0) return; /* half of the channels, behind a ReLU */
  for (uint32_t i = 0; i < count; i++) sums[i] += w[i] * factor;
}

static void propagate_pixel(rt_backward_t *backward, const rt_backward_layer_t *layer,
                            int32_t largest, uint32_t pixel, uint32_t *random) {
  int16_t *g = output_scratch(backward);
  int32_t *sums = input_sums(backward);
  int32_t right = rt_backward_gain_right(backward);
  load_pixel(backward, layer, pixel, 0, g);
  __builtin_memset(sums, 0, layer->inputs * sizeof(int32_t));
  if (layer->step->site != RT_NONE) {
    lora_t lora;
    int32_t back[RT_ADAPTER_RANK_MAX];
    find_lora(backward, layer, &lora);
    lora_back(backward, layer, &lora, g, back);
    for (uint32_t k = 0; k < lora.rank; k++) {
      add_row(sums, lora.a + k * layer->inputs, back[k], layer->inputs);
    }
  }
  for (uint32_t c = 0; c < layer->outputs; c++) {
    int32_t gain = rt_backward_gain(layer->layer, c, largest);
    add_row(sums, layer->layer->weights + c * layer->inputs,
            rt_backward_apply_gain(g[c], gain, right), layer->inputs);
  }
  for (uint32_t i = 0; i < layer->inputs; i++) {
    rt_backward_store(backward, layer, pixel * layer->inputs + i, sums[i], random);
  }
}

static void propagate_next(rt_backward_t *backward, const rt_backward_layer_t *layer,
                           uint32_t *random) {
  int32_t largest = rt_backward_gain_shift(layer);
  if (backward->next == 0) rt_backward_prepare(backward, layer);
  /* In place: a pixel that grows must not be written over pixels that are still to be read. */
  uint32_t down = !backward->pooled && layer->inputs > layer->outputs;
  uint32_t last = layer->rows * layer->columns - 1u;
  propagate_pixel(backward, layer, largest, down ? last - backward->next : backward->next, random);
}

rt_status_t rt_backward_dense(rt_backward_t *backward, const rt_backward_layer_t *layer,
                              uint32_t *random, uint32_t *cycles) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  uint32_t trained = layer->step->site != RT_NONE;
  if (trained && backward->pass < plan->rank) {
    lora_gradients(backward, layer, random, cycles);
    uint32_t done = backward->pass == plan->rank && backward->step + 1 == plan->step_count;
    return done ? RT_OK : RT_BUSY;
  }
  propagate_next(backward, layer, random);
  uint32_t macs = layer->inputs * (layer->outputs + (trained ? 2u * plan->rank : 0));
  *cycles += macs * CYCLES_PROPAGATE_MAC + (layer->inputs + layer->outputs) * CYCLES_VALUE;
  return ++backward->next < layer->rows * layer->columns ? RT_BUSY : RT_OK;
}
