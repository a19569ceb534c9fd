/* FULLY_CONNECTED: one pixel whose patch is the whole input, read flat. */
#include "matmul.h"

static const int8_t *in_place(const void *context, int32_t from, int32_t count, int8_t *scratch) {
  (void)count;
  (void)scratch;
  return (const int8_t *)context + from;
}

void rt_dense_row(const rt_kernel_t *k, int32_t row) {
  const int32_t length = k->input->height * k->input->width * k->input->channels;
  rt_matmul_pixel(k, (uint32_t)row, length, in_place, k->x, k->x);
}
