/* rt_requantise_pixel for WebAssembly, four outputs at a time. */
#include "requantise_simd.h"

#include "kernels.h"
#include "requantise.h"

#if RT_SIMD

void rt_requantise_pixel(const rt_layer_t *layer, const rt_tensor_t *output, int32_t first,
                         int32_t count, const int32_t *acc, int8_t *y) {
  const v128_t zero_point = wasm_i32x4_splat(output->zero_point);
  const v128_t low = wasm_i32x4_splat(layer->activation_min);
  const v128_t high = wasm_i32x4_splat(layer->activation_max);
  const int32_t *multiplier = layer->multiplier + first;
  const int32_t *shift = layer->shift + first;
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const rt_simd_scale_t scale = rt_simd_scale(multiplier + i, shift + i);
    const uint32_t q = rt_simd_output(wasm_v128_load(acc + i), &scale, zero_point, low, high);
    __builtin_memcpy(y + i, &q, 4);
  }
  for (; i < count; i++) {
    y[i] = rt_output(acc[i], multiplier[i], shift[i], output->zero_point, layer->activation_min,
                     layer->activation_max);
  }
}

#endif
