/* rt_depthwise_row for WebAssembly: eight channels at a time, any kernel. */
#include "kernels.h"
#include "requantise.h"
#include "requantise_simd.h"

#if RT_SIMD

/* A window of the input; taps in the padding count as the zero point. */
typedef struct {
  const rt_kernel_t *k;
  int32_t top;
  int32_t left;
} window_t;

/* Where tap (r, c) reads channel `first` and those after it; NULL in the padding. */
static const int8_t *tap(const window_t *w, int32_t r, int32_t c, int32_t first) {
  const rt_tensor_t *input = w->k->input;
  const int32_t row = w->top + r;
  const int32_t column = w->left + c;
  if (row < 0 || row >= input->height || column < 0 || column >= input->width) return 0;
  return w->k->x + (row * input->width + column) * input->channels + first;
}

/* Accumulators of eight channels. */
static void accumulate(const window_t *w, int32_t first, v128_t *low, v128_t *high) {
  const rt_layer_t *l = w->k->layer;
  const int32_t channels = w->k->input->channels;
  const v128_t zeros = wasm_i16x8_splat((int16_t)w->k->input->zero_point);
  const int8_t *f = l->weights + first;
  *low = wasm_v128_load(l->bias + first);
  *high = wasm_v128_load(l->bias + first + 4);
  for (int32_t r = 0; r < l->kernel_height; r++) {
    for (int32_t c = 0; c < l->kernel_width; c++, f += channels) {
      const int8_t *x = tap(w, r, c, first);
      const v128_t a = x ? wasm_i16x8_load8x8(x) : zeros;
      const v128_t b = wasm_i16x8_load8x8(f);
      *low = wasm_i32x4_add(*low, wasm_i32x4_extmul_low_i16x8(a, b));
      *high = wasm_i32x4_add(*high, wasm_i32x4_extmul_high_i16x8(a, b));
    }
  }
}

static int32_t accumulate_one(const window_t *w, int32_t channel) {
  const rt_layer_t *l = w->k->layer;
  const int8_t *f = l->weights + channel;
  uint32_t sum = (uint32_t)l->bias[channel];
  for (int32_t r = 0; r < l->kernel_height; r++) {
    for (int32_t c = 0; c < l->kernel_width; c++, f += w->k->input->channels) {
      const int8_t *x = tap(w, r, c, channel);
      sum += (uint32_t)(*f * (x ? *x : w->k->input->zero_point));
    }
  }
  return (int32_t)sum;
}

static void depthwise_pixel(const window_t *w, int8_t *y) {
  const rt_layer_t *l = w->k->layer;
  const rt_tensor_t *output = w->k->output;
  const v128_t zero_point = wasm_i32x4_splat(output->zero_point);
  const v128_t least = wasm_i32x4_splat(l->activation_min);
  const v128_t most = wasm_i32x4_splat(l->activation_max);
  int32_t i = 0;
  for (; i + 8 <= output->channels; i += 8) {
    v128_t acc[2];
    accumulate(w, i, &acc[0], &acc[1]);
    for (int32_t half = 0; half < 2; half++) {
      const int32_t first = i + 4 * half;
      const rt_simd_scale_t scale = rt_simd_scale(l->multiplier + first, l->shift + first);
      const uint32_t q = rt_simd_output(acc[half], &scale, zero_point, least, most);
      __builtin_memcpy(y + first, &q, 4);
    }
  }
  for (; i < output->channels; i++) {
    y[i] = rt_output(accumulate_one(w, i), l->multiplier[i], l->shift[i], output->zero_point,
                     l->activation_min, l->activation_max);
  }
}

void rt_depthwise_row(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  const int32_t channels = k->output->channels;
  int8_t *y = k->y + row * k->output->width * channels;
  window_t w = {k, row * l->stride_height - l->pad_top, -l->pad_left};
  for (int32_t column = 0; column < k->output->width; column++) {
    depthwise_pixel(&w, y);
    y += channels;
    w.left += l->stride_width;
  }
}

#endif
