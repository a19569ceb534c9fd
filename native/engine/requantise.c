#include "requantise.h"

#include "kernels.h"
#include "simd.h"

#if !RT_SIMD /* requantise_simd.c */
void rt_requantise_pixel(const rt_layer_t *layer, const rt_tensor_t *output, int32_t first,
                         int32_t count, const int32_t *acc, int8_t *y) {
  const int32_t *multiplier = layer->multiplier + first;
  const int32_t *shift = layer->shift + first;
  const int32_t zero_point = output->zero_point;
  const int32_t low = layer->activation_min;
  const int32_t high = layer->activation_max;
  for (int8_t *end = y + count; y != end; y++) {
    *y = rt_output(*acc++, *multiplier++, *shift++, zero_point, low, high);
  }
}
#endif
