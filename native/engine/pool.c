/*
 * AVERAGE_POOL_2D: the mean of the taps inside the input, halves away from zero.
 *
 * Four channels a load where they lie in words: with one exclusive or the bytes become 0..255, and
 * masks part them into sums of 16 bits, two a register. That holds 256 taps, which also are what
 * one reciprocal divides exactly; larger windows and other widths are summed byte by byte.
 */
#include "hot.h"
#include "kernels.h"
#include "requantise.h"

#define TAPS 256u /* most taps of a window in words: 255 * 256 < 2^16 */
#define SIGNS 0x80808080u
#define EVEN 0x00ff00ffu

/* Taps inside the input, and what divides by their number. */
typedef struct {
  int32_t row_begin, row_end;
  int32_t column_begin, column_end;
  uint32_t count;
  uint32_t reciprocal; /* 2^16 / count, rounded down */
} window_t;

/* value / count rounded down, for value < 256 * count: eight steps, since Cortex-M0+ cannot divide.
 */
static int32_t divide(uint32_t value, uint32_t count) {
  uint32_t quotient = 0;
  for (int32_t bit = 7; bit >= 0; bit--) {
    if (value >= count << bit) {
      value -= count << bit;
      quotient |= 1u << bit;
    }
  }
  return (int32_t)quotient;
}

static int32_t rounded_mean(int32_t sum, uint32_t count) {
  const uint32_t half = count >> 1;
  if (sum > 0) return divide((uint32_t)sum + half, count);
  return -divide((uint32_t)-sum + half, count);
}

/* The same for count up to TAPS. value < 2^16, so the reciprocal's rounding takes less than 1 from
 * the quotient. */
static inline int32_t quick_mean(int32_t sum, const window_t *w) {
  const uint32_t magnitude = (uint32_t)(sum < 0 ? -sum : sum);
  const uint32_t value = magnitude + (w->count >> 1);
  uint32_t quotient = (value * w->reciprocal) >> 16;
  if (value - quotient * w->count >= w->count) quotient++;
  return sum < 0 ? -(int32_t)quotient : (int32_t)quotient;
}

static uint32_t reciprocal_of(uint32_t count) {
  uint32_t remainder = 0;
  uint32_t quotient = 0;
  for (int32_t bit = 16; bit >= 0; bit--) {
    remainder = (remainder << 1) | (bit == 16);
    quotient <<= 1;
    if (remainder >= count) {
      remainder -= count;
      quotient++;
    }
  }
  return quotient;
}

