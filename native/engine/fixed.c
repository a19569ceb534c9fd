#include "fixed.h"

#include "hot.h"

#define REAL_APPLY_LIMIT 0x3fffffffu
#define MANTISSA_MIN 0x40000000

RT_HOT int32_t rt_fixed_bits(uint32_t x) {
  int32_t bits = 0; /* written out: a loop takes twice as long */
  if (x >> 16) {
    x >>= 16;
    bits = 16;
  }
  if (x >> 8) {
    x >>= 8;
    bits += 8;
  }
  if (x >> 4) {
    x >>= 4;
    bits += 4;
  }
  if (x >> 2) {
    x >>= 2;
    bits += 2;
  }
  return bits + (int32_t)(x - (x & (x >> 1))); /* of 0..3 */
}

RT_HOT uint32_t rt_fixed_divide(uint32_t a, uint32_t b) {
  uint32_t quotient = 0, rest = 0;
  for (int32_t i = 31; i >= 0; i--) {
    uint32_t carry = rest >> 31;
    rest = (rest << 1) | ((a >> i) & 1u);
    quotient <<= 1;
    if (carry || rest >= b) {
      rest -= b;
      quotient |= 1u;
    }
  }
  return quotient;
}

/* 2^30 / x at the middle of each 32nd of [2^14, 2^15) */
static const uint16_t reciprocal_table[32] = {
    64528, 62602, 60787, 59075, 57456, 55924, 54471, 53092, 51782, 50534, 49345,
    48210, 47127, 46091, 45100, 44151, 43240, 42367, 41528, 40721, 39946, 39199,
    38480, 37787, 37118, 36472, 35849, 35246, 34664, 34100, 33554, 33026};

RT_HOT uint32_t rt_fixed_reciprocal(uint32_t x) {
  /* Two steps of Newton's: r (2 - x r), x r in Q30. */
  uint32_t entry = (x - 16384u) >> 9;
  uint32_t r = reciprocal_table[entry < 32 ? entry : 31];
  r = (r * ((0x80000000u - x * r) >> 15)) >> 15;
  r = (r * ((0x80000000u - x * r) >> 15)) >> 15;
  return r;
}

uint32_t rt_fixed_seed(uint32_t seed) {
  /* MurmurHash3's finaliser: every bit of the seed reaches every bit of the state. */
  uint32_t x = seed + 0x9e3779b9u;
  x = (x ^ (x >> 16)) * 0x85ebca6bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  x ^= x >> 16;
  return x ? x : 1u;
}

RT_HOT uint32_t rt_fixed_random_below(uint32_t *state, uint32_t bound) {
  return ((rt_fixed_random(state) >> 16) * bound) >> 16;
}

RT_HOT int32_t rt_fixed_random_normal(uint32_t *state, int32_t sigma_q8) {
  uint32_t x = rt_fixed_random(state);
  int32_t sum = (int32_t)((x & 255u) + ((x >> 8) & 255u) + ((x >> 16) & 255u) + (x >> 24)) - 510;
  /* The sum's standard deviation is 147.8; 443 / 65536 = 1 / 147.9. */
  return ((((sum * sigma_q8) >> 4) * 443) + 2048) >> 12;
}

RT_HOT int32_t rt_fixed_scale_stochastic(int32_t x, rt_scale_t scale, uint32_t random,
                                         int32_t limit) {
  int32_t product = x * scale.mantissa;
  int32_t shift = scale.shift;
  if (shift > 30) {
    if (shift > 60) return 0;
    product >>= shift - 30;
    shift = 30;
  }
  if (shift >= 0) {
    return rt_fixed_clamp(rt_fixed_round_stochastic(product, (uint32_t)shift, random), limit);
  }
  if (shift < -30 || rt_fixed_abs(product) > (limit >> -shift)) {
    return product == 0 ? 0 : (product > 0 ? limit : -limit);
  }
  return product * (1 << -shift);
}

/* upper:low * 2^-shift for shift < 16, low being 16 bits, at most limit. */
static uint32_t scale_wide_left(uint32_t upper, uint32_t low, int32_t shift, uint32_t limit) {
  int32_t left = 16 - shift;
  if (upper != 0 && (left > 30 || upper > limit >> left)) return limit;
  if (shift < 0 && rt_fixed_bits(low) - shift > 30) return limit;
  uint32_t rest = shift >= 0 ? low >> shift : low << -shift;
  return upper == 0 ? rest : (upper << left) + rest;
}

RT_HOT int32_t rt_fixed_scale_wide(int32_t x, rt_scale_t scale, int32_t limit) {
  if (x == 0 || scale.mantissa == 0) return 0;
  uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
  uint32_t low = (magnitude & 0xffffu) * (uint32_t)scale.mantissa;
  uint32_t upper = (magnitude >> 16) * (uint32_t)scale.mantissa + (low >> 16);
  uint32_t result = 0;
  if (scale.shift < 16) {
    result = scale_wide_left(upper, low & 0xffffu, scale.shift, (uint32_t)limit);
  } else if (scale.shift < 48) {
    result = upper >> (scale.shift - 16);
  }
  if (result > (uint32_t)limit) result = (uint32_t)limit;
  return x < 0 ? -(int32_t)result : (int32_t)result;
}

