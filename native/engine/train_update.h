/*
 * The loops over an adapter's parameters that a training step consists of.
 *
 * A master value is m = 256 q + low - 128, q int8 and low a byte, in two arrays: inference reads q
 * alone. Rounding is stochastic and diffused: what rounding one parameter leaves is added to the
 * next, and the first gets a random phase in [0, 1). So each parameter's rounding is unbiased, as
 * with a random number each, and the errors of a row add up to less than one unit. (Systematic
 * sampling, Madow and Madow 1944; as dithering, error diffusion.)
 *
 * Callers see to it that no master leaves +-32,640 and that all sums fit in 32 bits.
 */
#ifndef RT_ENGINE_TRAIN_UPDATE_H
#define RT_ENGINE_TRAIN_UPDATE_H

#include <stdint.h>

/* A master of zero is {q 0, low RT_UPDATE_ZERO}. */
#define RT_UPDATE_ZERO 128

#define RT_UPDATE_LIMIT 32639 /* 256 * 127 + 127 */

static inline int32_t rt_update_master(const int8_t *q, const uint8_t *low, uint32_t i) {
  return q[i] * 256 + low[i] - RT_UPDATE_ZERO;
}

static inline void rt_update_set_master(int8_t *q, uint8_t *low, uint32_t i, int32_t value) {
  value += RT_UPDATE_ZERO;
  low[i] = (uint8_t)(value & 255);
  q[i] = (int8_t)(value >> 8);
}

/* m[i] -= factor * x[i] / 2^16, i < count. |factor * x[i]| < 2^31 - 2^16, phase 0..65535. Returns
 * the phase to go on with. */
uint32_t rt_update_outer(int8_t *q, uint8_t *low, const int32_t *x, uint32_t count, int32_t factor,
                         uint32_t phase);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
uint32_t rt_update_outer_portable(int8_t *q, uint8_t *low, const int32_t *x, uint32_t count,
                                  int32_t factor, uint32_t phase);

/* out[r * columns + i] = factors[r] * x[i] >> right, r < rows and i < columns, both at least 1;
 * right 0..31, the products below 2^31. The portable C is what other targets than Cortex-M0+ run.
 */
void rt_update_products(const int32_t *factors, uint32_t rows, const int32_t *x, uint32_t columns,
                        uint32_t right, int32_t *out);
void rt_update_products_portable(const int32_t *factors, uint32_t rows, const int32_t *x,
                                 uint32_t columns, uint32_t right, int32_t *out);

/* m[i] -= m[i] * share / 2^16; share 0..32767. */
uint32_t rt_update_decay(int8_t *q, uint8_t *low, uint32_t count, int32_t share, uint32_t phase);

/* Factors of one step of momentum, 2^-16 each. For all parameters |keep v| + |take g| + |shrink m|
 * < 2^31 - 2^17 and |step v| < 2^31 - 2^16, v as it becomes. */
typedef struct {
  int32_t keep, take, shrink, step;
} rt_update_momentum_t;

/* v[i] = keep v[i] + take g[i] + shrink m[i];  m[i] -= step v[i]. in-out: phases of v and of m.
 * Returns the bitwise or of all |v[i]|, or of |v[i]| - 1 where v[i] is negative: at least half of
 * the largest, at most twice. */
uint32_t rt_update_momentum(int8_t *q, uint8_t *low, int16_t *v, const int16_t *g, uint32_t count,
                            const rt_update_momentum_t *factors, uint32_t phases[2]);

/* g[i] += factor * x[i] / 2^shift, shift 0..16, rounded likewise. in-out: bits, or of all g[i] as
 * above. */
uint32_t rt_update_gradient(int16_t *g, const int32_t *x, uint32_t count, int32_t factor,
                            uint32_t shift, uint32_t phase, uint32_t *bits);

#endif
