/*
 * Backward through FULLY_CONNECTED and pointwise CONV_2D, and the gradients of a LoRA site there.
 * A dense layer is a pointwise convolution with one pixel.
 *
 * Three passes over the pixels: the gradient of B, that of A, and the layer's own gradient. The
 * first two take a chunk of pixels at a time: h = A x, or B' G, of each of its pixels by the pair
 * dot of inference, then for each channel the sums of G h, or of (B' G) x, over the chunk.
 */
#include "backward_axpy.h"
#include "backward_columns.h"
#include "backward_parts.h"
#include "hot.h"
#include "pair_dot.h"
#include "train_groups.h"

#define CHUNK 64u /* pixels */

/* A sum over all pixels of signal or activation times factor stays below 2^29. */
#define SUM_BITS 29
#define SIGNAL_BITS 7
#define ACTIVATION_BITS 8
#define FACTOR_BITS 15

/* What LoRA sends back through a row of A, at most: with |A| <= 127 it fits a call of rt_axpy. */
#define BACK_LIMIT 255
#define WEIGHT_LIMIT 128 /* |A| */

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_GRADIENT_VALUE 66u
#define CYCLES_PROPAGATE_MAC 7u
#define CYCLES_VALUE 10u

enum { PASS_B, PASS_A, PASS_PROPAGATE };

/* A LoRA site's parameters. */
typedef struct {
  const rt_adapter_site_t *site;
  uint32_t group; /* of A; B follows */
  uint32_t rank;
  uint32_t quads;  /* of ranks */
  const int8_t *a; /* [rank][inputs] */
  const int8_t *b; /* [outputs][rank] */
} lora_t;

/* plan->work during the gradients, and during the propagation. */
typedef struct {
  int8_t *pixel;    /* a pixel put together */
  uint32_t *packed; /* A, or B transposed, as rt_pair_dot takes them */
  int32_t *sums_b;  /* as the gradients lie */
  int32_t *sums_a;
  int32_t *factors; /* [quads][CHUNK][4] */
} gradient_work_t;

typedef struct {
  int8_t *pixel;
  uint32_t *packed;
  uint32_t *rows; /* A as rt_axpy takes it */
  int32_t *sums;
  rt_axpy_term_t *terms;
} propagate_work_t;

static uint32_t round_up(uint32_t x, uint32_t to) { return (x + to - 1u) & ~(to - 1u); }

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t packed_words(uint32_t inputs, uint32_t outputs, uint32_t rank) {
  return rank == 0 ? 0 : rt_pair_words(rank, larger(inputs, outputs));
}

uint32_t rt_backward_dense_bytes(uint32_t inputs, uint32_t outputs, uint32_t rank) {
  uint32_t widest = larger(inputs, outputs);
  uint32_t padded = round_up(inputs, RT_AXPY_BLOCK);
  uint32_t ranks = round_up(rank, 4);
  uint32_t common = round_up(widest, 4) + 4u * packed_words(inputs, outputs, rank);
  uint32_t gradients = 4u * (inputs + outputs) * rank + 4u * CHUNK * ranks;
  uint32_t propagation =
      2u * padded * rank + 4u * padded + (uint32_t)sizeof(rt_axpy_term_t) * (outputs + rank);
  return common + larger(gradients, propagation) + round_up(rank * inputs, 4);
}

/* A as it was before its gradient was added: the way back goes through what the window was shown.
 */
static int8_t *kept_a(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      uint32_t rank) {
  uint32_t bytes = rt_backward_dense_bytes(layer->inputs, layer->outputs, rank);
  return (int8_t *)rt_backward_work(backward) + bytes - round_up(rank * layer->inputs, 4);
}

static gradient_work_t gradient_work(const rt_backward_t *backward,
                                     const rt_backward_layer_t *layer, const lora_t *lora) {
  uint32_t widest = larger(layer->inputs, layer->outputs);
  gradient_work_t work;
  work.pixel = rt_backward_work(backward);
  work.packed = (uint32_t *)(void *)(work.pixel + round_up(widest, 4));
  work.sums_b =
      (int32_t *)(void *)(work.packed + packed_words(layer->inputs, layer->outputs, lora->rank));
  work.sums_a = work.sums_b + layer->outputs * lora->rank;
  work.factors = work.sums_a + layer->inputs * lora->rank;
  return work;
}

