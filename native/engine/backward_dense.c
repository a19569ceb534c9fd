/*
 * Backward through FULLY_CONNECTED and pointwise CONV_2D, and the gradients of a LoRA site there.
 * A dense layer is a pointwise convolution with one pixel.
 *
 * Two passes over the pixels, a chunk at a time. The first sums the gradient of B: h = A x of the
 * chunk's pixels by the pair dot of inference, then for each channel the sum of G h. The second
 * does the same for A with B' G and x, and then propagates the chunk's pixels, for which it has
 * B' G at hand. A and B change when all is done (train_groups.h): everything goes through the
 * weights as they were.
 */
#include "backward_axpy.h"
#include "backward_columns.h"
#include "backward_parts.h"
#include "hot.h"
#include "pair_dot.h"
#include "train_groups.h"

#define CHUNK 64u /* pixels; a power of 2 */

/* A sum over all pixels of signal or activation times factor stays below 2^29. */
#define SUM_BITS 29
#define SIGNAL_BITS 7
#define ACTIVATION_BITS 8
#define FACTOR_BITS 15

/* What LoRA sends back through a row of A, at most: with |A| <= 127 it fits a call of rt_axpy. */
#define BACK_LIMIT 255
#define WEIGHT_LIMIT 128 /* |A| */

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_GRADIENT_Q2 18u /* quarters; a channel and rank of a pixel, of input and output */
#define CYCLES_PARAMETER 120u  /* handed over */
#define CYCLES_GATHERED 10u    /* a channel of a pixel whose signal comes from the pool */
#define CYCLES_TERM_Q2 12u     /* quarters; a channel of the input, a signal that is not 0 */
#define CYCLES_VALUE 41u       /* a channel of the input */
#define CYCLES_SIGNAL 6u       /* a channel of the output */

enum { PASS_B, PASS_A };

/* A LoRA site's parameters. */
typedef struct {
  uint32_t group; /* of A; B follows */
  uint32_t rank;
  const int8_t *a; /* [rank][inputs] */
  const int8_t *b; /* [outputs][rank] */
} lora_t;

/* What lies in plan->work; without a site only what the propagation needs. */
typedef struct {
  int8_t *pixel; /* a pixel put together */
  int32_t *sums; /* of the input's channels */
  rt_axpy_term_t *terms;
  uint32_t *packed;         /* A, then B transposed, as rt_pair_dot takes them */
  uint32_t *rows;           /* A as rt_axpy takes it */
  int32_t *sums_b, *sums_a; /* as the gradients lie */
  int32_t *factors;         /* [ranks / 4][CHUNK][4] */
} work_t;

static inline uint32_t round_up(uint32_t x, uint32_t to) { return (x + to - 1u) & ~(to - 1u); }

static inline uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static inline uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

uint32_t rt_backward_dense_bytes(uint32_t inputs, uint32_t outputs, uint32_t rank) {
  uint32_t widest = larger(inputs, outputs);
  uint32_t padded = round_up(inputs, RT_AXPY_BLOCK);
  uint32_t bytes =
      round_up(widest, 4) + 4u * padded + (uint32_t)sizeof(rt_axpy_term_t) * (outputs + rank);
  if (rank == 0) return bytes;
  return bytes + 4u * rt_pair_words(rank, widest) + 2u * padded * rank +
         4u * (inputs + outputs) * rank + 4u * CHUNK * round_up(rank, 4);
}

static inline work_t work_of(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                             uint32_t rank) {
  uint32_t widest = larger(layer->inputs, layer->outputs);
  uint32_t padded = round_up(layer->inputs, RT_AXPY_BLOCK);
  work_t work;
  work.pixel = rt_backward_work(backward);
  work.sums = (int32_t *)(void *)(work.pixel + round_up(widest, 4));
  work.terms = (rt_axpy_term_t *)(void *)(work.sums + padded);
  work.packed = (uint32_t *)(void *)(work.terms + layer->outputs + rank);
  work.rows = work.packed + (rank == 0 ? 0 : rt_pair_words(rank, widest));
  work.sums_b = (int32_t *)(void *)(work.rows + padded / 2u * rank);
  work.sums_a = work.sums_b + layer->outputs * rank;
  work.factors = work.sums_a + layer->inputs * rank;
  return work;
}

