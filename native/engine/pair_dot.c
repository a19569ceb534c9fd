#include "pair_dot.h"

static inline uint32_t pair(int8_t first, int8_t second) {
  return (uint32_t)first + ((uint32_t)second << 16);
}

static inline int32_t upper(uint32_t product) { return (int32_t)(product + 0x8000u) >> 16; }

static void block(const uint32_t *packed, const int8_t *x, uint32_t quads, const int32_t *start,
                  int32_t *acc) {
  uint32_t sums[4] = {(uint32_t)start[0], (uint32_t)start[1], (uint32_t)start[2],
                      (uint32_t)start[3]};
  for (; quads > 0; quads--, x += 4, packed += 8) {
    const uint32_t even = pair(x[0], x[2]);
    const uint32_t odd = pair(x[1], x[3]);
    for (uint32_t r = 0; r < 4; r++) {
      sums[r] += (uint32_t)upper(packed[r] * even) + (uint32_t)upper(packed[4 + r] * odd);
    }
  }
  for (uint32_t r = 0; r < 4; r++) acc[r] = (int32_t)sums[r];
}

void rt_pair_dot_portable(const uint32_t *packed, const int8_t *x, uint32_t quads,
                          const int32_t *start, int32_t *acc, uint32_t blocks) {
  for (; blocks > 0; blocks--, start += 4, acc += 4, packed += 8u * quads) {
    block(packed, x, quads, start, acc);
  }
}

void rt_pair_dot(const uint32_t *packed, const int8_t *x, uint32_t quads, const int32_t *start,
                 int32_t *acc, uint32_t blocks) {
  rt_pair_dot_portable(packed, x, quads, start, acc, blocks);
}