static propagate_work_t propagate_work(const rt_backward_t *backward,
                                       const rt_backward_layer_t *layer, uint32_t rank) {
  uint32_t widest = larger(layer->inputs, layer->outputs);
  uint32_t padded = round_up(layer->inputs, RT_AXPY_BLOCK);
  propagate_work_t work;
  work.pixel = rt_backward_work(backward);
  work.packed = (uint32_t *)(void *)(work.pixel + round_up(widest, 4));
  work.rows = work.packed + packed_words(layer->inputs, layer->outputs, rank);
  work.sums = (int32_t *)(void *)(work.rows + padded / 2u * rank);
  work.terms = (rt_axpy_term_t *)(void *)(work.sums + padded);
  return work;
}

static lora_t find_lora(const rt_backward_t *backward, const rt_backward_layer_t *layer) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  lora_t lora;
  lora.site = &plan->sites[layer->step->site];
  lora.group = RT_GROUP_LORA + 2u * layer->step->site;
  lora.rank = plan->rank;
  lora.quads = (plan->rank + 3u) >> 2;
  lora.a = rt_adapter_q(backward->adapter, lora.group);
  lora.b = rt_adapter_q(backward->adapter, lora.group + 1u);
  return lora;
}

/* ---- gradients of B and A ---- */

/* A matrix of the adapter as it is multiplied with pixels: element (k, i) is at k down + i along.
 */
typedef struct {
  const int8_t *q;
  uint32_t rank, columns, down, along;
} matrix_t;

static matrix_t matrix_a(const rt_backward_layer_t *layer, const lora_t *lora) {
  return (matrix_t){lora->a, lora->rank, layer->inputs, layer->inputs, 1};
}

static matrix_t matrix_b(const rt_backward_layer_t *layer, const lora_t *lora) {
  return (matrix_t){lora->b, lora->rank, layer->outputs, 1, lora->rank};
}

static int32_t element(const matrix_t *m, uint32_t k, uint32_t i) {
  return k < m->rank && i < m->columns ? m->q[k * m->down + i * m->along] : 0;
}

static uint32_t pair(int32_t lower, int32_t upper) {
  return (uint32_t)lower + ((uint32_t)upper << 16);
}

/* Packs a matrix for rt_pair_dot; see pair_dot.h. At most RT_PAIR_ROWS rows. The products with
 * `zero` are taken off by the bias. Returns the bits of the largest sum of magnitudes of a row. */
static int32_t pack(const matrix_t *m, int32_t zero, uint32_t *out) {
  uint32_t ranks = round_up(m->rank, 4), largest = 0;
  for (uint32_t k = 0; k < ranks; k++) {
    int32_t sum = 0;
    uint32_t magnitude = 0;
    for (uint32_t i = 0; k < m->rank && i < m->columns; i++) {
      int32_t q = m->q[k * m->down + i * m->along];
      sum += q;
      magnitude += (uint32_t)rt_fixed_abs(q);
    }
    *out++ = (uint32_t)(-zero * sum);
    if (magnitude > largest) largest = magnitude;
  }
  for (uint32_t from = 0; from < m->columns; from += RT_PAIR_COLUMNS) {
    uint32_t end = smaller(from + RT_PAIR_COLUMNS, m->columns);
    for (uint32_t first = 0; first < ranks; first += 4) {
      for (uint32_t i = from; i < end; i += 4) {
        for (uint32_t k = first; k < first + 4; k++) {
          out[k - first] = pair(element(m, k, i + 2), element(m, k, i));
          out[4 + k - first] = pair(element(m, k, i + 3), element(m, k, i + 1));
        }
        out += 8;
      }
    }
  }
  return rt_fixed_bits(largest);
}

