/* ds.format and the console. */
#include <string.h>

#include "bus/bus.h"
#include "vm/abi.h"
#include "vm/text.h"

/* Text up to this size is put together once; longer text is measured, then written. */
#define FORMAT_BYTES 192u
/* Longest line on the console; the rest of it is dropped. */
#define LINE_BYTES 296u

/* ---- Format ---- */

/* 0 to 9, a to z from 10; else 99. */
static uint32_t number_of(char c) {
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
  return c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a') + 10u : 99u;
}

static void add_with_digits(rt_text_t *text, rt_value_t value, uint32_t digits) {
  char number[32];
  if (!RT_IS_DOUBLE(value)) {
    rt_text_add_value(text, value);
    return;
  }
  if (digits < 4u) digits = 4u;
  if (digits > 15u) digits = 15u;
  rt_text_add(text, number, rt_number_print_digits(number, value, digits));
}

/*
 * The placeholder at `at`, after its brace: "2}", or "2n…}" with n + 1 significant digits. Returns
 * where to go on. Not closed: nothing is printed.
 */
static const char *add_placeholder(rt_text_t *text, const char *at, const char *end,
                                   const rt_value_t *arguments, uint32_t count) {
  uint32_t index = number_of(*at++);
  uint32_t digits = at < end && number_of(*at) < 36u ? number_of(*at) + 1u : 7u;
  while (at < end && *at != '}') at++;
  if (at == end) return end;
  if (index < count) {
    add_with_digits(text, arguments[index], digits);
  } else {
    rt_text_add_char(text, '?');
  }
  return at + 1;
}

static int is_letter_or_digit(char c) {
  char letter = (char)(c | 0x20);
  return (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z');
}

static void add_formatted(rt_text_t *text, const char *at, const char *end,
                          const rt_value_t *arguments, uint32_t count) {
  while (at < end) {
    const char *plain = at;
    while (at < end && *at != '{' && *at != '}') at++;
    rt_text_add(text, plain, (uint32_t)(at - plain));
    if (at == end) return;
    char brace = *at++;
    if (at == end || *at == brace || brace == '}') {
      rt_text_add_char(text, brace);
      if (at < end && *at == brace) at++;
    } else if (is_letter_or_digit(*at)) {
      at = add_placeholder(text, at, end, arguments, count);
    } else {
      rt_text_add_char(text, '!');
      at++;
    }
  }
}

rt_value_t rt_format(const char *format, uint32_t bytes, const rt_value_t *arguments,
                     uint32_t count) {
  char buffer[FORMAT_BYTES];
  rt_text_t text = {buffer, FORMAT_BYTES, 0};
  add_formatted(&text, format, format + bytes, arguments, count);
  rt_string_t *string = rt_string_reserve(text.length);
  if (string == 0) return RT_UNDEFINED;
  if (text.length <= FORMAT_BYTES) {
    memcpy(string->bytes, buffer, text.length);
  } else {
    text = (rt_text_t){string->bytes, text.length, 0};
    add_formatted(&text, format, format + bytes, arguments, count);
  }
  return rt_string_finish(string);
}

/* ---- Console ---- */

/* Bytes of a line that is at most LINE_BYTES and does not end within a character. */
static uint32_t cut_line(const char *line, uint32_t bytes) {
  if (bytes <= LINE_BYTES) return bytes;
  uint32_t cut = LINE_BYTES;
  while (cut > 0 && ((uint8_t)line[cut] & 0xc0u) == 0x80u) cut--;
  return cut;
}

/* A NUL ends the text, as C has it on the official runtime. */
void rt_print(char level, const char *text, uint32_t bytes) {
  uint32_t size = 0, start = 0;
  while (size < bytes && text[size] != 0) size++;
  do {
    uint32_t end = start;
    while (end < size && text[end] != '\n') end++;
    rt_bus_log(level, text + start, cut_line(text + start, end - start));
    start = end + 1u;
  } while (start < size);
}

void rt_text_print(char level, const rt_text_t *text) {
  rt_print(level, text->text, rt_text_kept(text));
}