static lora_t find_lora(const rt_backward_t *backward, const rt_backward_layer_t *layer) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  lora_t lora;
  lora.group = RT_GROUP_LORA + 2u * layer->step->site;
  lora.rank = plan->rank;
  lora.a = rt_adapter_q(backward->adapter, lora.group);
  lora.b = rt_adapter_q(backward->adapter, lora.group + 1u);
  return lora;
}

/* ---- the order of the pixels ---- */

/* In place: a pixel that grows must not be written over pixels that are still to be read. */
static inline uint32_t goes_down(const rt_backward_t *backward, const rt_backward_layer_t *layer) {
  return !backward->pooled && layer->inputs > layer->outputs;
}

/* The chunk in which pixel number `next` of the order lies. */
typedef struct {
  uint32_t end;   /* in the order */
  uint32_t first; /* lowest pixel */
  uint32_t count;
} chunk_t;

static chunk_t chunk_of(const rt_backward_t *backward, const rt_backward_layer_t *layer) {
  uint32_t start = backward->next & ~(CHUNK - 1u);
  chunk_t chunk;
  chunk.count = smaller(CHUNK, layer->pixels - start);
  chunk.end = start + chunk.count;
  chunk.first = goes_down(backward, layer) ? layer->pixels - chunk.end : start;
  return chunk;
}

/* ---- matrices of the adapter ---- */

/* As they are multiplied with pixels: element (k, i) is at k down + i along. */
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

static inline uint32_t pair(int32_t lower, int32_t upper) {
  return (uint32_t)lower + ((uint32_t)upper << 16);
}

/* Element i of a row, 0 behind its end. */
static inline int32_t element(const matrix_t *m, const int8_t *row, uint32_t i) {
  return i < m->columns ? row[i * m->along] : 0;
}

/* Words of columns i to i + 3 of row k for rt_pair_dot: at out[0] and out[4]. */
static inline void pack_quad(const matrix_t *m, uint32_t k, uint32_t i, uint32_t *out) {
  const int8_t *row = m->q + k * m->down;
  if (k >= m->rank) {
    out[0] = out[4] = 0;
    return;
  }
  out[0] = pair(element(m, row, i + 2u), element(m, row, i));
  out[4] = pair(element(m, row, i + 3u), element(m, row, i + 1u));
}

/* Packs a matrix for rt_pair_dot; see pair_dot.h. At most RT_PAIR_ROWS rows. The products with
 * `zero` are taken off by the bias. Returns the bits of the largest sum of magnitudes of a row. */
RT_HOT static int32_t pack(const matrix_t *m, int32_t zero, uint32_t *out) {
  uint32_t ranks = round_up(m->rank, 4), largest = 0;
  for (uint32_t k = 0; k < ranks; k++) {
    const int8_t *q = m->q + k * m->down;
    int32_t sum = 0;
    uint32_t magnitude = 0;
    for (uint32_t i = 0; k < m->rank && i < m->columns; i++, q += m->along) {
      sum += *q;
      magnitude += (uint32_t)rt_fixed_abs(*q);
    }
    *out++ = (uint32_t)(-zero * sum);
    if (magnitude > largest) largest = magnitude;
  }
  for (uint32_t from = 0; from < m->columns; from += RT_PAIR_COLUMNS) {
    uint32_t end = smaller(from + RT_PAIR_COLUMNS, m->columns);
    for (uint32_t first = 0; first < ranks; first += 4) {
      for (uint32_t i = from; i < end; i += 4, out += 8) {
        for (uint32_t k = 0; k < 4; k++) pack_quad(m, first + k, i, out + k);
      }
    }
  }
  return rt_fixed_bits(largest);
}

/* A as rows of rt_axpy. */
static void pack_rows(const rt_backward_layer_t *layer, const lora_t *lora, uint32_t *out) {
  matrix_t m = matrix_a(layer, lora);
  for (uint32_t k = 0; k < lora->rank; k++) {
    const int8_t *row = lora->a + k * layer->inputs;
    for (uint32_t i = 0; i < round_up(layer->inputs, RT_AXPY_BLOCK); i += 2) {
      *out++ = pair(element(&m, row, i), element(&m, row, i + 1u));
    }
  }
}

/* out [ranks] = packed matrix times x. */
static inline void product(const uint32_t *packed, const int8_t *x, uint32_t columns,
                           uint32_t ranks, int32_t *out) {
  const int32_t *start = (const int32_t *)(const void *)packed;
  packed += ranks;
  for (; columns > 0; x += RT_PAIR_COLUMNS) {
    uint32_t part = smaller(columns, RT_PAIR_COLUMNS), quads = (part + 3u) >> 2;
    rt_pair_dot(packed, x, quads, start, out, ranks >> 2);
    packed += 2u * quads * ranks;
    start = out;
    columns -= part;
  }
}

