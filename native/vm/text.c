/* Text put together piece by piece. */
#include "vm/text.h"

#include <string.h>

#include "vm/object.h"

void rt_text_add(rt_text_t *text, const char *piece, uint32_t bytes) {
  if (text->length < text->room) {
    uint32_t fits = text->room - text->length;
    memcpy(text->text + text->length, piece, bytes < fits ? bytes : fits);
  }
  text->length += bytes;
}

void rt_text_add_char(rt_text_t *text, char c) { rt_text_add(text, &c, 1); }

void rt_text_add_words(rt_text_t *text, const char *words) {
  uint32_t bytes = 0;
  while (words[bytes] != 0) bytes++;
  rt_text_add(text, words, bytes);
}

void rt_text_add_int(rt_text_t *text, int32_t number) {
  char digits[11];
  rt_text_add(text, digits, rt_text_int(digits, number));
}

static const char hex_digits[16] = "0123456789abcdef";

void rt_text_add_hex_byte(rt_text_t *text, uint8_t byte) {
  char digits[2] = {hex_digits[byte >> 4], hex_digits[byte & 15u]};
  rt_text_add(text, digits, 2);
}

void rt_text_add_hex(rt_text_t *text, uint32_t number) {
  uint32_t shift = 28;
  while (shift > 0 && number >> shift == 0) shift -= 4;
  for (;; shift -= 4) {
    rt_text_add_char(text, hex_digits[(number >> shift) & 15u]);
    if (shift == 0) return;
  }
}

static void add_escaped(rt_text_t *text, char c) {
  static const char letters[] = "\"\"\\\\\nn\rr\tt";
  for (const char *pair = letters; *pair != 0; pair += 2) {
    if (*pair == c) {
      rt_text_add_char(text, '\\');
      rt_text_add_char(text, pair[1]);
      return;
    }
  }
  rt_text_add(text, "\\u00", 4);
  rt_text_add_hex_byte(text, (uint8_t)c);
}

/* Bytes up to `last` stay as they are, but for quotes, backslashes and control characters. */
static void add_quoted(rt_text_t *text, const char *piece, uint32_t bytes, uint8_t last) {
  const char *end = piece + bytes;
  rt_text_add_char(text, '"');
  while (piece < end) {
    const char *plain = piece;
    while (piece < end && (uint8_t)*piece >= 0x20u && (uint8_t)*piece <= last && *piece != '"' &&
           *piece != '\\') {
      piece++;
    }
    rt_text_add(text, plain, (uint32_t)(piece - plain));
    if (piece < end) add_escaped(text, *piece++);
  }
  rt_text_add_char(text, '"');
}

void rt_text_add_quoted(rt_text_t *text, const char *piece, uint32_t bytes) {
  add_quoted(text, piece, bytes, 0xffu);
}

void rt_text_add_quoted_ascii(rt_text_t *text, const char *piece, uint32_t bytes) {
  add_quoted(text, piece, bytes, 0x7fu);
}
