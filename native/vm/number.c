/*
 * Numbers in their one form, and as text with 7 significant digits. The digits of the official
 * runtime come from the same steps of double arithmetic as below, so that also the last digit is
 * the same; but where it rounds up to a power of ten and prints ":" for the digit ten, this prints
 * the power of ten.
 */
#include <string.h>

#include "libm/bits.h"
#include "libm/libm.h"
#include "vm/object.h"
#include "vm/text.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

#define BITS_BIAS 1023u
#define BITS_MANTISSA_HIGH 0xfffffu

/* ---- The one form ---- */

/* Numbers of magnitude 1 up to 2^31 that are whole; on the bits, as cores without a floating-point
 * unit take longer for a comparison than for all of this. */
static int whole_int32(uint32_t high, uint32_t low, int32_t *number) {
  uint32_t shift = ((high >> 20) & 0x7ffu) - BITS_BIAS; /* 0..31: 2^shift <= |x| < 2^(shift+1) */
  uint32_t mantissa = (high & BITS_MANTISSA_HIGH) | (BITS_MANTISSA_HIGH + 1u);
  uint32_t magnitude;
  if (shift > 31u) return 0;
  if (shift <= 20u) {
    uint32_t drop = 20u - shift;
    if (low != 0 || (mantissa & ((1u << drop) - 1u)) != 0) return 0;
    magnitude = mantissa >> drop;
  } else {
    uint32_t take = shift - 20u;
    if (low << take != 0) return 0;
    magnitude = mantissa << take | low >> (32u - take);
  }
  if (shift == 31u) {
    if (high >> 31 == 0 || magnitude != 0x80000000u) return 0;
    *number = INT32_MIN;
    return 1;
  }
  *number = high >> 31 ? -(int32_t)magnitude : (int32_t)magnitude;
  return 1;
}

rt_value_t rt_value_number(double number) {
  uint64_t bits = rt_libm_to_bits(number);
  uint32_t high = (uint32_t)(bits >> 32), low = (uint32_t)bits;
  int32_t whole;
  if (((high & 0x7fffffffu) | low) == 0) return RT_INT(0);
  if ((high & 0x7ff00000u) == 0x7ff00000u) {
    return (high & BITS_MANTISSA_HIGH) | low ? RT_NAN : bits;
  }
  return whole_int32(high, low, &whole) ? RT_INT(whole) : bits;
}

rt_value_t rt_value_from_int64(int64_t number) {
  if (number == (int32_t)number) return RT_INT(number);
  return rt_value_number((double)number);
}

/* ---- Digits ---- */

/* Quotient by ten without a divider and without a 64-bit product. */
static uint32_t tenth(uint32_t n) {
  uint32_t q = (n >> 1) + (n >> 2);
  q += q >> 4;
  q += q >> 8;
  q += q >> 16;
  q >>= 3;
  return n - q * 10u > 9u ? q + 1u : q;
}

uint32_t rt_text_unsigned(char *text, uint32_t number) {
  char reversed[10];
  uint32_t count = 0;
  do {
    uint32_t rest = tenth(number);
    reversed[count++] = (char)('0' + (number - rest * 10u));
    number = rest;
  } while (number != 0);
  for (uint32_t i = 0; i < count; i++) text[i] = reversed[count - 1 - i];
  return count;
}

uint32_t rt_text_int(char *text, int32_t number) {
  if (number >= 0) return rt_text_unsigned(text, (uint32_t)number);
  text[0] = '-';
  return 1 + rt_text_unsigned(text + 1, 0u - (uint32_t)number);
}

/* Exactly `count` digits, zeros in front. */
static void digits_of(char *text, uint32_t count, uint64_t number) {
  uint32_t high = (uint32_t)(number / 1000000000u);
  uint32_t low = (uint32_t)(number - (uint64_t)high * 1000000000u);
  for (uint32_t i = count; i-- > 0;) {
    uint32_t *part = count - i <= 9u ? &low : &high;
    uint32_t rest = tenth(*part);
    text[i] = (char)('0' + (*part - rest * 10u));
    *part = rest;
  }
}

/* ---- Powers of ten ---- */

static const double small_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

double rt_number_power_of_ten(int32_t exponent) {
  if (exponent < 0)
    return exponent < -22 ? rt_libm_pow(10.0, exponent) : 1 / small_powers[-exponent];
  if (exponent <= 22) return small_powers[exponent];
  return exponent <= 44 ? 1e22 * small_powers[exponent - 22] : rt_libm_pow(10.0, exponent);
}

static int32_t binary_exponent(double x) {
  return (int32_t)((rt_libm_to_bits(x) >> 52) & 0x7ffu) - (int32_t)BITS_BIAS;
}