/* ---- gradients of B and A ---- */

static int32_t positive(int32_t x) { return x > 0 ? x : 0; }

/* Right shift that brings factors of so many bits to what sums of values over all pixels take. */
static int32_t factor_shift(const rt_backward_layer_t *layer, int32_t bits, int32_t value_bits) {
  int32_t room = SUM_BITS - value_bits - rt_fixed_bits(layer->pixels);
  return positive(bits - (room < FACTOR_BITS ? room : FACTOR_BITS));
}

static inline const int8_t *input_pixel(const rt_backward_layer_t *layer, uint32_t pixel,
                                        int8_t *scratch) {
  const int8_t *x = layer->x + pixel * layer->inputs;
  if (layer->inputs % 4u == 0) return x;
  for (uint32_t i = 0; i < layer->inputs; i++) scratch[i] = x[i];
  return scratch;
}

/* The factors of a chunk: h, or B' G; rounded, since rounding down would add up over the pixels. */
RT_HOT static void find_factors(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                                uint32_t rank, const work_t *work, const chunk_t *chunk) {
  uint32_t hidden = backward->pass == PASS_B, ranks = round_up(rank, 4);
  uint32_t columns = hidden ? layer->inputs : layer->outputs;
  int32_t shift = backward->shift, half = shift == 0 ? 0 : 1 << (shift - 1);
  for (uint32_t p = 0; p < chunk->count; p++) {
    int32_t out[RT_ADAPTER_RANK_MAX];
    uint32_t pixel = chunk->first + p;
    const int8_t *x = hidden ? input_pixel(layer, pixel, work->pixel)
                             : rt_backward_pixel(backward, layer, pixel, work->pixel);
    product(work->packed, x, columns, ranks, out);
    int32_t *to = work->factors + 4u * p;
    for (uint32_t k = 0; k < ranks; k += 4, to += 4u * CHUNK) {
      for (uint32_t r = 0; r < 4; r++) to[r] = (out[k + r] + half) >> shift;
    }
  }
}

/* Adds values * factors, summed over the chunk's pixels, for every channel. The sums of B are
 * [channels][rank], of A [rank][channels], as in the parameter groups. */
RT_HOT static void add_columns(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                               uint32_t rank, const work_t *work, const chunk_t *chunk) {
  uint32_t hidden = backward->pass == PASS_B;
  uint32_t channels = hidden ? layer->outputs : layer->inputs;
  uint32_t gathered = hidden && backward->pooled;
  uint32_t down = hidden ? 1 : channels;
  int32_t zero = hidden ? 0 : layer->zero;
  const int8_t *values = hidden ? rt_backward_signal(backward) : layer->x;
  int8_t column[CHUNK];
  values += chunk->first * channels;
  for (uint32_t c = 0; c < channels; c++, values++) {
    if (gathered) rt_backward_column(backward, layer, chunk->first, chunk->count, c, column);
    for (uint32_t k = 0; k < rank; k += 4) {
      int32_t sums[4];
      rt_columns(gathered ? column : values, gathered ? 1 : channels, work->factors + k * CHUNK,
                 chunk->count, zero, sums);
      int32_t *to = hidden ? work->sums_b + c * rank + k : work->sums_a + k * channels + c;
      for (uint32_t r = 0; r < 4 && k + r < rank; r++, to += down) {
        *to = (int32_t)((uint32_t)*to + (uint32_t)sums[r]);
      }
    }
  }
}

static uint32_t is_last(const rt_backward_t *backward) {
  return backward->step + 1u == backward->adapter->plan->step_count;
}

static void begin_gradient_b(rt_backward_t *backward, const rt_backward_layer_t *layer,
                             const lora_t *lora, const work_t *work) {
  matrix_t a = matrix_a(layer, lora);
  int32_t bits = pack(&a, layer->zero, work->packed) + ACTIVATION_BITS;
  backward->shift = backward->shift_b = factor_shift(layer, bits, SIGNAL_BITS);
  __builtin_memset(work->sums_b, 0, layer->outputs * lora->rank * sizeof(int32_t));
}