static int32_t lesser(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t greater(int32_t a, int32_t b) { return a > b ? a : b; }

static window_t window_at(const rt_kernel_t *k, int32_t top, int32_t left) {
  window_t w;
  w.row_begin = greater(top, 0);
  w.row_end = lesser(top + k->layer->kernel_height, k->input->height);
  w.column_begin = greater(left, 0);
  w.column_end = lesser(left + k->layer->kernel_width, k->input->width);
  w.count = (uint32_t)((w.row_end - w.row_begin) * (w.column_end - w.column_begin));
  w.reciprocal = 0;
  return w;
}

static void pool_bytes(const rt_kernel_t *k, const window_t *w, int8_t *y) {
  const rt_layer_t *l = k->layer;
  const rt_tensor_t *in = k->input;
  for (int32_t c = 0; c < in->channels; c++) {
    int32_t sum = 0;
    for (int32_t r = w->row_begin; r < w->row_end; r++) {
      const int8_t *x = k->x + (r * in->width + w->column_begin) * in->channels + c;
      for (int32_t i = w->column_begin; i < w->column_end; i++, x += in->channels) sum += *x;
    }
    y[c] = (int8_t)rt_clamp(rounded_mean(sum, w->count), l->activation_min, l->activation_max);
  }
}

/* Sums of four channels, each plus 128 a tap: of bytes 0 and 2, and of bytes 1 and 3. */
typedef struct {
  uint32_t even, odd;
} sums_t;

/* What sum_words goes over: `columns` pixels of each of `rows` rows. The machine code knows the
 * order of the members. */
typedef struct {
  int32_t columns, rows;
  int32_t step; /* bytes from pixel to pixel */
  int32_t skip; /* from behind a row's last pixel to the next row's first */
} area_t;

#if defined(__ARM_ARCH_6M__)

void rt_pool_sum(const area_t *area, const int8_t *x, sums_t *sums);

/*
 * r0 columns to go, r1 x, r2 and r3 sums, r4 and r5 scratch, r6 and r7 masks; r8 step, r9 skip, r10
 * columns, r11 rows to go, r12 sums. 12 cycles for four bytes.
 */
/* clang-format off */
__asm__(RT_HOT_SECTION("rt_pool_sum")
        "  .global rt_pool_sum\n"
        "  .type rt_pool_sum, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_pool_sum:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  mov r12, r2\n"
        "  ldmia r0!, {r4-r7}\n"
        "  mov r10, r4\n"
        "  mov r11, r5\n"
        "  mov r8, r6\n"
        "  mov r9, r7\n"
        "  movs r7, #0x80\n"
        "  lsls r6, r7, #16\n"
        "  orrs r7, r6\n" /* 0x00800080 */
        "  lsls r6, r7, #1\n"
        "  lsrs r2, r7, #7\n"
        "  subs r6, r6, r2\n" /* 0x00ff00ff */
        "  lsls r2, r7, #8\n"
        "  orrs r7, r2\n" /* 0x80808080 */
        "  movs r2, #0\n"
        "  movs r3, #0\n"
        "1:\n"
        "  mov r0, r10\n"
        "2:\n"
        "  ldr r4, [r1]\n"
        "  add r1, r8\n"
        "  eors r4, r7\n"
        "  lsrs r5, r4, #8\n"
        "  ands r4, r6\n"
        "  ands r5, r6\n"
        "  adds r2, r2, r4\n"
        "  adds r3, r3, r5\n"
        "  subs r0, r0, #1\n"
        "  bne 2b\n"
        "  add r1, r9\n"
        "  mov r0, r11\n"
        "  subs r0, r0, #1\n"
        "  mov r11, r0\n"
        "  bne 1b\n" /* MOV leaves the flags */
        "  mov r0, r12\n"
        "  stmia r0!, {r2, r3}\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_pool_sum, . - rt_pool_sum\n"
        "  .text\n");
/* clang-format on */

#else

static void rt_pool_sum(const area_t *area, const int8_t *x, sums_t *sums) {
  sums->even = 0;
  sums->odd = 0;
  for (int32_t row = area->rows; row > 0; row--, x += area->skip) {
    for (int32_t i = area->columns; i > 0; i--, x += area->step) {
      uint32_t word;
      __builtin_memcpy(&word, __builtin_assume_aligned(x, 4), 4);
      word ^= SIGNS;
      sums->even += word & EVEN;
      sums->odd += (word >> 8) & EVEN;
    }
  }
}

#endif

static void mean_of(const sums_t *sums, const window_t *w, const rt_layer_t *l, int8_t *y) {
  const int32_t offset = (int32_t)(w->count << 7);
  const uint32_t of[4] = {sums->even & 0xffffu, sums->odd & 0xffffu, sums->even >> 16,
                          sums->odd >> 16};
  for (int32_t i = 0; i < 4; i++) {
    const int32_t mean = quick_mean((int32_t)of[i] - offset, w);
    y[i] = (int8_t)rt_clamp(mean, l->activation_min, l->activation_max);
  }
}

static void pool_words(const rt_kernel_t *k, const window_t *w, int8_t *y) {
  const int32_t channels = k->input->channels;
  const int32_t columns = w->column_end - w->column_begin;
  const int32_t skip = (k->input->width - columns) * channels;
  const int8_t *x = k->x + (w->row_begin * k->input->width + w->column_begin) * channels;
  area_t area = {columns, w->row_end - w->row_begin, channels, skip};
  if (skip == 0) {
    area.columns = (int32_t)w->count;
    area.rows = 1;
  }
  for (int32_t c = 0; c < channels; c += 4) {
    sums_t sums;
    rt_pool_sum(&area, x + c, &sums);
    mean_of(&sums, w, k->layer, y + c);
  }
}

void rt_pool_row(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  const int32_t channels = k->output->channels;
  const int in_words = (((uintptr_t)k->x | (uintptr_t)channels) & 3u) == 0;
  int8_t *y = k->y + row * k->output->width * channels;
  for (int32_t column = 0; column < k->output->width; column++, y += channels) {
    window_t w =
        window_at(k, row * l->stride_height - l->pad_top, column * l->stride_width - l->pad_left);
    if (in_words && w.count <= TAPS) {
      w.reciprocal = reciprocal_of(w.count);
      pool_words(k, &w, y);
    } else {
      pool_bytes(k, &w, y);
    }
  }
}