/*
 * Whether the logarithm of x, rounded to a double, is the integer k although x is not quite 10^k
 * but lies between that and 1: by less than half a unit in the last place of a double next to k.
 */
static int is_hidden_by_log10(double x, int32_t k) {
  double power = rt_number_power_of_ten(k), half_unit = 0x1p-54;
  for (int32_t magnitude = k < 0 ? -k - 1 : k - 1; magnitude > 0; magnitude >>= 1) half_unit *= 2;
  double distance = k < 0 ? x - power : power - x;
  return distance <= half_unit * 2.302585092994046 * power;
}

/* The logarithm of x to base 10, rounded to a double and then towards 0. */
static int32_t truncated_log10(double x) {
  int32_t binary = binary_exponent(x);
  if (x >= 1) {
    int32_t k = (binary * 1233) >> 12; /* 1233/4096 is log10(2) from below */
    while (k < 308 && is_hidden_by_log10(x, k + 1)) k++;
    return k;
  }
  int32_t k = -(((-binary - 1) * 1233) >> 12);
  while (k > -308 && is_hidden_by_log10(x, k - 1)) k--;
  return k;
}

/* ---- Text ---- */

#define DIGITS 7u
#define DIGITS_MOST 15u

/* x * 10^exponent, rounded to the nearest integer, halves up. */
static uint64_t scaled(double x, int32_t exponent) {
  double product =
      exponent >= 0 ? x * rt_number_power_of_ten(exponent) : x / rt_number_power_of_ten(-exponent);
  return (uint64_t)(product + 0.5);
}

static uint32_t without_trailing_zeros(const char *text, uint32_t count) {
  while (text[count - 1] == '0') count--;
  return text[count - 1] == '.' ? count - 1 : count;
}

/* Digits with the point after the one of 10^power; power negative: "0.00…" in front. */
static uint32_t plain(char *text, const char *digits, uint32_t count, int32_t power) {
  uint32_t length = 0;
  if (power + 1 >= (int32_t)count) {
    memcpy(text, digits, count);
    for (length = count; length < (uint32_t)power + 1u; length++) text[length] = '0';
    return length;
  }
  for (int32_t place = power < 0 ? 0 : power; place >= power - (int32_t)count + 1; place--) {
    text[length++] = place > power ? '0' : digits[power - place];
    if (place == 0) text[length++] = '.';
  }
  return without_trailing_zeros(text, length);
}

/* The digits of x scaled to `count` of them; one power more when they round up to that. */
static int32_t digits_at(char *digits, uint32_t count, double x, int32_t power, int32_t scale) {
  uint64_t number = scaled(x, (int32_t)count - 1 - scale);
  uint64_t limit = 10;
  for (uint32_t i = 1; i < count; i++) limit *= 10u;
  if (number >= limit) {
    number = limit / 10u;
    power++;
  }
  digits_of(digits, count, number);
  return power;
}

static uint32_t print_exponential(char *text, double x, uint32_t count) {
  char digits[DIGITS_MOST];
  int32_t power = truncated_log10(x);
  power = digits_at(digits, count, x / rt_number_power_of_ten(power), power, 0);
  uint32_t length = plain(text, digits, count, 0);
  text[length++] = 'e';
  if (power >= 0) text[length++] = '+';
  return length + rt_text_int(text + length, power);
}

static uint32_t print_plain(char *text, double x, uint32_t count) {
  char digits[DIGITS_MOST];
  int32_t power = truncated_log10(x);
  if (power + 1 > (int32_t)count) {
    count = power + 1 < (int32_t)DIGITS_MOST ? (uint32_t)power + 1u : DIGITS_MOST;
  }
  power = digits_at(digits, count, x, power, power);
  return plain(text, digits, count, power);
}

static uint32_t print_positive(char *text, double x, uint32_t digits) {
  if (x < 2.23e-308) {
    text[0] = '0';
    return 1;
  }
  return x >= 1e-6 && x <= 1e21 ? print_plain(text, x, digits) : print_exponential(text, x, digits);
}

uint32_t rt_number_print_digits(char *text, rt_value_t number, uint32_t digits) {
  if (RT_IS_INT(number)) return rt_text_int(text, (int32_t)RT_PAYLOAD(number));
  double x = rt_value_double(number);
  uint32_t sign = x < 0;
  if (x != x) {
    memcpy(text, "NaN", 3);
    return 3;
  }
  text[0] = '-';
  if (x - x != 0) {
    memcpy(text + sign, "Infinity", 8);
    return sign + 8;
  }
  uint32_t length = print_positive(text + sign, sign ? -x : x, digits);
  if (length > 1 || text[sign] != '0') return sign + length;
  text[0] = '0';
  return 1;
}

uint32_t rt_number_print(char *text, rt_value_t number) {
  return rt_number_print_digits(text, number, DIGITS);
}
