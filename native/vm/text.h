/*
 * Text without a C library: numbers as digits, and a buffer of fixed size that text is put into
 * piece by piece.
 */
#ifndef RT_VM_TEXT_H
#define RT_VM_TEXT_H

#include <stdint.h>

#include "vm/value.h"

/* Decimal digits; returns how many characters. Room for 10, and 11 with a sign. */
uint32_t rt_text_unsigned(char *text, uint32_t number);
uint32_t rt_text_int(char *text, int32_t number);

/* 10 to the power of `exponent`, -330 to 330; the nearest double. */
double rt_number_power_of_ten(int32_t exponent);

#endif
