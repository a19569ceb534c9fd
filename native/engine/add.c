/* ADD of two tensors of one shape: both brought to a common scale with headroom, then requantised.
 */
#include "kernels.h"
#include "requantise.h"

void rt_add_row(const rt_kernel_t *k, int32_t row) {
  const rt_add_t *add = k->layer->add;
  const int32_t pitch = k->output->width * k->output->channels;
  const int32_t zero1 = k->input->zero_point;
  const int32_t zero2 = k->input2->zero_point;
  const int8_t *x1 = k->x + row * pitch;
  const int8_t *x2 = k->x2 + row * pitch;
  int8_t *y = k->y + row * pitch;
  for (int32_t i = 0; i < pitch; i++) {
    const int32_t a = (x1[i] - zero1) * (1 << add->left_shift);
    const int32_t b = (x2[i] - zero2) * (1 << add->left_shift);
    const int32_t sum = rt_requantise(a, add->input1_multiplier, add->input1_shift) +
                        rt_requantise(b, add->input2_multiplier, add->input2_shift);
    y[i] = rt_output(sum, add->output_multiplier, add->output_shift, k->output->zero_point,
                     k->layer->activation_min, k->layer->activation_max);
  }
}