RT_HOT rt_real_t rt_real_from_uint(uint32_t value, int32_t exponent) {
  rt_real_t real = {0, 0};
  if (value == 0) return real;
  int32_t bits = rt_fixed_bits(value);
  real.mantissa = (int32_t)(bits > 31 ? value >> 1 : value << (31 - bits));
  real.exponent = bits + exponent;
  return real;
}

/* a * b in 64 bits, from 16-bit halves. */
static void multiply_wide(uint32_t a, uint32_t b, uint32_t *high, uint32_t *low) {
  uint32_t a0 = a & 0xffffu, a1 = a >> 16, b0 = b & 0xffffu, b1 = b >> 16;
  uint32_t middle = a1 * b0 + ((a0 * b0) >> 16);
  uint32_t carry = (middle & 0xffffu) + a0 * b1;
  *high = a1 * b1 + (middle >> 16) + (carry >> 16);
  *low = a * b;
}

RT_HOT rt_real_t rt_real_multiply(rt_real_t a, rt_real_t b) {
  rt_real_t product = {0, 0};
  if (a.mantissa == 0 || b.mantissa == 0) return product;
  uint32_t high, low;
  multiply_wide((uint32_t)a.mantissa, (uint32_t)b.mantissa, &high, &low);
  product.exponent = a.exponent + b.exponent;
  product.mantissa = (int32_t)((high << 1) | (low >> 31));
  if (product.mantissa < MANTISSA_MIN) {
    product.mantissa = (int32_t)((high << 2) | (low >> 30));
    product.exponent--;
  }
  return product;
}

RT_HOT rt_real_t rt_real_divide(rt_real_t a, rt_real_t b) {
  rt_real_t ratio = {0, 0};
  if (a.mantissa == 0) return ratio;
  uint32_t rest = (uint32_t)a.mantissa;
  uint32_t divisor = (uint32_t)b.mantissa;
  ratio.exponent = a.exponent - b.exponent + 1;
  if (rest < divisor) {
    rest <<= 1;
    ratio.exponent--;
  }
  uint32_t bits = 0;
  for (int32_t i = 0; i < 31; i++) {
    bits <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      bits |= 1u;
    }
    rest <<= 1;
  }
  ratio.mantissa = (int32_t)bits;
  return ratio;
}

RT_HOT rt_real_t rt_real_add(rt_real_t a, rt_real_t b) {
  if (a.mantissa == 0) return b;
  if (b.mantissa == 0) return a;
  if (a.exponent < b.exponent) return rt_real_add(b, a);
  int32_t distance = a.exponent - b.exponent;
  uint32_t sum = (uint32_t)a.mantissa + (distance > 30 ? 0u : (uint32_t)b.mantissa >> distance);
  if (sum >> 31) {
    sum >>= 1;
    a.exponent++;
  }
  a.mantissa = (int32_t)sum;
  return a;
}

RT_HOT rt_real_t rt_real_sqrt(rt_real_t a) {
  if (a.mantissa == 0) return a;
  int32_t odd = a.exponent & 1;
  uint32_t fraction = odd ? (uint32_t)a.mantissa : (uint32_t)a.mantissa << 1;
  return rt_real_from_uint(rt_fixed_sqrt(fraction), (a.exponent + odd) / 2 - 16);
}

RT_HOT int32_t rt_real_less(rt_real_t a, rt_real_t b) {
  if (a.mantissa == 0 || b.mantissa == 0) return a.mantissa < b.mantissa;
  if (a.exponent != b.exponent) return a.exponent < b.exponent;
  return a.mantissa < b.mantissa;
}

RT_HOT rt_scale_t rt_real_to_scale(rt_real_t a) {
  rt_scale_t scale = {0, 0};
  if (a.mantissa == 0) return scale;
  scale.mantissa = (int32_t)(((uint32_t)a.mantissa + 0x8000u) >> 16);
  scale.shift = 15 - a.exponent;
  if (scale.mantissa > 0x7fff) scale.mantissa = 0x7fff;
  return scale;
}

/* round(high:low / 2^right), halves up, at most REAL_APPLY_LIMIT. right <= 62. */
static uint32_t shift_wide(uint32_t high, uint32_t low, int32_t right) {
  uint32_t result = REAL_APPLY_LIMIT;
  if (right > 32) {
    result = (high + (1u << (right - 33))) >> (right - 32);
  } else if (right > 0) {
    uint32_t half = 1u << (right - 1);
    low += half;
    high += low < half;
    if (right == 32) {
      result = high;
    } else if (high >> right == 0) {
      result = (high << (32 - right)) | (low >> right);
    }
  } else if (high == 0 && rt_fixed_bits(low) - right <= 30) {
    result = low << -right;
  }
  return result < REAL_APPLY_LIMIT ? result : REAL_APPLY_LIMIT;
}

