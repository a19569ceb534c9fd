#include "matmul.h"

#include "dot.h"
#include "pair_dot.h"
#include "settle.h"
#include "simd.h"

typedef struct {
  uint32_t a[RT_MATMUL_CHUNK];
  uint32_t correction;
  const int8_t *x; /* the chunk as it is, for rows that are not 4-aligned */
  int8_t scratch[RT_MATMUL_CHUNK];
} chunk_t;

typedef struct {
  const rt_layer_t *layer;
  int32_t length;
  rt_patch_t patch;
  const void *context;
  int packed; /* for rt_dot_packed: all rows of weights are 4-aligned */
} product_t;

static void fetch(const product_t *p, int32_t from, int32_t count, chunk_t *chunk) {
  chunk->x = p->patch(p->context, from, count, chunk->scratch);
  if (p->packed) chunk->correction = rt_dot_expand(chunk->x, count, chunk->a);
}

static void dot(const product_t *p, int32_t from, int32_t length, int32_t first, int32_t count,
                const chunk_t *chunk, int32_t *acc) {
  const int8_t *weights = p->layer->weights + first * p->length + from;
  if (p->packed) {
    rt_dot_packed(weights, p->length, chunk->a, length, chunk->correction, count, acc);
  } else {
    rt_dot_plain(weights, p->length, chunk->x, length, count, acc);
  }
}

/* Accumulators of channels [first, first + count). A patch of one chunk is fetched by the first
 * group and found again by the next ones. */
static void accumulate(const product_t *p, int32_t first, int32_t count, chunk_t *chunk,
                       int32_t *acc) {
  for (int32_t c = 0; c < count; c++) acc[c] = p->layer->bias[first + c];
  for (int32_t from = 0; from < p->length; from += RT_MATMUL_CHUNK) {
    const int32_t left = p->length - from;
    const int32_t length = left < RT_MATMUL_CHUNK ? left : RT_MATMUL_CHUNK;
    if (first == 0 || p->length > RT_MATMUL_CHUNK) fetch(p, from, length, chunk);
    dot(p, from, length, first, count, chunk, acc);
  }
}

/* ---- packed weights ---- */

/* Entries [from, from + count) of the patch, 4-aligned and filled up to quads. */
static const int8_t *fetch_quads(const product_t *p, int32_t from, int32_t count, int8_t *scratch) {
  const int8_t *x = p->patch(p->context, from, count, scratch);
  if ((((uintptr_t)x | (uintptr_t)count) & 3u) == 0) return x;
  if (x != scratch) {
    for (int32_t i = 0; i < count; i++) scratch[i] = x[i];
  }
  for (int32_t i = count; (i & 3) != 0; i++) scratch[i] = 0; /* their weights are 0 as well */
  return scratch;
}

/* Accumulators of one group of RT_PAIR_ROWS channels. out: acc [4 * blocks]. Returns the words of
 * the group. */
static uint32_t packed_group(const product_t *p, const uint32_t *packed, uint32_t blocks,
                             int32_t *acc) {
  int8_t scratch[RT_PAIR_COLUMNS] __attribute__((aligned(4)));
  const uint32_t *words = packed + 4u * blocks;
  const int32_t *start = (const int32_t *)packed;
  for (int32_t from = 0; from < p->length; from += RT_PAIR_COLUMNS) {
    const int32_t left = p->length - from;
    const int32_t length = left < RT_PAIR_COLUMNS ? left : RT_PAIR_COLUMNS;
    const uint32_t quads = ((uint32_t)length + 3u) >> 2;
    rt_pair_dot(words, fetch_quads(p, from, length, scratch), quads, start, acc, blocks);
    words += 8u * quads * blocks;
    start = acc;
  }
  return (uint32_t)(words - packed);
}

static void packed_pixel(const rt_kernel_t *k, const product_t *p, uint32_t pixel, const int8_t *x,
                         int8_t *y) {
  int32_t acc[RT_PAIR_ROWS];
  const int32_t channels = k->output->channels;
  const uint32_t *packed = p->layer->packed;
  for (int32_t first = 0; first < channels; first += RT_PAIR_ROWS) {
    const int32_t left = channels - first;
    const int32_t count = left < RT_PAIR_ROWS ? left : RT_PAIR_ROWS;
    packed += packed_group(p, packed, ((uint32_t)count + 3u) >> 2, acc);
    if (k->hooks) {
      for (int32_t c = 0; c < count; c++) k->hooks->accumulators[first + c] = acc[c];
    } else {
      rt_requantise_pixel(k->layer, k->output, first, count, acc, y + first);
    }
  }
  if (k->hooks) {
    k->hooks->pixel(k->hooks->context, k->index, pixel, x, k->hooks->accumulators);
    rt_requantise_pixel(k->layer, k->output, 0, channels, k->hooks->accumulators, y);
  }
}

static RT_NOINLINE void plain_pixel(const rt_kernel_t *k, const product_t *p, uint32_t pixel,
                                    const int8_t *x, int8_t *y) {
  chunk_t chunk;
  const int32_t channels = k->output->channels;
  if (k->hooks) {
    int32_t *acc = k->hooks->accumulators;
    accumulate(p, 0, channels, &chunk, acc);
    k->hooks->pixel(k->hooks->context, k->index, pixel, x, acc);
    rt_requantise_pixel(k->layer, k->output, 0, channels, acc, y);
    return;
  }
  for (int32_t first = 0; first < channels; first += RT_MATMUL_GROUP) {
    int32_t acc[RT_MATMUL_GROUP];
    const int32_t left = channels - first;
    const int32_t count = left < RT_MATMUL_GROUP ? left : RT_MATMUL_GROUP;
    accumulate(p, first, count, &chunk, acc);
    rt_requantise_pixel(k->layer, k->output, first, count, acc, y + first);
  }
}

void rt_matmul_pixel(const rt_kernel_t *k, uint32_t pixel, int32_t length, rt_patch_t patch,
                     const void *context, const int8_t *x) {
  const uintptr_t alignment = (uintptr_t)k->layer->weights | (uintptr_t)length;
  const product_t p = {k->layer, length, patch, context, !RT_SIMD && (alignment & 3u) == 0};
  int8_t *y = k->y + pixel * (uint32_t)k->output->channels;
  if (k->layer->packed) {
    packed_pixel(k, &p, pixel, x, y);
  } else {
    plain_pixel(k, &p, pixel, x, y);
  }
}
