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
  int32_t bytes;      /* of the outputs whose right column lies in the input */
  int32_t zero_point; /* of the input */
  int32_t is_first_inside;
  int32_t is_last_inside;
  int32_t is_left_padded;  /* by one column */
  int32_t is_right_padded; /* the last window, by one column */
  rt_quick_t quick;
} row_t;

/* Sums of the output that a column completes, of the one whose middle it is, and of the one that it
 * begins. */
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

/* What a column in the padding counts. */
CONSTANT uint32_t padding(const row_t *r, const int32_t *weights) {
  return (uint32_t)(r->zero_point * (weights[0] + weights[1] + weights[2]));
}

/* The column at x times one column of weights. */
CONSTANT uint32_t product(const int32_t *pitch, const int8_t *x, const int32_t *weights) {
  uint32_t sum = 0;
  UNROLL for (uint32_t i = 0; i < 3; i++) {
    sum += (uint32_t)(*x * weights[i]);
    if (i < 2) x += pitch[i];
  }
  return sum;
}

/* The column at x times all three. */
CONSTANT void products(const int32_t *pitch, const filter_t *f, const int8_t *x, sums_t *sums) {
  sums->next = f->bias;
  UNROLL for (uint32_t i = 0; i < 3; i++) {
    const int32_t v = *x;
    sums->before += (uint32_t)(v * f->right[i]);
    sums->here += (uint32_t)(v * f->middle[i]);
    sums->next += (uint32_t)(v * f->left[i]);
    if (i < 2) x += pitch[i];
  }
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

CONSTANT void load_channel(const row_t *r, int32_t channel, filter_t *f) {
  load(r, channel, f);
  if (!r->is_first_inside) fold_row(r, 0, f);
  if (!r->is_last_inside) fold_row(r, 2, f);
}

/* All channels of a row, each column read once: windows that move by one column. */
RT_NOINLINE static void by_one(const row_t *r, int8_t *first) {
  const int32_t channels = r->channels;
  const int32_t pitch[2] = {r->pitch[0], r->pitch[1]};
  const int32_t low = r->quick.low;
  const uint32_t bound = r->quick.bound;
  const int32_t *table = r->layer->quick + RT_QUICK_HEADER;
  for (int32_t c = 0; c < channels; c++, table += RT_QUICK_CHANNEL) {
    const int32_t quick[RT_QUICK_CHANNEL] = {table[0], table[1], table[2], table[3]};
    filter_t f;
    load_channel(r, c, &f);
    const int8_t *x = r->x + c;
    sums_t sums = {0, f.bias, 0};
    if (r->is_left_padded) {
      sums.here += padding(r, f.left);
    } else {
      sums.here += product(pitch, x, f.left);
      x += channels;
    }
    products(pitch, &f, x, &sums);
    int8_t *y = first + c;
    for (int8_t *end = y + r->bytes; y != end; y += channels) {
      x += channels;
      sums.before = sums.here;
      sums.here = sums.next;
      products(pitch, &f, x, &sums);
      *y = output(r, c, quick, bound, low, sums.before);
    }
    if (r->is_right_padded) {
      *y = output(r, c, quick, bound, low, sums.here + padding(r, f.right));
    }
  }
}

/* Windows that move by two columns: every other column is the right one of one and the left one of
 * the next. */
RT_NOINLINE static void by_two(const row_t *r, int8_t *first) {
  const int32_t channels = r->channels;
  const int32_t pitch[2] = {r->pitch[0], r->pitch[1]};
  const int32_t low = r->quick.low;
  const uint32_t bound = r->quick.bound;
  const int32_t *table = r->layer->quick + RT_QUICK_HEADER;
  for (int32_t c = 0; c < channels; c++, table += RT_QUICK_CHANNEL) {
    const int32_t quick[RT_QUICK_CHANNEL] = {table[0], table[1], table[2], table[3]};
    filter_t f;
    load_channel(r, c, &f);
    const int8_t *x = r->x + c;
    uint32_t here = f.bias;
    if (r->is_left_padded) {
      here += padding(r, f.left);
    } else {
      here += product(pitch, x, f.left);
      x += channels;
    }
    int8_t *y = first + c;
    for (int8_t *end = y + r->bytes; y != end; y += channels) {
      here += product(pitch, x, f.middle);
      x += channels;
      here += product(pitch, x, f.right);
      const uint32_t next = f.bias + product(pitch, x, f.left);
      x += channels;
      *y = output(r, c, quick, bound, low, here);
      here = next;
    }
    if (r->is_right_padded) {
      here += product(pitch, x, f.middle) + padding(r, f.right);
      *y = output(r, c, quick, bound, low, here);
    }
  }
}

/* The last window's right column lies in the input, or one column behind it. */
static int fits(const rt_kernel_t *k, int32_t top, int32_t last) {
  const rt_layer_t *l = k->layer;
  if (!l->quick || l->kernel_height != 3 || l->kernel_width != 3) return 0;
  if (l->stride_width > 2 || l->pad_left > 1 || last > k->input->width) return 0;
  if (l->pad_left == 0 && k->input->width < 2) return 0;
  return top >= -1 && top + 1 < k->input->height;
}

int rt_depthwise_row_3x3(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  const int32_t top = row * l->stride_height - l->pad_top;
  const int32_t last = (k->output->width - 1) * l->stride_width - l->pad_left + 2;
  if (!fits(k, top, last)) return 0;
  const int32_t channels = k->input->channels;
  const int32_t pitch = k->input->width * channels;
  const int32_t is_first_inside = top >= 0;
  const int32_t is_last_inside = top + 2 < k->input->height;
  const int32_t is_right_padded = last == k->input->width;
  const row_t r = {
      .layer = l,
      .x = k->x + (is_first_inside ? top * pitch : 0),
      .pitch = {is_first_inside ? pitch : 0, is_last_inside ? pitch : 0},
      .channels = channels,
      .bytes = (k->output->width - is_right_padded) * channels,
      .zero_point = k->input->zero_point,
      .is_first_inside = is_first_inside,
      .is_last_inside = is_last_inside,
      .is_left_padded = l->pad_left,
      .is_right_padded = is_right_padded,
      .quick = {l->activation_min, l->activation_max, (uint32_t)l->quick[0], k->output->zero_point,
                0, 0, 0},
  };
  int8_t *y = k->y + row * k->output->width * channels;
  if (l->stride_width == 1) {
    by_one(&r, y);
  } else {
    by_two(&r, y);
  }
  return 1;
}

#endif
