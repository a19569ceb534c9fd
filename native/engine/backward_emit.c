#include "backward_emit.h"

#include "fixed.h"

#define LIMIT 127

static uint32_t passes(const rt_emit_gate_t *gate, uint32_t i) {
  if (gate->bits) return (gate->bits[i >> 3] >> (i & 7u)) & 1u;
  return gate->x == 0 || (uint32_t)(gate->x[i] - gate->low - 1) < gate->span - 1u;
}

uint32_t rt_emit_portable(const int32_t *sums, uint32_t count, uint32_t first, uint32_t stride,
                          const rt_emit_gate_t *gate, int8_t *signal, int32_t narrow,
                          uint32_t *random) {
  /* u has eight bits: sums are shifted to Q8 first, or u to fewer bits. */
  const int32_t before = narrow > 8 ? narrow - 8 : 0;
  const int32_t after = narrow - before;
  uint32_t magnitude = 0, noise = 0;
  for (uint32_t n = 0, i = first; n < count; n++, i += stride) {
    noise = (n & 3u) == 0 ? rt_fixed_random(random) : noise >> 8;
    if (!passes(gate, i)) {
      signal[i] = 0;
      continue;
    }
    const int32_t sum = sums[n];
    magnitude |= (uint32_t)(sum ^ (sum >> 31));
    const int32_t u = (int32_t)((noise & 0xffu) >> (8 - after));
    signal[i] = (int8_t)rt_fixed_clamp(((sum >> before) + u) >> after, LIMIT);
  }
  return magnitude;
}

uint32_t rt_emit(const int32_t *sums, uint32_t count, uint32_t first, uint32_t stride,
                 const rt_emit_gate_t *gate, int8_t *signal, int32_t narrow, uint32_t *random) {
  return rt_emit_portable(sums, count, first, stride, gate, signal, narrow, random);
}
