/*
 * Strings: UTF-8, counted and indexed in code points. A string whose bytes are as many as its code
 * points is ASCII and indexed at once; of others the last position looked up is remembered, so that
 * walking along one is not quadratic. Strings of the image have a table of every 16th code point.
 */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/role.h"

#define UTF8_STEP (1u << RT_IMAGE_UTF8_SHIFT)
#define LARGEST_BYTES 0x70000u
#define SMALL_TEXT 40u /* room for a number, or any of the builtin words */

static struct {
  const rt_string_t *string;
  uint32_t code_point, offset;
} last_position;

void rt_string_forget(void) { last_position.string = NULL; }

/* ---- Looking into a string ---- */

static rt_string_t *heap_string(rt_value_t value) {
  return (rt_string_t *)RT_POINTER(RT_PAYLOAD(value));
}

int rt_is_string(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_STRING) return 1;
  return RT_TAG(value) == RT_TAG_OBJECT && heap_string(value)->header.kind == RT_KIND_STRING;
}

const char *rt_string_text(rt_value_t value, uint32_t *bytes) {
  if (RT_TAG(value) == RT_TAG_STRING) return rt_image_string((uint16_t)RT_PAYLOAD(value), bytes);
  if (RT_TAG(value) != RT_TAG_OBJECT) return NULL;
  const rt_string_t *string = heap_string(value);
  if (string->header.kind != RT_KIND_STRING) return NULL;
  *bytes = string->header.extra;
  return string->bytes;
}

static uint32_t read16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

/* Header of a utf8 string of the image, or NULL. */
static const uint8_t *utf8_header(rt_value_t value) {
  if (RT_TAG(value) != RT_TAG_STRING) return NULL;
  if (RT_PAYLOAD(value) >> RT_STRING_SHIFT != RT_STRING_TYPE_UTF8) return NULL;
  uint32_t index = RT_PAYLOAD(value) & ((1u << RT_STRING_SHIFT) - 1u);
  return (const uint8_t *)rt_image.strings + rt_image.utf8[index];
}

uint32_t rt_string_length(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_OBJECT) return heap_string(value)->length;
  const uint8_t *header = utf8_header(value);
  if (header != NULL) return read16(header + 2);
  uint32_t bytes;
  (void)rt_string_text(value, &bytes);
  return bytes;
}

static int is_continuation(char byte) { return ((uint8_t)byte & 0xc0u) == 0x80u; }

/* The offset `count` code points behind `offset`; `bytes` past the end. */
static uint32_t advance(const char *text, uint32_t bytes, uint32_t offset, uint32_t count) {
  while (count > 0 && offset < bytes) {
    offset++;
    while (offset < bytes && is_continuation(text[offset])) offset++;
    count--;
  }
  return offset;
}

static uint32_t heap_offset(const rt_string_t *string, uint32_t code_point) {
  uint32_t bytes = string->header.extra;
  if (string->length == bytes || code_point >= string->length) {
    return code_point < bytes ? code_point : bytes;
  }
  uint32_t at = 0, offset = 0;
  if (last_position.string == string && last_position.code_point <= code_point) {
    at = last_position.code_point;
    offset = last_position.offset;
  }
  offset = advance(string->bytes, bytes, offset, code_point - at);
  last_position.string = string;
  last_position.code_point = code_point;
  last_position.offset = offset;
  return offset;
}

uint32_t rt_string_offset(rt_value_t value, uint32_t code_point) {
  if (RT_TAG(value) == RT_TAG_OBJECT) {
    const rt_string_t *string = heap_string(value);
    return code_point >= string->length ? string->header.extra : heap_offset(string, code_point);
  }
  uint32_t bytes;
  const char *text = rt_string_text(value, &bytes);
  const uint8_t *header = utf8_header(value);
  if (header == NULL) return code_point < bytes ? code_point : bytes;
  if (code_point >= read16(header + 2)) return bytes;
  uint32_t jump = code_point / UTF8_STEP;
  uint32_t offset = jump == 0 ? 0 : read16(header + 4u + 2u * (jump - 1u));
  return advance(text, bytes, offset, code_point % UTF8_STEP);
}

