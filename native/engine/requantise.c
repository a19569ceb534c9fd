#include "requantise.h"

#include "hot.h"
#include "kernels.h"
#include "quick.h"
#include "simd.h"

#if !RT_SIMD /* requantise_simd.c */
RT_HOT void rt_requantise_pixel(const rt_layer_t *layer, const rt_tensor_t *output, int32_t first,
                                int32_t count, const int32_t *acc, int8_t *y) {
  const int32_t *multiplier = layer->multiplier + first;
  const int32_t *shift = layer->shift + first;
  const int32_t zero_point = output->zero_point;
  const int32_t low = layer->activation_min;
  const int32_t high = layer->activation_max;
  if (layer->quick) {
    const rt_quick_t quick = {low,        high, (uint32_t)layer->quick[0], zero_point, acc,
                              multiplier, shift};
    const int32_t *channels = layer->quick + RT_QUICK_HEADER + (uint32_t)first * RT_QUICK_CHANNEL;
    rt_quick_pixel(channels, acc, y, count, &quick);
    return;
  }
  for (int8_t *end = y + count; y != end; y++) {
    *y = rt_output(*acc++, *multiplier++, *shift++, zero_point, low, high);
  }
}
#endif
