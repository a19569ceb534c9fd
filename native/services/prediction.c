#include "services/prediction.h"

#include "dsp/mfcc.h"

#define FRACTION_MAX 32767u
#define MARGIN_MAX (255u * 256u)
#define SHIFT_MAX_Q12 65495u /* 15.99 */
#define LN2_Q30 744261118u

/* exp(-2^(k - 16)), Q32: what bit k of a distance in Q16 is worth. */
static const uint32_t bit_factor[21] = {
    4294901760u, 4294836226u, 4294705160u, 4294443040u, 4293918848u, 4292870656u, 4290775039u,
    4286586875u, 4278222805u, 4261543595u, 4228380000u, 4162825044u, 4034748382u, 3790295335u,
    3344923893u, 2605029347u, 1580030169u, 581260615u,  78665070u,   1440801u,    483u};

/* exp(-x) in Q31, x in Q16. */
static uint32_t exp_negative(uint32_t x_q16) {
  if (x_q16 >> 21 != 0) return 0; /* below exp(-32) */
  uint64_t value = 1u << 31;
  for (uint32_t bit = 0; bit < 21; bit++) {
    if ((x_q16 >> bit & 1u) != 0) value = (value * bit_factor[bit] + (1u << 31)) >> 32;
  }
  return (uint32_t)value;
}

/* ln(x / 2^31) in Q30; x from 2^31 to 2^42. */
static uint64_t natural_log(uint64_t x_q31) {
  uint32_t whole = 0;
  while (x_q31 >> 32 != 0) {
    x_q31 >>= 1;
    whole++;
  }
  uint64_t log2 = whole; /* each squaring tells one more bit */
  uint64_t y = x_q31;
  for (uint32_t bit = 0; bit < 30; bit++) {
    y = y * y >> 31;
    log2 <<= 1;
    if (y >> 32 != 0) {
      y >>= 1;
      log2 |= 1u;
    }
  }
  return ((log2 >> 2) * LN2_Q30) >> 28;
}

static uint32_t distance(int32_t a, int32_t b) { return (uint32_t)a - (uint32_t)b; }

/* The largest, the first of equals. */
static uint32_t index_of_largest(const int32_t *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < count; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

/* Smallest distance to another logit. */
static uint32_t margin_of(const int32_t *logits, uint32_t classes, uint32_t winner) {
  uint32_t least = UINT32_MAX;
  for (uint32_t c = 0; c < classes; c++) {
    const uint32_t d = distance(logits[winner], logits[c]);
    if (c != winner && d < least) least = d;
  }
  if (least == UINT32_MAX) return 0;
  const uint32_t margin_q8 = (least + 128u) >> 8;
  return margin_q8 < MARGIN_MAX ? margin_q8 : MARGIN_MAX;
}

/* sum: of exp(-distance), Q31. moment: of exp(-distance) times distance, Q47. */
static uint32_t entropy_of(uint64_t sum, uint64_t moment, uint32_t classes) {
  if (classes < 2) return 0;
  const uint64_t mean = (moment / sum << 14) + ((moment % sum) << 14) / sum;
  const uint64_t nats_q30 = natural_log(sum) + mean;
  const uint64_t most_q30 = natural_log((uint64_t)classes << 31);
  const uint64_t share = ((nats_q30 << 15) + most_q30 / 2) / most_q30;
  return share < FRACTION_MAX ? (uint32_t)share : FRACTION_MAX;
}

void rt_prediction_from_logits(const int32_t *logits_q16, uint32_t classes,
                               rt_prediction_t *prediction) {
  const uint32_t winner = index_of_largest(logits_q16, classes);
  uint64_t sum = 0, moment = 0;
  for (uint32_t c = 0; c < classes; c++) {
    const uint32_t d = distance(logits_q16[winner], logits_q16[c]);
    const uint32_t e = exp_negative(d);
    sum += e;
    moment += (uint64_t)e * (e == 0 ? 0 : d);
  }
  const uint64_t confidence = (((uint64_t)1 << 46) + sum / 2) / sum;
  prediction->label = (uint16_t)winner;
  prediction->confidence_q15 =
      (int16_t)(confidence < FRACTION_MAX ? confidence : (uint64_t)FRACTION_MAX);
  prediction->margin_q8 = (uint16_t)margin_of(logits_q16, classes, winner);
  prediction->entropy_q15 = (int16_t)entropy_of(sum, moment, classes);
}

/* floor(sqrt(x)) */
static uint64_t square_root(uint64_t x) {
  uint64_t root = 0;
  for (uint64_t bit = (uint64_t)1 << 62; bit != 0; bit >>= 2) {
    if (x >= root + bit) {
      x -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return root;
}

uint16_t rt_prediction_shift(const int8_t *input, rt_real_t scale, int32_t zero_point) {
  uint32_t squares = 0; /* 9 * (49 * 255)^2 at most */
  for (uint32_t k = 1; k < RT_DSP_COEFFS; k++) {
    int32_t sum = 0;
    for (uint32_t frame = 0; frame < RT_DSP_FRAMES; frame++) {
      sum += input[frame * RT_DSP_COEFFS + k] - zero_point;
    }
    squares += (uint32_t)(sum * sum);
  }
  /* sqrt(squares / 9) / 49 * scale: Q16 times Q(31 - exponent), wanted in Q12. */
  const uint64_t root_q16 = square_root((uint64_t)squares << 32);
  const uint64_t product = root_q16 * (uint32_t)scale.mantissa / (3u * RT_DSP_FRAMES);
  const int32_t shift = 16 + 31 - 12 - scale.exponent;
  if (shift < 1) return product == 0 ? 0 : SHIFT_MAX_Q12;
  if (shift > 62) return 0;
  const uint64_t rounded = (product + ((uint64_t)1 << (shift - 1))) >> shift;
  return (uint16_t)(rounded < SHIFT_MAX_Q12 ? rounded : SHIFT_MAX_Q12);
}

void rt_prediction_pack(const rt_prediction_t *prediction, uint8_t bytes[RT_PREDICTION_BYTES]) {
  const uint16_t fields[5] = {prediction->label, (uint16_t)prediction->confidence_q15,
                              prediction->margin_q8, (uint16_t)prediction->entropy_q15,
                              prediction->shift_q12};
  __builtin_memcpy(bytes, &prediction->window, 4);
  __builtin_memcpy(bytes + 4, fields, sizeof fields);
}