/* out [ranks] = packed matrix times x. */
static void product(const uint32_t *packed, const int8_t *x, uint32_t columns, uint32_t ranks,
                    int32_t *out) {
  const int32_t *start = (const int32_t *)(const void *)packed;
  packed += ranks;
  for (; columns > 0; x += RT_PAIR_COLUMNS) {
    uint32_t quads = (smaller(columns, RT_PAIR_COLUMNS) + 3u) >> 2;
    rt_pair_dot(packed, x, quads, start, out, ranks >> 2);
    packed += 2u * quads * ranks;
    start = out;
    columns -= smaller(columns, RT_PAIR_COLUMNS);
  }
}

/* x / 2^shift, rounded: rounding down would add up over the pixels. */
static int32_t shift_round(int32_t x, int32_t shift) {
  return shift == 0 ? x : (x + (1 << (shift - 1))) >> shift;
}

static int32_t positive(int32_t x) { return x > 0 ? x : 0; }

/* Right shift that brings factors of so many bits to what sums of values over all pixels take. */
static int32_t factor_shift(const rt_backward_layer_t *layer, int32_t bits, int32_t value_bits) {
  int32_t room = SUM_BITS - value_bits - rt_fixed_bits(layer->pixels);
  return positive(bits - (room < FACTOR_BITS ? room : FACTOR_BITS));
}

static const int8_t *input_pixel(const rt_backward_layer_t *layer, uint32_t pixel,
                                 int8_t *scratch) {
  const int8_t *x = layer->x + pixel * layer->inputs;
  if (layer->inputs % 4u == 0) return x;
  __builtin_memcpy(scratch, x, layer->inputs);
  return scratch;
}

/* The factors of a chunk: h, or B' G. */
static void find_factors(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                         const lora_t *lora, const gradient_work_t *work, uint32_t count) {
  uint32_t hidden = backward->pass == PASS_B;
  int32_t shift = backward->shift;
  for (uint32_t p = 0; p < count; p++) {
    int32_t out[RT_ADAPTER_RANK_MAX];
    uint32_t pixel = backward->next + p;
    const int8_t *x = hidden ? input_pixel(layer, pixel, work->pixel)
                             : rt_backward_pixel(backward, layer, pixel, work->pixel);
    product(work->packed, x, hidden ? layer->inputs : layer->outputs, 4u * lora->quads, out);
    for (uint32_t k = 0; k < 4u * lora->quads; k++) {
      work->factors[((k >> 2) * CHUNK + p) * 4u + (k & 3u)] = shift_round(out[k], shift);
    }
  }
}

/* Adds values * factors, summed over the chunk's pixels, for every channel. The sums of B are
 * [channels][rank], of A [rank][channels], as in the parameter groups. */
RT_HOT static void add_columns(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                               const lora_t *lora, const gradient_work_t *work, uint32_t count) {
  uint32_t hidden = backward->pass == PASS_B;
  uint32_t channels = hidden ? layer->outputs : layer->inputs;
  uint32_t gathered = hidden && backward->pooled;
  uint32_t down = hidden ? 1 : channels;
  const int8_t *values = hidden ? rt_backward_signal(backward) : layer->x;
  int8_t column[CHUNK];
  values += backward->next * channels;
  for (uint32_t c = 0; c < channels; c++, values++) {
    if (gathered) rt_backward_column(backward, layer, backward->next, count, c, column);
    for (uint32_t k = 0; k < lora->rank; k += 4) {
      int32_t sums[4];
      rt_columns(gathered ? column : values, gathered ? 1 : channels, work->factors + k * CHUNK,
                 count, hidden ? 0 : layer->zero, sums);
      int32_t *to = hidden ? work->sums_b + c * lora->rank + k : work->sums_a + k * channels + c;
      for (uint32_t r = 0; r < 4 && k + r < lora->rank; r++, to += down) {
        *to = (int32_t)((uint32_t)*to + (uint32_t)sums[r]);
      }
    }
  }
}