RT_HOT int32_t rt_real_apply(rt_real_t a, int32_t x) {
  int32_t right = 31 - a.exponent;
  if (x == 0 || a.mantissa == 0 || right > 62) return 0;
  uint32_t high, low;
  uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
  multiply_wide(magnitude, (uint32_t)a.mantissa, &high, &low);
  uint32_t result = shift_wide(high, low, right);
  return x < 0 ? -(int32_t)result : (int32_t)result;
}

/* 2^(-i/32) in Q20 */
static const uint32_t exp2_table[32] = {
    1048576, 1026107, 1004120, 982604, 961548, 940944, 920782, 901051, 881744, 862850, 844361,
    826268,  808563,  791237,  774282, 757691, 741455, 725567, 710020, 694806, 679917, 665348,
    651091,  637140,  623487,  610127, 597053, 584260, 571740, 559489, 547500, 535768};

RT_HOT uint32_t rt_fixed_exp_negative(uint32_t x_q16) {
  if (x_q16 >= 16u << 16) return 0;
  /* exp(-x) = 2^-t, t = x log2(e) in Q16; the product is split to stay within 32 bits. */
  uint32_t t = (x_q16 >> 16) * 94548u + (((x_q16 & 0xffffu) * 47274u) >> 15);
  uint32_t entry = exp2_table[(t & 0xffffu) >> 11];
  uint32_t u = ((t & 2047u) * 11357u) >> 10; /* the rest times ln 2, Q20, below 2^15 */
  uint32_t fall = u - ((u * u) >> 21);       /* 1 - exp(-u) */
  return (entry - (((entry >> 5) * fall) >> 15)) >> (t >> 16);
}

/* ln(1 + i/32) in Q20 */
static const uint32_t log_table[32] = {
    0,      32266,  63570,  93965,  123504, 152234, 180198, 207435, 233983, 259875, 285143,
    309817, 333923, 357487, 380534, 403085, 425161, 446782, 467966, 488731, 509092, 529065,
    548665, 567906, 586800, 605359, 623596, 641520, 659144, 676476, 693527, 710304};

/* 1 / (1 + i/32) in Q19 */
static const uint32_t share_table[32] = {
    524288, 508400, 493448, 479349, 466034, 453438, 441506, 430185, 419430, 409200, 399458,
    390168, 381300, 372827, 364722, 356962, 349525, 342392, 335544, 328965, 322639, 316551,
    310689, 305040, 299593, 294337, 289262, 284360, 279620, 275036, 270600, 266305};

#define LN2_Q20 726817u

RT_HOT uint32_t rt_fixed_log(uint32_t x_q20) {
  uint32_t whole = (uint32_t)rt_fixed_bits(x_q20) - 21u;
  uint32_t mantissa = whole > 4 ? x_q20 >> (whole - 4) >> 8 : (x_q20 << (4 - whole)) >> 8; /* Q16 */
  uint32_t entry = (mantissa - 65536u) >> 11;
  uint32_t base = 65536u + (entry << 11);
  uint32_t r = ((mantissa - base) * share_table[entry]) >> 15; /* / base: Q20, below 2^15 */
  uint32_t square = (r * r) >> 20;
  uint32_t log = whole * LN2_Q20 + log_table[entry] + r - square / 2u +
                 ((((square * r) >> 20) * 21845u) >> 16);
  return (log + 8u) >> 4;
}

/* (1 + cos(pi i / 64)) / 2 in Q15 */
static const uint16_t cosine_table[65] = {
    32768, 32748, 32689, 32591, 32453, 32277, 32063, 31810, 31521, 31195, 30833, 30437, 30007,
    29544, 29049, 28524, 27969, 27387, 26778, 26144, 25486, 24807, 24107, 23389, 22654, 21904,
    21140, 20365, 19580, 18788, 17990, 17188, 16384, 15580, 14778, 13980, 13188, 12403, 11628,
    10864, 10114, 9379,  8661,  7961,  7282,  6624,  5990,  5381,  4799,  4244,  3719,  3224,
    2761,  2331,  1935,  1573,  1247,  958,   705,   491,   315,   177,   79,    20,    0};

int32_t rt_fixed_cosine_decay(uint32_t position_q32) {
  uint32_t entry = position_q32 >> 26;
  int32_t from = cosine_table[entry];
  int32_t to = cosine_table[entry + 1];
  return from + (((to - from) * (int32_t)((position_q32 >> 10) & 0xffffu)) >> 16);
}

RT_HOT uint32_t rt_fixed_sqrt(uint32_t x) {
  uint32_t root = 0;
  for (uint32_t bit = 1u << 30; bit != 0; bit >>= 2) {
    uint32_t trial = root + bit;
    root >>= 1;
    if (x >= trial) {
      x -= trial;
      root += bit;
    }
  }
  return root;
}
