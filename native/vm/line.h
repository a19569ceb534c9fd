/* A line of text that is put together without allocating; what does not fit is cut off. */
#ifndef RT_VM_LINE_H
#define RT_VM_LINE_H

#include <stdint.h>

#define RT_LINE_BYTES 200u

typedef struct {
  uint32_t length;
  char bytes[RT_LINE_BYTES];
} rt_line_t;

static inline void rt_line_put_bytes(rt_line_t *text, const char *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count && text->length < RT_LINE_BYTES; i++) {
    text->bytes[text->length++] = bytes[i];
  }
}

static inline void rt_line_put(rt_line_t *text, const char *string) {
  uint32_t count = 0;
  while (string[count] != 0) count++;
  rt_line_put_bytes(text, string, count);
}

static inline void rt_line_put_int(rt_line_t *text, int32_t number) {
  char digits[11];
  uint32_t count = 0;
  uint32_t left = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
  do {
    digits[sizeof digits - ++count] = (char)('0' + left % 10u);
    left /= 10u;
  } while (left > 0);
  if (number < 0) digits[sizeof digits - ++count] = '-';
  rt_line_put_bytes(text, digits + sizeof digits - count, count);
}

#endif