static void begin_gradient(rt_backward_t *backward, const rt_backward_layer_t *layer,
                           const lora_t *lora, const gradient_work_t *work) {
  uint32_t hidden = backward->pass == PASS_B;
  uint32_t channels = hidden ? layer->outputs : layer->inputs;
  matrix_t matrix = hidden ? matrix_a(layer, lora) : matrix_b(layer, lora);
  int32_t bits = pack(&matrix, hidden ? layer->zero : 0, work->packed);
  bits += hidden ? ACTIVATION_BITS : SIGNAL_BITS;
  backward->shift = factor_shift(layer, bits, hidden ? SIGNAL_BITS : ACTIVATION_BITS);
  if (hidden) {
    backward->shift_b = backward->shift;
  } else {
    backward->back_bits = bits;
  }
  __builtin_memset(hidden ? work->sums_b : work->sums_a, 0,
                   channels * lora->rank * sizeof(int32_t));
}

/* Hands the sums over to the parameter groups. That may change A and B at once (train_groups.h):
 * both gradients are complete before, and what the propagation needs is kept: A here, B where it
 * is packed. */
static void add_gradients(rt_backward_t *backward, const rt_backward_layer_t *layer,
                          const lora_t *lora, const gradient_work_t *work, uint32_t *random) {
  const int8_t *exponents = backward->adapter->exponents + lora->group;
  backward->exponents = exponents[0] + exponents[1];
  __builtin_memcpy(kept_a(backward, layer, lora->rank), lora->a, lora->rank * layer->inputs);
  int32_t exponent_a = backward->exponent + exponents[1] - backward->shift;
  int32_t exponent_b = backward->exponent + exponents[0] - backward->shift_b;
  rt_groups_add(backward->adapter, lora->group, 0, 1, work->sums_a, lora->rank * layer->inputs,
                exponent_a, random);
  rt_groups_add(backward->adapter, lora->group + 1u, 0, 1, work->sums_b,
                lora->rank * layer->outputs, exponent_b, random);
}

/* A chunk of the gradient of B or A. */
static void gradient_unit(rt_backward_t *backward, const rt_backward_layer_t *layer,
                          uint32_t *random, uint32_t *cycles) {
  lora_t lora = find_lora(backward, layer);
  gradient_work_t work = gradient_work(backward, layer, &lora);
  uint32_t count = smaller(CHUNK, layer->pixels - backward->next);
  if (backward->next == 0) begin_gradient(backward, layer, &lora, &work);
  find_factors(backward, layer, &lora, &work, count);
  add_columns(backward, layer, &lora, &work, count);
  *cycles += count * (layer->inputs + layer->outputs) * lora.quads * CYCLES_GRADIENT_VALUE;
  backward->next += count;
  if (backward->next < layer->pixels) return;
  if (backward->pass == PASS_A) add_gradients(backward, layer, &lora, &work, random);
  backward->next = 0;
  backward->pass++;
}

/* ---- the gradient of the layer's input ---- */

/* Terms of a sum by rt_axpy, which is called whenever the next one could take it past 16 bits. */
typedef struct {
  rt_axpy_term_t *terms;
  int32_t *sums;
  uint32_t count, blocks, added;
  int32_t room;
} sum_t;

static void flush(sum_t *sum) {
  if (sum->count != 0) {
    rt_axpy(sum->terms, sum->count, sum->blocks, sum->sums, sum->added, 0);
    sum->added = 1;
  }
  sum->count = 0;
  sum->room = RT_AXPY_LIMIT;
}

static void add_term(sum_t *sum, int32_t factor, int32_t weight, const uint32_t *row) {
  int32_t takes = rt_fixed_abs(factor) * weight;
  if (takes > sum->room) flush(sum);
  sum->room -= takes;
  sum->terms[sum->count++] = (rt_axpy_term_t){factor, row};
}

/* A as rows of rt_axpy. */
static void pack_rows(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      const lora_t *lora, uint32_t *out) {
  matrix_t m = matrix_a(layer, lora);
  m.q = kept_a(backward, layer, lora->rank);
  for (uint32_t k = 0; k < lora->rank; k++) {
    for (uint32_t i = 0; i < round_up(layer->inputs, RT_AXPY_BLOCK); i += 2) {
      *out++ = pair(element(&m, k, i), element(&m, k, i + 1));
    }
  }
}

