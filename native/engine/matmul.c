#include "matmul.h"

#include "dot.h"

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
  int packed; /* all rows of weights are 4-aligned */
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

void rt_matmul_pixel(const rt_kernel_t *k, uint32_t pixel, int32_t length, rt_patch_t patch,
                     const void *context, const int8_t *x) {
  const uintptr_t alignment = (uintptr_t)k->layer->weights | (uintptr_t)length;
  const product_t p = {k->layer, length, patch, context, (alignment & 3u) == 0};
  const int32_t channels = k->output->channels;
  int8_t *y = k->y + pixel * (uint32_t)channels;
  chunk_t chunk;
  if (k->hooks) {
    int32_t *acc = k->hooks->accumulators;
    accumulate(&p, 0, channels, &chunk, acc);
    k->hooks->pixel(k->hooks->context, k->index, pixel, x, acc);
    rt_requantise_pixel(k->layer, k->output, 0, channels, acc, y);
    return;
  }
  for (int32_t first = 0; first < channels; first += RT_MATMUL_GROUP) {
    int32_t acc[RT_MATMUL_GROUP];
    const int32_t left = channels - first;
    const int32_t count = left < RT_MATMUL_GROUP ? left : RT_MATMUL_GROUP;
    accumulate(&p, first, count, &chunk, acc);
    rt_requantise_pixel(k->layer, k->output, first, count, acc, y + first);
  }
}