/* Also prepares what LoRA sends back: (s_x / s_y) B' G in units of the layer's sums. */
static void begin_gradient_a(rt_backward_t *backward, const rt_backward_layer_t *layer,
                             const lora_t *lora, const work_t *work) {
  const rt_adapter_t *adapter = backward->adapter;
  const int8_t *exponents = adapter->exponents + lora->group;
  matrix_t b = matrix_b(layer, lora);
  int32_t bits = pack(&b, 0, work->packed) + SIGNAL_BITS;
  backward->shift = factor_shift(layer, bits, ACTIVATION_BITS);
  __builtin_memset(work->sums_a, 0, layer->inputs * lora->rank * sizeof(int32_t));
  if (is_last(backward)) return;
  int32_t exponent = layer->step->exponent - exponents[0] - exponents[1] + backward->shift;
  backward->back =
      rt_real_to_scale(rt_real_shift(adapter->plan->sites[layer->step->site].ratio, exponent));
  pack_rows(layer, lora, work->rows);
}

/* Hands the sums over to the parameter groups. */
static void add_gradients(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                          const lora_t *lora, const work_t *work, uint32_t *random) {
  const int8_t *exponents = backward->adapter->exponents + lora->group;
  int32_t exponent_a = backward->exponent + exponents[1] - backward->shift;
  int32_t exponent_b = backward->exponent + exponents[0] - backward->shift_b;
  rt_groups_add(backward->adapter, lora->group, 0, 1, work->sums_a, lora->rank * layer->inputs,
                exponent_a, random);
  rt_groups_add(backward->adapter, lora->group + 1u, 0, 1, work->sums_b,
                lora->rank * layer->outputs, exponent_b, random);
}

/* What it costs to put a chunk's signals together. */
static uint32_t gather_cycles(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                              uint32_t pixels) {
  return backward->pooled ? pixels * layer->outputs * CYCLES_GATHERED : 0;
}

/* A chunk of the gradient of B or A. */
static void gradient_unit(rt_backward_t *backward, const rt_backward_layer_t *layer,
                          uint32_t *cycles) {
  lora_t lora = find_lora(backward, layer);
  work_t work = work_of(backward, layer, lora.rank);
  chunk_t chunk = chunk_of(backward, layer);
  if (backward->next == 0 && backward->pass == PASS_B) {
    begin_gradient_b(backward, layer, &lora, &work);
  } else if (backward->next == 0) {
    begin_gradient_a(backward, layer, &lora, &work);
  }
  find_factors(backward, layer, lora.rank, &work, &chunk);
  add_columns(backward, layer, lora.rank, &work, &chunk);
  uint32_t values = (layer->inputs + layer->outputs) * round_up(lora.rank, 4);
  *cycles += chunk.count * ((values * CYCLES_GRADIENT_Q2) >> 2) +
             gather_cycles(backward, layer, chunk.count);
  backward->ready = chunk.end;
  if (backward->pass == PASS_A && !is_last(backward)) return; /* propagated first */
  backward->next = chunk.end;
}

/* ---- the gradient of the layer's input ---- */

/* Terms of a sum by rt_axpy, which is called whenever the next one could take it past 16 bits. */
typedef struct {
  rt_axpy_term_t *terms;
  int32_t *sums;
  uint32_t count, blocks, added;
  uint32_t listed; /* terms of all calls */
  int32_t room;
} sum_t;

static inline void flush(sum_t *sum) {
  if (sum->count != 0) {
    rt_axpy(sum->terms, sum->count, sum->blocks, sum->sums, sum->added, 0);
    sum->added = 1;
  }
  sum->listed += sum->count;
  sum->count = 0;
  sum->room = RT_AXPY_LIMIT;
}

static inline void add_term(sum_t *sum, int32_t factor, int32_t weight_max, const uint32_t *row) {
  int32_t takes = rt_fixed_abs(factor) * weight_max;
  if (takes > sum->room) flush(sum);
  sum->room -= takes;
  if (factor != 0) sum->terms[sum->count++] = (rt_axpy_term_t){factor, rt_axpy_row(row)};
}

/* Terms of a pixel: its channels that are not 0 times their rows of weights. g 4-aligned. */
static inline void add_pixel(sum_t *sum, const int8_t *g, uint32_t channels, int32_t weight_max,
                             int32_t limit, const uint32_t *row, uint32_t words) {
  rt_axpy_list_t list = {g, g + (channels & ~3u), row, 4u * words, sum->terms, limit};
  for (rt_axpy_list(&list); list.g != list.end; rt_axpy_list(&list)) {
    sum->count = (uint32_t)(list.term - sum->terms);
    flush(sum);
    list.term = sum->terms;
    list.room = limit; /* enough for four of any size: weight_max is 63 at most */
  }
  sum->count = (uint32_t)(list.term - sum->terms);
  sum->room = list.room * weight_max;
  for (const int8_t *end = g + channels; list.g != end; list.g++, list.row += words) {
    add_term(sum, *list.g, weight_max, list.row);
  }
}