int rt_string_equals(rt_value_t a, rt_value_t b) {
  if (a == b) return 1;
  uint32_t a_bytes, b_bytes;
  const char *a_text = rt_string_text(a, &a_bytes);
  const char *b_text = rt_string_text(b, &b_bytes);
  return a_bytes == b_bytes && memcmp(a_text, b_text, a_bytes) == 0;
}

/* ---- Making strings ---- */

rt_string_t *rt_string_reserve(uint32_t bytes) {
  if (bytes > LARGEST_BYTES) {
    (void)rt_throw_out_of_memory();
    return NULL;
  }
  rt_string_t *string = (rt_string_t *)rt_heap_allocate_raw(
      RT_KIND_STRING, sizeof(rt_string_t) - sizeof(rt_object_t) + bytes + 1u);
  if (string == NULL) return NULL;
  string->header.extra = bytes;
  string->length = bytes;
  string->hash = 0;
  string->bytes[bytes] = 0;
  return string;
}

rt_value_t rt_string_copy(const char *text, uint32_t bytes, uint32_t length) {
  if (bytes == 0) return RT_MAKE(RT_TAG_STRING, RT_STR__empty);
  rt_string_t *string = rt_string_reserve(bytes);
  if (string == NULL) return RT_UNDEFINED;
  memcpy(string->bytes, text, bytes);
  string->length = length;
  return RT_OBJECT(string);
}

uint32_t rt_utf8_decode(const char *text, uint32_t bytes, uint32_t *code) {
  uint8_t first = (uint8_t)text[0];
  *code = first;
  if (first < 0x80u) return 1;
  uint32_t size = first >= 0xf0u ? 4u : first >= 0xe0u ? 3u : 2u;
  if (first < 0xc2u || first > 0xf4u || size > bytes) return 0;
  uint32_t value = first & (0xffu >> (size + 1u));
  for (uint32_t i = 1; i < size; i++) {
    if (!is_continuation(text[i])) return 0;
    value = value << 6 | ((uint8_t)text[i] & 0x3fu);
  }
  if ((size == 3u && value < 0x800u) || (size == 4u && value < 0x10000u)) return 0;
  if ((value & 0xfffff800u) == 0xd800u || value > 0x10ffffu) return 0;
  *code = value;
  return size;
}

uint32_t rt_utf8_encode(char *text, uint32_t code) {
  if (code > 0x10ffffu || (code & 0xfffff800u) == 0xd800u) code = 0xfffdu;
  if (code < 0x80u) {
    text[0] = (char)code;
    return 1;
  }
  uint32_t size = code < 0x800u ? 2u : code < 0x10000u ? 3u : 4u;
  for (uint32_t i = size - 1u; i > 0; i--) {
    text[i] = (char)(0x80u | (code & 0x3fu));
    code >>= 6;
  }
  text[0] = (char)((0xf00u >> size & 0xf0u) | code);
  return size;
}

/* A run of bad bytes that can be the start of one sequence counts as one character. */
static uint32_t skip_bad(const char *text, uint32_t bytes) {
  uint8_t first = (uint8_t)text[0];
  uint32_t most = first >= 0xf0u ? 4u : first >= 0xe0u ? 3u : 2u;
  uint32_t used = 1;
  if (first < 0xc0u) return used;
  while (used < bytes && used < most && is_continuation(text[used])) used++;
  return used;
}

/* Bytes that a text has as good UTF-8, its code points, and how many of them had to be replaced. */
static uint32_t measure(const char *text, uint32_t bytes, uint32_t *length, uint32_t *bad) {
  uint32_t total = 0, count = 0, code;
  *bad = 0;
  for (uint32_t i = 0; i < bytes; count++) {
    uint32_t size = rt_utf8_decode(text + i, bytes - i, &code);
    total += size != 0 ? size : 3u;
    *bad += size == 0;
    i += size != 0 ? size : skip_bad(text + i, bytes - i);
  }
  *length = count;
  return total;
}

static void copy_repaired(char *to, const char *text, uint32_t bytes) {
  uint32_t code;
  for (uint32_t i = 0; i < bytes;) {
    uint32_t size = rt_utf8_decode(text + i, bytes - i, &code);
    i += size != 0 ? size : skip_bad(text + i, bytes - i);
    to += rt_utf8_encode(to, size != 0 ? code : 0xfffdu);
  }
}

