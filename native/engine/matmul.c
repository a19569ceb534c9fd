#include "matmul.h"

#include "requantise.h"

/*
 * Four products from one 32-bit load of weights. Let v be the weight word with its three lower
 * bytes offset by 128 (one exclusive or), so that v = v0 + 2^8 v1 + 2^16 v2 + 2^24 w3,  vi = wi +
 * 128 >= 0,  w3 signed, and v >> 8 = v1 + 2^8 v2 + 2^16 w3 exactly, and so on. Multiplying the
 * unmasked words with a0 = x0, a1 = x1 - 2^8 x0, a2 = x2 - 2^8 x1, a3 = x3 - 2^8 x2 leaves v0 x0 +
 * v1 x1 + v2 x2 + w3 x3: each word's upper part cancels against the next term modulo 2^32. The
 * offsets add 128 (x0 + x1 + x2), the same for every channel, taken off once.
 */
#define OFFSETS 0x00808080u

typedef struct {
  uint32_t a[RT_MATMUL_CHUNK];
  uint32_t correction; /* to be subtracted from every dot product */
} expanded_t;

static void expand_packed(const int8_t *x, int32_t count, expanded_t *e) {
  uint32_t sum = 0;
  uint32_t *a = e->a;
  for (const int8_t *end = x + count; x < end; x += 4, a += 4) {
    const uint32_t x0 = (uint32_t)x[0];
    const uint32_t x1 = (uint32_t)x[1];
    const uint32_t x2 = (uint32_t)x[2];
    a[0] = x0;
    a[1] = x1 - (x0 << 8);
    a[2] = x2 - (x1 << 8);
    a[3] = (uint32_t)x[3] - (x2 << 8);
    sum += x0 + x1 + x2;
  }
  e->correction = sum << 7;
}

static void expand_plain(const int8_t *x, int32_t count, expanded_t *e) {
  for (int32_t i = 0; i < count; i++) e->a[i] = (uint32_t)x[i];
  e->correction = 0;
}

static inline uint32_t load_word(const int8_t *p) {
  uint32_t word;
  __builtin_memcpy(&word, __builtin_assume_aligned(p, 4), 4);
  return word;
}

static inline uint32_t dot_quad(uint32_t weights, const uint32_t *a) {
  const uint32_t v = weights ^ OFFSETS;
  const int32_t s = (int32_t)v;
  return v * a[0] + (uint32_t)(s >> 8) * a[1] + (uint32_t)(s >> 16) * a[2] +
         (uint32_t)(s >> 24) * a[3];
}

/* acc[c] += weights[c] . a for count channels; weights 4-aligned, length a multiple of 4. */
static void dot_packed(const int8_t *weights, int32_t stride, const expanded_t *e, int32_t length,
                       int32_t count, int32_t *acc) {
  for (int32_t c = 0; c < count; c++, weights += stride) {
    const int8_t *w = weights;
    const uint32_t *a = e->a;
    uint32_t sum = (uint32_t)acc[c] - e->correction;
    for (const int8_t *end = w + length; w < end; w += 4, a += 4) sum += dot_quad(load_word(w), a);
    acc[c] = (int32_t)sum;
  }
}

static void dot_plain(const int8_t *weights, int32_t stride, const expanded_t *e, int32_t length,
                      int32_t count, int32_t *acc) {
  for (int32_t c = 0; c < count; c++, weights += stride) {
    uint32_t sum = (uint32_t)acc[c];
    for (int32_t i = 0; i < length; i++) sum += (uint32_t)weights[i] * e->a[i];
    acc[c] = (int32_t)sum;
  }
}

typedef struct {
  const rt_layer_t *layer;
  int32_t length;
  rt_patch_t patch;
  const void *context;
  int packed;
} product_t;

static void expand(const product_t *p, int32_t from, int32_t count, expanded_t *e) {
  int8_t scratch[RT_MATMUL_CHUNK];
  const int8_t *x = p->patch(p->context, from, count, scratch);
  if (p->packed) {
    expand_packed(x, count, e);
  } else {
    expand_plain(x, count, e);
  }
}

static void dot(const product_t *p, int32_t from, int32_t length, int32_t first, int32_t count,
                const expanded_t *e, int32_t *acc) {
  const int8_t *weights = p->layer->weights + first * p->length + from;
  if (p->packed) {
    dot_packed(weights, p->length, e, length, count, acc);
  } else {
    dot_plain(weights, p->length, e, length, count, acc);
  }
}

/* Accumulators of channels [first, first + count). A patch of one chunk is expanded by the first
 * group and found again in e by the next ones. */
static void accumulate(const product_t *p, int32_t first, int32_t count, expanded_t *e,
                       int32_t *acc) {
  for (int32_t c = 0; c < count; c++) acc[c] = p->layer->bias[first + c];
  for (int32_t from = 0; from < p->length; from += RT_MATMUL_CHUNK) {
    const int32_t left = p->length - from;
    const int32_t length = left < RT_MATMUL_CHUNK ? left : RT_MATMUL_CHUNK;
    if (first == 0 || p->length > RT_MATMUL_CHUNK) expand(p, from, length, e);
    dot(p, from, length, first, count, e, acc);
  }
}

void rt_requantise_pixel(const rt_layer_t *layer, const rt_tensor_t *output, int32_t first,
                         int32_t count, const int32_t *acc, int8_t *y) {
  const int32_t *multiplier = layer->multiplier + first;
  const int32_t *shift = layer->shift + first;
  const int32_t zero_point = output->zero_point;
  const int32_t low = layer->activation_min;
  const int32_t high = layer->activation_max;
  for (int32_t c = 0; c < count; c++) {
    y[c] = rt_output(acc[c], multiplier[c], shift[c], zero_point, low, high);
  }
}

void rt_matmul_pixel(const rt_kernel_t *k, uint32_t pixel, int32_t length, rt_patch_t patch,
                     const void *context, const int8_t *x) {
  const uintptr_t alignment = (uintptr_t)k->layer->weights | (uintptr_t)length;
  const product_t p = {k->layer, length, patch, context, (alignment & 3u) == 0};
  const int32_t channels = k->output->channels;
  int8_t *y = k->y + pixel * (uint32_t)channels;
  expanded_t e;
  if (k->hooks) {
    int32_t *acc = k->hooks->accumulators;
    accumulate(&p, 0, channels, &e, acc);
    k->hooks->pixel(k->hooks->context, k->index, pixel, x, acc);
    rt_requantise_pixel(k->layer, k->output, 0, channels, acc, y);
    return;
  }
  for (int32_t first = 0; first < channels; first += RT_MATMUL_GROUP) {
    int32_t acc[RT_MATMUL_GROUP];
    const int32_t left = channels - first;
    const int32_t count = left < RT_MATMUL_GROUP ? left : RT_MATMUL_GROUP;
    accumulate(&p, first, count, &e, acc);
    rt_requantise_pixel(k->layer, k->output, first, count, acc, y + first);
  }
}