/* Terms of what LoRA sends back: B' G times the rows of A. */
static inline void add_lora(sum_t *sum, const int32_t *factors, uint32_t rank, rt_scale_t scale,
                            const uint32_t *row, uint32_t words, uint32_t *random) {
  for (uint32_t k = 0; k < rank; k++, row += words) {
    int32_t factor = factors[(k & ~3u) * CHUNK + (k & 3u)];
    factor = rt_fixed_scale_stochastic(factor, scale, rt_fixed_random(random), BACK_LIMIT);
    add_term(sum, factor, WEIGHT_LIMIT, row);
  }
}

/* A row of pixels, or what is left of the chunk. */
RT_HOT static void propagate_unit(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                  uint32_t *random, uint32_t *cycles) {
  uint32_t rank = layer->step->site == RT_NONE ? 0 : backward->adapter->plan->rank;
  const work_t work = work_of(backward, layer, rank);
  const chunk_t chunk = chunk_of(backward, layer);
  const rt_emit_gate_t gate = rt_backward_gate(backward, layer);
  int8_t *signal = rt_backward_signal(backward);
  uint32_t padded = round_up(layer->inputs, RT_AXPY_BLOCK);
  uint32_t down = goes_down(backward, layer);
  uint32_t count = smaller(layer->columns, chunk.end - backward->next), listed = 0;
  int32_t weight_max = (int32_t)layer->step->weight_max;
  int32_t limit = (int32_t)rt_fixed_divide(RT_AXPY_LIMIT, layer->step->weight_max);
  for (uint32_t p = 0; p < count; p++, backward->next++) {
    uint32_t pixel = down ? layer->pixels - 1u - backward->next : backward->next;
    const int8_t *g = rt_backward_pixel(backward, layer, pixel, work.pixel);
    sum_t sum = {work.terms, work.sums, 0, padded / RT_AXPY_BLOCK, 0, 0, RT_AXPY_LIMIT};
    add_pixel(&sum, g, layer->outputs, weight_max, limit, layer->step->weights, padded / 2u);
    add_lora(&sum, work.factors + 4u * (pixel - chunk.first), rank, backward->back, work.rows,
             padded / 2u, random);
    flush(&sum);
    listed += sum.listed;
    for (uint32_t i = 0; !sum.added && i < padded; i++) work.sums[i] = 0;
    uint32_t first = pixel * layer->inputs;
    rt_emit_gate(work.sums, layer->inputs, first, &gate);
    backward->magnitude |= rt_emit_round(work.sums, layer->inputs, signal + first, 1,
                                         (uint32_t)backward->narrow, random);
  }
  *cycles += ((listed * padded * CYCLES_TERM_Q2) >> 2) +
             count * (layer->inputs * CYCLES_VALUE + layer->outputs * CYCLES_SIGNAL) +
             gather_cycles(backward, layer, count);
}

RT_HOT rt_status_t rt_backward_dense(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                     uint32_t *random, uint32_t *cycles) {
  uint32_t trained = layer->step->site != RT_NONE;
  if (backward->next == 0 && backward->ready == 0) {
    if (!trained) backward->pass = PASS_A;
    if (backward->pass == PASS_A && !is_last(backward)) rt_backward_prepare(backward, layer);
  }
  if (trained && backward->ready <= backward->next) {
    gradient_unit(backward, layer, cycles);
  } else {
    propagate_unit(backward, layer, random, cycles);
  }
  if (backward->next < layer->pixels) return RT_BUSY;
  if (backward->pass == PASS_B) {
    backward->pass = PASS_A;
    backward->next = backward->ready = 0;
    return RT_BUSY;
  }
  if (!trained) return RT_OK;
  lora_t lora = find_lora(backward, layer);
  work_t work = work_of(backward, layer, lora.rank);
  add_gradients(backward, layer, &lora, &work, random);
  *cycles += (layer->inputs + layer->outputs) * lora.rank * CYCLES_PARAMETER;
  return RT_OK;
}
