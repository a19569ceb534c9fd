#include "backward_axpy.h"

/* Both sums of a word. */
static void unpack(uint32_t word, int32_t *out) {
  out[0] = (int16_t)(word & 0xffffu);
  out[1] = (int32_t)(word - (uint32_t)out[0]) >> 16;
}

void rt_axpy_portable(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
                      uint32_t add) {
  for (uint32_t block = 0; block < blocks; block++, sums += RT_AXPY_BLOCK) {
    uint32_t acc[4] = {0, 0, 0, 0};
    for (uint32_t t = 0; t < count; t++) {
      const uint32_t *row = terms[t].row + 4u * block;
      for (uint32_t j = 0; j < 4; j++) acc[j] += (uint32_t)terms[t].factor * row[j];
    }
    for (uint32_t j = 0; j < 4; j++) {
      int32_t pair[2];
      unpack(acc[j], pair);
      sums[2u * j] = (add ? sums[2u * j] : 0) + pair[0];
      sums[2u * j + 1u] = (add ? sums[2u * j + 1u] : 0) + pair[1];
    }
  }
}

void rt_axpy(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
             uint32_t add) {
  rt_axpy_portable(terms, count, blocks, sums, add);
}
