/*
 * For targets without a C library: the few functions of <string.h> that native/ uses. Defined in
 * native/hal/libc.c; a host has its own.
 */
#ifndef RT_HAL_FREESTANDING_STRING_H
#define RT_HAL_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);

#endif
