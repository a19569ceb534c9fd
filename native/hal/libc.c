/*
 * For targets without a C library: the functions that a C compiler may call on its own, for copying
 * and clearing structures, with the names that the ARM ABI adds; and those of
 * native/hal/freestanding/string.h.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);

/* Words of memory that something else lives in. */
typedef uint32_t __attribute__((may_alias)) word_t;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((((uintptr_t)t | (uintptr_t)f) & 3u) == 0) {
    for (; bytes >= 16u; bytes -= 16u, t += 16, f += 16) {
      const word_t *source = (const word_t *)(const void *)f;
      word_t *target = (word_t *)(void *)t;
      word_t a = source[0], b = source[1], c = source[2], d = source[3];
      target[0] = a;
      target[1] = b;
      target[2] = c;
      target[3] = d;
    }
    for (; bytes >= 4u; bytes -= 4u, t += 4, f += 4) {
      *(word_t *)(void *)t = *(const word_t *)(const void *)f;
    }
  }
  while (bytes-- > 0) *t++ = *f++;
  return to;
}

void *memset(void *to, int value, size_t bytes) {
  uint8_t *t = to;
  for (; bytes > 0 && ((uintptr_t)t & 3u) != 0; bytes--) *t++ = (uint8_t)value;
  const word_t word = (uint8_t)value * 0x01010101u;
  for (; bytes >= 16u; bytes -= 16u, t += 16) {
    word_t *target = (word_t *)(void *)t;
    target[0] = word;
    target[1] = word;
    target[2] = word;
    target[3] = word;
  }
  while (bytes-- > 0) *t++ = (uint8_t)value;
  return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((uintptr_t)t <= (uintptr_t)f) {
    for (size_t i = 0; i < bytes; i++) t[i] = f[i];
  } else {
    while (bytes-- > 0) t[bytes] = f[bytes];
  }
  return to;
}

int memcmp(const void *a, const void *b, size_t bytes) {
  const uint8_t *x = a;
  const uint8_t *y = b;
  for (size_t i = 0; i < bytes; i++) {
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

#ifdef __ARM_EABI__
void __aeabi_memcpy(void *to, const void *from, size_t bytes);
void __aeabi_memcpy4(void *to, const void *from, size_t bytes);
void __aeabi_memset(void *to, size_t bytes, int value);
void __aeabi_memclr(void *to, size_t bytes);
void __aeabi_memclr4(void *to, size_t bytes);

void __aeabi_memcpy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
void __aeabi_memcpy4(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
void __aeabi_memset(void *to, size_t bytes, int value) { memset(to, value, bytes); }
void __aeabi_memclr(void *to, size_t bytes) { memset(to, 0, bytes); }
void __aeabi_memclr4(void *to, size_t bytes) { memset(to, 0, bytes); }
#endif
