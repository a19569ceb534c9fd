/*
 * Text to number, correctly rounded, as C's strtod reads it in the "C" locale: decimal and
 * hexadecimal, "inf", "infinity" and "nan" in any case.
 */
#include <string.h>

#include "libm/bits.h"
#include "vm/object.h"
#include "vm/text.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* ---- Large integers, for what does not fit two doubles ---- */

/* 10^366, the largest divisor, has 1,216 bits. */
#define BIG_WORDS 42

typedef struct {
  uint32_t used; /* words; the highest of them is not 0 */
  uint32_t word[BIG_WORDS];
} big_t;

static void big_multiply_add(big_t *big, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (uint32_t i = 0; i < big->used; i++) {
    carry += (uint64_t)big->word[i] * factor;
    big->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0 && big->used < BIG_WORDS) big->word[big->used++] = (uint32_t)carry;
}

static void big_multiply_power_of_ten(big_t *big, uint32_t exponent) {
  for (; exponent >= 9; exponent -= 9) big_multiply_add(big, 1000000000u, 0);
  for (; exponent > 0; exponent--) big_multiply_add(big, 10u, 0);
}

static uint32_t big_bits(const big_t *big) {
  uint32_t top = big->word[big->used - 1], bits = (big->used - 1) * 32u;
  for (; top != 0; top >>= 1) bits++;
  return bits;
}

static void big_shift_left(big_t *big, uint32_t bits) {
  for (; bits >= 16; bits -= 16) big_multiply_add(big, 1u << 16, 0);
  big_multiply_add(big, 1u << bits, 0);
}

static int big_compare(const big_t *a, const big_t *b) {
  if (a->used != b->used) return a->used > b->used ? 1 : -1;
  for (uint32_t i = a->used; i-- > 0;) {
    if (a->word[i] != b->word[i]) return a->word[i] > b->word[i] ? 1 : -1;
  }
  return 0;
}

/* a -= b; a is not less. */
static void big_subtract(big_t *a, const big_t *b) {
  uint32_t borrow = 0;
  for (uint32_t i = 0; i < a->used; i++) {
    uint64_t difference = (uint64_t)a->word[i] - (i < b->used ? b->word[i] : 0) - borrow;
    a->word[i] = (uint32_t)difference;
    borrow = (uint32_t)(difference >> 32) & 1u;
  }
  while (a->used > 0 && a->word[a->used - 1] == 0) a->used--;
}

/* The double nearest to numerator / denominator, both not 0; ties to even. Spoils both. */
static double big_quotient(big_t *numerator, big_t *denominator) {
  int32_t exponent = (int32_t)big_bits(numerator) - (int32_t)big_bits(denominator);
  if (exponent > 0) big_shift_left(denominator, (uint32_t)exponent);
  if (exponent < 0) big_shift_left(numerator, (uint32_t)-exponent);
  if (big_compare(numerator, denominator) < 0) {
    big_shift_left(numerator, 1);
    exponent--;
  }
  /* now 1 <= numerator / denominator < 2, times 2^exponent */
  if (exponent > 1023) return rt_libm_from_bits(0x7ff0000000000000u);
  int32_t bits = exponent < -1022 ? 53 + exponent + 1022 : 53;
  if (bits < 0) return 0;
  uint64_t quotient = 0;
  for (int32_t i = 0; i < bits; i++) {
    quotient <<= 1;
    if (big_compare(numerator, denominator) >= 0) {
      big_subtract(numerator, denominator);
      quotient |= 1u;
    }
    big_shift_left(numerator, 1);
  }
  /* the next bit, were there one, is numerator >= denominator; bits 0: the number is half a unit */
  int rest = big_compare(numerator, denominator);
  if (rest > 0 || (rest == 0 && (quotient & 1u))) quotient++;
  /* a quotient that rounded up to the next power of two carries into the exponent as it should */
  if (bits < 53) return rt_libm_from_bits(quotient);
  return rt_libm_from_bits(quotient + ((uint64_t)(uint32_t)(exponent + 1022) << 52));
}

/* ---- Reading ---- */

/*
 * A number's digits: `value` from the first 19 significant ones, times base^exponent. Those beyond
 * are read again for the large integers.
 */
typedef struct {
  const char *at, *end;
  const char *first; /* significant digit */
  uint64_t value;
  int32_t exponent; /* of the base, 4 bits in each digit for hexadecimal */
  uint32_t digits;  /* significant ones, trailing zeros too */
  uint32_t any;     /* digits read, leading zeros too */
} scan_t;

#define SCAN_DIGITS 19u
/* Digits that take part in exact comparison; what follows only counts as "a bit more". */
#define BIG_DIGITS 40u
#define EXPONENT_LIMIT 100000

static uint32_t digit_of(char c, uint32_t base) {
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
  uint32_t letter = (uint32_t)(c | 0x20) - 'a';
  return base == 16 && letter < 6 ? letter + 10 : 99;
}

static void scan_digits(scan_t *scan, uint32_t base) {
  uint32_t limit = base == 16 ? 15u : SCAN_DIGITS;
  int32_t point = 0;
  for (; scan->at < scan->end; scan->at++) {
    if (*scan->at == '.' && point == 0) {
      point = 1;
      continue;
    }
    uint32_t digit = digit_of(*scan->at, base);
    if (digit >= base) break;
    scan->any++;
    if (digit != 0 && scan->digits == 0) scan->first = scan->at;
    if (scan->digits > 0 || digit != 0) scan->digits++;
    if (scan->digits > limit) {
      if (base == 16 && digit != 0) scan->value |= 1u; /* far below the last place */
      scan->exponent += 1 - point;
    } else {
      scan->value = scan->value * base + digit;
      scan->exponent -= point;
    }
  }
}

