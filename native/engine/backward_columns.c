#include "backward_columns.h"

void rt_columns_add_portable(const int8_t *values, uint32_t stride, const int32_t *factors,
                             uint32_t pixels, int32_t *sums, uint32_t apart) {
  uint32_t acc[4];
  for (uint32_t k = 0; k < 4; k++) acc[k] = (uint32_t)sums[k * apart];
  for (; pixels > 0; pixels--, values += stride, factors += 4) {
    for (uint32_t k = 0; k < 4; k++) acc[k] += (uint32_t)*values * (uint32_t)factors[k];
  }
  for (uint32_t k = 0; k < 4; k++) sums[k * apart] = (int32_t)acc[k];
}

void rt_columns_add(const int8_t *values, uint32_t stride, const int32_t *factors, uint32_t pixels,
                    int32_t *sums, uint32_t apart) {
  rt_columns_add_portable(values, stride, factors, pixels, sums, apart);
}
