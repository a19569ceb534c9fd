#include "depthwise_rv32.h"

#if defined(__riscv)

#include "quick.h"
#include "settle.h"

/* Inlined with loops unrolled, so that every array below becomes registers. */
#define CONSTANT static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* One channel's nine weights by columns, and its bias. Where a row of the window lies in the
 * padding its weights are 0 and their share is in the bias. */
typedef struct {
  int32_t left[3], middle[3], right[3];
  uint32_t bias;
} filter_t;

/* What all channels of a row share. */
typedef struct {
  const rt_layer_t *layer;
  const int8_t *x;  /* where the window's first row begins; rows in the padding are read as their
                     * neighbours */
  int32_t pitch[2]; /* bytes from its first row to its second and from there to its third */
  int32_t channels;
  int32_t bytes;      /* from a channel's first output to its last */
  int32_t zero_point; /* of the input */
  int is_first_inside;
  int is_last_inside;
  rt_quick_t quick;
} row_t;

/* Sums of the output that a column completes, of the one below the column and of the next. */
typedef struct {
  uint32_t before, here, next;
} sums_t;

CONSTANT void load(const row_t *r, int32_t channel, filter_t *f) {
  const int8_t *w = r->layer->weights + channel;
  const int32_t channels = r->channels;
  f->bias = (uint32_t)r->layer->bias[channel];
  UNROLL for (uint32_t i = 0; i < 3; i++, w += channels) {
    f->left[i] = *w;
    w += channels;
    f->middle[i] = *w;
    w += channels;
    f->right[i] = *w;
  }
}

CONSTANT void fold_row(const row_t *r, uint32_t i, filter_t *f) {
  f->bias += (uint32_t)(r->zero_point * (f->left[i] + f->middle[i] + f->right[i]));
  f->left[i] = f->middle[i] = f->right[i] = 0;
}

/* Multiplies the column at x; returns the next one. */
CONSTANT const int8_t *column(const int32_t *pitch, int32_t channels, const filter_t *f,
                              const int8_t *x, sums_t *sums) {
  const int8_t *next = x + channels;
  sums->next = f->bias;
  UNROLL for (uint32_t i = 0; i < 3; i++) {
    const int32_t v = *x;
    sums->before += (uint32_t)(v * f->right[i]);
    sums->here += (uint32_t)(v * f->middle[i]);
    sums->next += (uint32_t)(v * f->left[i]);
    if (i < 2) x += pitch[i];
  }
  return next;
}

/* rt_quick_output with a channel's table in registers. */
CONSTANT int8_t output(const row_t *r, int32_t channel, const int32_t *quick, uint32_t bound,
                       int32_t low, uint32_t sum) {
  const uint32_t d = sum - (uint32_t)quick[0];
  if ((int32_t)sum < quick[0]) return (int8_t)low;
  if (d > (uint32_t)quick[1]) return (int8_t)r->quick.high;
  const uint32_t p = d * (uint32_t)quick[2] + (uint32_t)quick[3];
  if (p << 8 < bound) return (int8_t)((int32_t)p >> 24);
  return rt_output((int32_t)sum, r->layer->multiplier[channel], r->layer->shift[channel],
                   r->quick.zero_point, low, r->quick.high);
}

RT_NOINLINE static void channel_rows(const row_t *r, int8_t *first) {
  const int32_t channels = r->channels;
  const int32_t zero_point = r->zero_point;
  const int32_t pitch[2] = {r->pitch[0], r->pitch[1]};
  const int32_t low = r->quick.low;
  const uint32_t bound = r->quick.bound;
  const int32_t *table = r->layer->quick + RT_QUICK_HEADER;
  for (int32_t c = 0; c < channels; c++, table += RT_QUICK_CHANNEL) {
    const int32_t quick[RT_QUICK_CHANNEL] = {table[0], table[1], table[2], table[3]};
    filter_t f;
    load(r, c, &f);
    if (!r->is_first_inside) fold_row(r, 0, &f);
    if (!r->is_last_inside) fold_row(r, 2, &f);
    const int32_t left = zero_point * (f.left[0] + f.left[1] + f.left[2]);
    const int32_t right = zero_point * (f.right[0] + f.right[1] + f.right[2]);
    sums_t sums = {0, f.bias + (uint32_t)left, 0};
    const int8_t *x = column(pitch, channels, &f, r->x + c, &sums);
    int8_t *y = first + c;
    for (int8_t *end = y + r->bytes; y != end; y += channels) {
      sums.before = sums.here;
      sums.here = sums.next;
      x = column(pitch, channels, &f, x, &sums);
      *y = output(r, c, quick, bound, low, sums.before);
    }
    *y = output(r, c, quick, bound, low, sums.here + (uint32_t)right);
  }
}

static int fits(const rt_kernel_t *k, int32_t top) {
  const rt_layer_t *l = k->layer;
  if (!l->quick || l->kernel_height != 3 || l->kernel_width != 3) return 0;
  if (l->stride_width != 1 || l->pad_left != 1 || k->output->width != k->input->width) return 0;
  return top >= -1 && top + 1 < k->input->height;
}

int rt_depthwise_row_3x3(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  const int32_t top = row * l->stride_height - l->pad_top;
  if (!fits(k, top)) return 0;
  const int32_t channels = k->input->channels;
  const int32_t pitch = k->input->width * channels;
  const int is_first_inside = top >= 0;
  const int is_last_inside = top + 2 < k->input->height;
  const row_t r = {
      .layer = l,
      .x = k->x + (is_first_inside ? top * pitch : 0),
      .pitch = {is_first_inside ? pitch : 0, is_last_inside ? pitch : 0},
      .channels = channels,
      .bytes = pitch - channels,
      .zero_point = k->input->zero_point,
      .is_first_inside = is_first_inside,
      .is_last_inside = is_last_inside,
      .quick = {l->activation_min, l->activation_max, (uint32_t)l->quick[0], k->output->zero_point,
                0, 0, 0},
  };
  channel_rows(&r, k->y + row * k->output->width * channels);
  return 1;
}

#endif