/* Whether bytes are all below 0x80: what most text is. */
static int is_ascii(const char *text, uint32_t bytes) {
  uint32_t all = 0;
  for (uint32_t i = 0; i < bytes; i++) all |= (uint8_t)text[i];
  return all < 0x80u;
}

/* Texts that lie in the heap may move out of reach of nothing: blocks stay where they are, and the
 * caller keeps what `text` belongs to alive. */
rt_value_t rt_string_new(const char *text, uint32_t bytes) {
  if (is_ascii(text, bytes)) return rt_string_copy(text, bytes, bytes);
  uint32_t length, bad;
  uint32_t total = measure(text, bytes, &length, &bad);
  if (bad == 0) return rt_string_copy(text, bytes, length);
  rt_string_t *string = rt_string_reserve(total);
  if (string == NULL) return RT_UNDEFINED;
  copy_repaired(string->bytes, text, bytes);
  string->length = length;
  return RT_OBJECT(string);
}

rt_value_t rt_string_finish(rt_string_t *string) {
  uint32_t bytes = string->header.extra;
  if (is_ascii(string->bytes, bytes)) return RT_OBJECT(string);
  uint32_t length, bad;
  (void)measure(string->bytes, bytes, &length, &bad);
  if (bad == 0) {
    string->length = length;
    return RT_OBJECT(string);
  }
  rt_heap_root(RT_OBJECT(string));
  return rt_string_new(string->bytes, bytes);
}

rt_value_t rt_string_at(rt_value_t string, uint32_t code_point) {
  uint32_t bytes, length, start;
  const char *text = rt_string_text(string, &bytes);
  if (RT_TAG(string) == RT_TAG_OBJECT) {
    length = heap_string(string)->length;
  } else {
    const uint8_t *header = utf8_header(string);
    length = header != NULL ? read16(header + 2) : bytes;
  }
  if (code_point >= length) return RT_UNDEFINED;
  if (length == bytes) return rt_string_copy(text + code_point, 1, 1);
  start = rt_string_offset(string, code_point);
  return rt_string_copy(text + start, advance(text, bytes, start, 1) - start, 1);
}

/* ---- Joining ---- */

typedef struct {
  const char *text;
  uint32_t bytes, length;
  char room[SMALL_TEXT];
} rt_part_t;

/* The text of a value without making a string of it where possible. 0, or -1 with an error pending.
 */
static int part_of(rt_part_t *part, rt_value_t value) {
  if (RT_IS_NUMBER(value)) {
    part->text = part->room;
    part->bytes = rt_number_print(part->room, value);
    part->length = part->bytes;
    return 0;
  }
  part->text = rt_string_text(value, &part->bytes);
  if (part->text == NULL) {
    value = rt_to_string(value);
    if (rt_is_throwing()) return -1;
    rt_heap_root(value);
    part->text = rt_string_text(value, &part->bytes);
  }
  part->length = part->bytes;
  if (RT_TAG(value) == RT_TAG_OBJECT) {
    part->length = heap_string(value)->length;
  } else {
    const uint8_t *header = utf8_header(value);
    if (header != NULL) part->length = read16(header + 2);
  }
  return 0;
}

rt_value_t rt_string_concat(rt_value_t a, rt_value_t b) {
  rt_part_t left, right;
  uint32_t level = rt_heap_root_level();
  if (RT_TAG(a) == RT_TAG_OBJECT) rt_heap_root(a);
  if (RT_TAG(b) == RT_TAG_OBJECT) rt_heap_root(b);
  rt_value_t result = RT_UNDEFINED;
  if (part_of(&left, a) == 0 && part_of(&right, b) == 0) {
    rt_string_t *string = rt_string_reserve(left.bytes + right.bytes);
    if (string != NULL) {
      memcpy(string->bytes, left.text, left.bytes);
      memcpy(string->bytes + left.bytes, right.text, right.bytes);
      string->length = left.length + right.length;
      result = RT_OBJECT(string);
    }
  }
  rt_heap_unroot(level);
  return result;
}
