/*
 * Text without a C library: numbers as digits, and text put together piece by piece in a buffer of
 * fixed size.
 */
#ifndef RT_VM_TEXT_H
#define RT_VM_TEXT_H

#include <stdint.h>

#include "vm/value.h"

/* ---- Numbers ---- */

/* Decimal digits; returns how many characters. Room for 10, and 11 with a sign. */
uint32_t rt_text_unsigned(char *text, uint32_t number);
uint32_t rt_text_int(char *text, int32_t number);

/* rt_number_print with `digits` significant ones, 4 to 15. */
uint32_t rt_number_print_digits(char *text, rt_value_t number, uint32_t digits);

/* 10 to the power of `exponent`, -330 to 330; the nearest double. */
double rt_number_power_of_ten(int32_t exponent);

/* ---- Pieces ---- */

/* What does not fit is counted, not kept: `length` is how long the text should be. */
typedef struct {
  char *text;
  uint32_t room, length; /* bytes */
} rt_text_t;

/* Bytes that were kept. */
static inline uint32_t rt_text_kept(const rt_text_t *text) {
  return text->length < text->room ? text->length : text->room;
}

void rt_text_add(rt_text_t *text, const char *piece, uint32_t bytes);
void rt_text_add_char(rt_text_t *text, char c);
/* A C string. */
void rt_text_add_words(rt_text_t *text, const char *words);
void rt_text_add_int(rt_text_t *text, int32_t number);
void rt_text_add_hex_byte(rt_text_t *text, uint8_t byte);
/* Without leading zeros. */
void rt_text_add_hex(rt_text_t *text, uint32_t number);
/* In quotes, with escapes; what is not ASCII as it is (JSON), or byte by byte (the console). */
void rt_text_add_quoted(rt_text_t *text, const char *piece, uint32_t bytes);
void rt_text_add_quoted_ascii(rt_text_t *text, const char *piece, uint32_t bytes);

/* ---- Values ---- */

/*
 * A value as console.log prints it: strings as they are, all else in at most RT_INSPECT_BYTES,
 * longer text ends in "...". Allocates nothing.
 */
#define RT_INSPECT_BYTES 100u
void rt_text_add_value(rt_text_t *text, rt_value_t value);
/* As above, but strings in quotes and cut as well. */
void rt_text_add_inspected(rt_text_t *text, rt_value_t value);

/* Prints what was kept on the console. */
void rt_text_print(char level, const rt_text_t *text);

#endif
