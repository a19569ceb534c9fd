#include "matmul.h"

#include "dot.h"
#include "hot.h"
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
  chunk->x = p->patch ? p->patch(p->context, from, count, chunk->scratch)
                      : (const int8_t *)p->context + from;
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
static inline const int8_t *fetch_quads(const product_t *p, int32_t from, int32_t count,
                                        int8_t *scratch) {
  const int8_t *x =
      p->patch ? p->patch(p->context, from, count, scratch) : (const int8_t *)p->context + from;
  if ((((uintptr_t)x | (uintptr_t)count) & 3u) == 0) return x;
  if (x != scratch) {
    for (int32_t i = 0; i < count; i++) scratch[i] = x[i];
  }
  for (int32_t i = count; (i & 3) != 0; i++) scratch[i] = 0; /* their weights are 0 as well */
  return scratch;
}

/* Adds the products of all pieces of the patch. in-out: jobs [count], at their first piece; they
 * end behind their last. */
RT_HOT static void packed_sums(const product_t *p, rt_pair_job_t *jobs, uint32_t count) {
  int8_t scratch[RT_PAIR_COLUMNS] __attribute__((aligned(4)));
  for (int32_t from = 0; from < p->length; from += RT_PAIR_COLUMNS) {
    const int32_t left = p->length - from;
    const int32_t length = left < RT_PAIR_COLUMNS ? left : RT_PAIR_COLUMNS;
    const uint32_t quads = ((uint32_t)length + 3u) >> 2;
    rt_pair_run(jobs, count, fetch_quads(p, from, length, scratch), quads);
    for (uint32_t i = 0; i < count; i++) {
      jobs[i].packed += 8u * quads * jobs[i].blocks;
      jobs[i].start = jobs[i].acc;
    }
  }
}

static inline rt_pair_job_t job_of(const uint32_t *packed, int32_t *acc, uint32_t blocks) {
  return (rt_pair_job_t){packed + 4u * blocks, (const int32_t *)packed, acc, blocks};
}

/* One group of channels after the other, at most RT_PAIR_ROWS in each. */
RT_HOT static void packed_pixel(const rt_kernel_t *k, const product_t *p, int8_t *y) {
  int32_t acc[RT_PAIR_ROWS];
  const int32_t channels = k->output->channels;
  rt_pair_job_t job = {p->layer->packed, 0, 0, 0};
  for (int32_t first = 0; first < channels; first += RT_PAIR_ROWS) {
    const int32_t left = channels - first;
    const int32_t count = left < RT_PAIR_ROWS ? left : RT_PAIR_ROWS;
    job = job_of(job.packed, acc, ((uint32_t)count + 3u) >> 2);
    packed_sums(p, &job, 1);
    rt_requantise_pixel(k->layer, k->output, first, count, acc, y + first);
  }
}

#if defined(__ARM_ARCH_6M__)
/* A group of channels for one pixel after the other: on the chip weights lie in flash, and its
 * cache of 16 KB holds those of a group, not always those of a layer. */
RT_HOT void rt_matmul_pixels(const rt_kernel_t *k, uint32_t pixel, uint32_t count, int32_t length,
                             const int8_t *x, int32_t step) {
  int32_t acc[RT_PAIR_ROWS];
  const int32_t channels = k->output->channels;
  const uint32_t *packed = k->layer->packed;
  for (int32_t first = 0; first < channels; first += RT_PAIR_ROWS) {
    const int32_t left = channels - first;
    const int32_t rows = left < RT_PAIR_ROWS ? left : RT_PAIR_ROWS;
    const uint32_t *behind = packed;
    int8_t *y = k->y + pixel * (uint32_t)channels + first;
    for (uint32_t i = 0; i < count; i++, y += channels) {
      const product_t p = {k->layer, length, 0, x + (int32_t)i * step, 0};
      rt_pair_job_t job = job_of(packed, acc, ((uint32_t)rows + 3u) >> 2);
      packed_sums(&p, &job, 1);
      rt_requantise_pixel(k->layer, k->output, first, rows, acc, y);
      behind = job.packed;
    }
    packed = behind;
  }
}
#endif

/* All accumulators into the hook's memory, and the hook's own products beside the first group. */
RT_HOT static void hooked_pixel(const rt_kernel_t *k, const product_t *p, uint32_t pixel,
                                const int8_t *x, int8_t *y) {
  int32_t acc[RT_PAIR_ROWS];
  const int32_t channels = k->output->channels;
  const rt_layer_side_t *side = &k->hooks->side;
  int32_t *all = k->hooks->accumulators;
  rt_pair_job_t jobs[2] = {{p->layer->packed, 0, 0, 0}, {0, 0, 0, 0}};
  for (int32_t first = 0; first < channels; first += RT_PAIR_ROWS) {
    const int32_t left = channels - first;
    const int32_t count = left < RT_PAIR_ROWS ? left : RT_PAIR_ROWS;
    const uint32_t together = first == 0 && side->packed ? 2 : 1;
    const int whole = (count & 3) == 0; /* no row of padding is written behind them */
    jobs[0] = job_of(jobs[0].packed, whole ? all + first : acc, ((uint32_t)count + 3u) >> 2);
    if (together == 2) jobs[1] = job_of(side->packed, side->acc, side->blocks);
    packed_sums(p, jobs, together);
    for (int32_t c = 0; c < count && !whole; c++) all[first + c] = acc[c];
  }
  k->hooks->pixel(k->hooks->context, k->index, pixel, x, all);
  rt_requantise_pixel(k->layer, k->output, 0, channels, all, y);
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

typedef void (*plain_t)(const rt_kernel_t *k, const product_t *p, uint32_t pixel, const int8_t *x,
                        int8_t *y);

RT_HOT void rt_matmul_pixel(const rt_kernel_t *k, uint32_t pixel, int32_t length, rt_patch_t patch,
                            const void *context, const int8_t *x) {
  const uintptr_t alignment = (uintptr_t)k->layer->weights | (uintptr_t)length;
  const product_t p = {k->layer, length, patch, context, !RT_SIMD && (alignment & 3u) == 0};
  int8_t *y = k->y + pixel * (uint32_t)k->output->channels;
  if (k->layer->packed && k->hooks) {
    hooked_pixel(k, &p, pixel, x, y);
  } else if (k->layer->packed) {
    packed_pixel(k, &p, y);
  } else {
    /* In flash, where a call by address reaches it from RAM without a veneer. */
    plain_t plain = plain_pixel;
    RT_SETTLE(plain, y);
    plain(k, &p, pixel, x, y);
  }
}
