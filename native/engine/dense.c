/* FULLY_CONNECTED: one pixel whose patch is the whole input, read flat. */
#include "matmul.h"

void rt_dense_row(const rt_kernel_t *k, int32_t row) {
  const int32_t length = k->input->height * k->input->width * k->input->channels;
#if RT_MATMUL_PIXELS > 1
  if (k->layer->packed && !k->hooks) {
    rt_matmul_pixels(k, (uint32_t)row, 1, length, k->x, 0);
    return;
  }
#endif
  rt_matmul_pixel(k, (uint32_t)row, length, 0, k->x, k->x);
}