/* What LoRA sends back: in units of the sums, (s_x / s_y) B' G. */
static void add_lora(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                     const lora_t *lora, const propagate_work_t *work, const int8_t *g, sum_t *sum,
                     uint32_t *random) {
  int32_t out[RT_ADAPTER_RANK_MAX];
  uint32_t words = round_up(layer->inputs, RT_AXPY_BLOCK) / 2u;
  rt_scale_t scale = rt_real_to_scale(rt_real_shift(
      lora->site->ratio, layer->step->exponent - backward->exponents + backward->shift));
  product(work->packed, g, layer->outputs, 4u * lora->quads, out);
  for (uint32_t k = 0; k < lora->rank; k++) {
    int32_t back = out[k] >> backward->shift;
    back = rt_fixed_scale_stochastic(back, scale, rt_fixed_random(random), BACK_LIMIT);
    if (back != 0) add_term(sum, back, WEIGHT_LIMIT, work->rows + k * words);
  }
}

static void propagate_pixel(rt_backward_t *backward, const rt_backward_layer_t *layer,
                            uint32_t pixel, uint32_t *random) {
  uint32_t trained = layer->step->site != RT_NONE;
  propagate_work_t work =
      propagate_work(backward, layer, trained ? backward->adapter->plan->rank : 0);
  uint32_t padded = round_up(layer->inputs, RT_AXPY_BLOCK);
  const int8_t *g = rt_backward_pixel(backward, layer, pixel, work.pixel);
  sum_t sum = {work.terms, work.sums, 0, padded / RT_AXPY_BLOCK, 0, RT_AXPY_LIMIT};
  const uint32_t *row = layer->step->weights;
  for (uint32_t c = 0; c < layer->outputs; c++, row += padded / 2u) {
    if (g[c] != 0) add_term(&sum, g[c], (int32_t)layer->step->weight_max, row);
  }
  if (trained) {
    lora_t lora = find_lora(backward, layer);
    add_lora(backward, layer, &lora, &work, g, &sum, random);
  }
  flush(&sum);
  if (!sum.added) __builtin_memset(work.sums, 0, padded * sizeof(int32_t));
  rt_emit_t emit = {work.sums, 1, layer->inputs, layer->inputs, pixel * layer->inputs, 1};
  rt_backward_store(backward, layer, &emit, random);
}

static void begin_propagation(rt_backward_t *backward, const rt_backward_layer_t *layer) {
  rt_backward_prepare(backward, layer);
  if (layer->step->site == RT_NONE) return;
  lora_t lora = find_lora(backward, layer);
  propagate_work_t work = propagate_work(backward, layer, lora.rank);
  /* B' G within 15 bits: what rt_fixed_scale_stochastic takes. */
  backward->shift = positive(backward->back_bits - FACTOR_BITS);
  pack_rows(backward, layer, &lora, work.rows);
}

/* A row of pixels. */
static rt_status_t propagate_unit(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                  uint32_t *random, uint32_t *cycles) {
  if (backward->next == 0) begin_propagation(backward, layer);
  /* In place: a pixel that grows must not be written over pixels that are still to be read. */
  uint32_t down = !backward->pooled && layer->inputs > layer->outputs;
  for (uint32_t p = 0; p < layer->columns; p++, backward->next++) {
    uint32_t pixel = down ? layer->pixels - 1u - backward->next : backward->next;
    propagate_pixel(backward, layer, pixel, random);
  }
  *cycles += layer->columns * (layer->inputs * layer->outputs * CYCLES_PROPAGATE_MAC +
                               (layer->inputs + layer->outputs) * CYCLES_VALUE);
  return backward->next < layer->pixels ? RT_BUSY : RT_OK;
}

rt_status_t rt_backward_dense(rt_backward_t *backward, const rt_backward_layer_t *layer,
                              uint32_t *random, uint32_t *cycles) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  if (layer->step->site != RT_NONE && backward->pass < PASS_PROPAGATE) {
    gradient_unit(backward, layer, random, cycles);
    uint32_t last = backward->pass == PASS_PROPAGATE && backward->step + 1 == plan->step_count;
    return last ? RT_OK : RT_BUSY;
  }
  return propagate_unit(backward, layer, random, cycles);
}