/* "e+12" or "p-3", if complete. */
static int32_t scan_exponent(scan_t *scan, char letter) {
  const char *at = scan->at;
  if (scan->end - at < 2 || (*at | 0x20) != letter) return 0;
  at++;
  int negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  if (at == scan->end || digit_of(*at, 10) > 9) return 0;
  int32_t exponent = 0;
  for (; at < scan->end && digit_of(*at, 10) <= 9; at++) {
    if (exponent < EXPONENT_LIMIT) exponent = exponent * 10 + (int32_t)digit_of(*at, 10);
  }
  scan->at = at;
  return negative ? -exponent : exponent;
}

/* ---- Value ---- */

/* The digits from the first significant one, at most BIG_DIGITS; how many went in. */
static uint32_t big_from_digits(big_t *big, const scan_t *scan) {
  uint32_t taken = 0, more = 0;
  big->used = 0;
  const char *at = scan->first;
  for (uint32_t i = 0; i < scan->digits; at++) {
    if (*at == '.') continue;
    i++;
    if (taken < BIG_DIGITS) {
      big_multiply_add(big, 10u, digit_of(*at, 10));
      taken++;
    } else if (*at != '0') {
      more = 1;
    }
  }
  if (more) big_multiply_add(big, 10u, 1);
  return taken + more;
}

static double decimal_value(const scan_t *scan, int32_t exponent) {
  if (scan->value == 0) return 0;
  if (scan->digits <= SCAN_DIGITS && scan->value >> 53 == 0) {
    double value = (double)scan->value; /* exact, and so are the powers: one rounding */
    if (exponent == 0) return value;
    if (exponent > 0 && exponent <= 22) return value * rt_number_power_of_ten(exponent);
    if (exponent < 0 && exponent >= -22) return value / rt_number_power_of_ten(-exponent);
  }
  uint32_t scanned = scan->digits < SCAN_DIGITS ? scan->digits : SCAN_DIGITS;
  int32_t magnitude = exponent + (int32_t)scanned; /* 0.d… * 10^magnitude */
  if (magnitude > 310) return rt_libm_from_bits(0x7ff0000000000000u);
  if (magnitude < -325) return 0;
  big_t numerator, denominator = {1, {1}};
  exponent = magnitude - (int32_t)big_from_digits(&numerator, scan);
  if (exponent > 0) big_multiply_power_of_ten(&numerator, (uint32_t)exponent);
  if (exponent < 0) big_multiply_power_of_ten(&denominator, (uint32_t)-exponent);
  return big_quotient(&numerator, &denominator);
}

/* value * 2^exponent: at most 60 bits of value, so that one bit can stand for all that follow. */
static double binary_value(uint64_t value, int32_t exponent) {
  if (value == 0 || exponent < -1200) return 0;
  if (exponent > 1024) return rt_libm_from_bits(0x7ff0000000000000u);
  big_t numerator = {2, {(uint32_t)value, (uint32_t)(value >> 32)}}, denominator = {1, {1}};
  if (numerator.word[1] == 0) numerator.used = 1;
  if (exponent > 0) big_shift_left(&numerator, (uint32_t)exponent);
  if (exponent < 0) big_shift_left(&denominator, (uint32_t)-exponent);
  return big_quotient(&numerator, &denominator);
}

/* ---- Words ---- */

/* Characters of `word` at the start of the text, in any case; 0 unless all are there. */
static uint32_t word_at(const char *at, const char *end, const char *word) {
  uint32_t i = 0;
  for (; word[i] != 0; i++) {
    if (at + i >= end || (at[i] | 0x20) != word[i]) return 0;
  }
  return i;
}

static double word_value(const char **at, const char *end) {
  uint32_t size = word_at(*at, end, "infinity");
  if (size == 0) size = word_at(*at, end, "inf");
  double value = rt_libm_nan();
  if (size > 0) {
    value = rt_libm_from_bits(0x7ff0000000000000u);
  } else {
    size = word_at(*at, end, "nan");
  }
  *at += size;
  return value;
}

static int is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static double unsigned_value(const char **at, const char *end) {
  scan_t scan = {*at, end, *at, 0, 0, 0, 0};
  if (end - *at > 2 && **at == '0' && ((*at)[1] | 0x20) == 'x' &&
      (digit_of((*at)[2], 16) < 16 ||
       ((*at)[2] == '.' && end - *at > 3 && digit_of((*at)[3], 16) < 16))) {
    scan.at += 2;
    scan_digits(&scan, 16);
    *at = scan.at;
    int32_t exponent = 4 * scan.exponent + scan_exponent(&scan, 'p');
    *at = scan.at;
    return binary_value(scan.value, exponent);
  }
  scan_digits(&scan, 10);
  if (scan.any == 0) return word_value(at, end);
  int32_t exponent = scan.exponent + scan_exponent(&scan, 'e');
  *at = scan.at;
  return decimal_value(&scan, exponent);
}

double rt_number_parse(const char *text, uint32_t bytes, uint32_t *used) {
  const char *at = text, *end = text + bytes;
  while (at < end && is_space(*at)) at++;
  int negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  const char *begin = at;
  double value = unsigned_value(&at, end);
  *used = at == begin ? 0 : (uint32_t)(at - text);
  return negative ? -value : value;
}
