/* String: what is not written in TypeScript. Positions are code points. */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/slice.h"

static int check_this(const rt_call_t *call) {
  if (rt_is_string(call->receiver)) return 0;
  (void)rt_throw_expecting("string", call->receiver);
  return -1;
}

rt_value_t rt_native_string_length(rt_call_t *call) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  return RT_INT(rt_string_length(call->receiver));
}

rt_value_t rt_native_string_byte_length(rt_call_t *call) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  uint32_t bytes;
  (void)rt_string_text(call->receiver, &bytes);
  return RT_INT(bytes);
}

rt_value_t rt_native_string_char_code_at(rt_call_t *call) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  int32_t at = rt_to_int32(call->arguments[0]);
  if (at < 0 || (uint32_t)at >= rt_string_length(call->receiver)) return RT_INT(0);
  uint32_t bytes, code;
  const char *text = rt_string_text(call->receiver, &bytes);
  uint32_t offset = rt_string_offset(call->receiver, (uint32_t)at);
  (void)rt_utf8_decode(text + offset, bytes - offset, &code);
  return RT_INT(code);
}

rt_value_t rt_native_string_char_at(rt_call_t *call) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  int32_t at = rt_to_int32(call->arguments[0]);
  return at < 0 ? RT_UNDEFINED : rt_string_at(call->receiver, (uint32_t)at);
}

rt_value_t rt_native_string_slice(rt_call_t *call) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  uint32_t length = rt_string_length(call->receiver);
  uint32_t start, end, bytes;
  rt_slice_range(call, length, &start, &end);
  if (end - start == length) return call->receiver;
  const char *text = rt_string_text(call->receiver, &bytes);
  uint32_t from = rt_string_offset(call->receiver, start);
  uint32_t to = rt_string_offset(call->receiver, end);
  return rt_string_copy(text + from, to - from, end - start);
}

rt_value_t rt_native_string_from_char_code(rt_call_t *call) {
  uint32_t total = 0;
  char character[4];
  for (uint32_t i = 0; i < call->count; i++) {
    total += rt_utf8_encode(character, (uint32_t)rt_to_int32(call->arguments[i]));
  }
  if (total == 0) return RT_MAKE(RT_TAG_STRING, RT_STR__empty);
  rt_string_t *string = rt_string_reserve(total);
  if (string == NULL) return RT_UNDEFINED;
  char *to = string->bytes;
  for (uint32_t i = 0; i < call->count; i++) {
    to += rt_utf8_encode(to, (uint32_t)rt_to_int32(call->arguments[i]));
  }
  string->length = call->count;
  return RT_OBJECT(string);
}

/* ---- indexOf ---- */

typedef struct {
  const char *text, *part;
  uint32_t bytes, part_bytes;
} rt_search_t;

static int found_at(const rt_search_t *search, uint32_t offset) {
  return search->part_bytes <= search->bytes - offset &&
         memcmp(search->text + offset, search->part, search->part_bytes) == 0;
}

static uint32_t next(const rt_search_t *search, uint32_t offset) {
  do {
    offset++;
  } while (offset < search->bytes && ((uint8_t)search->text[offset] & 0xc0u) == 0x80u);
  return offset;
}

/* First or last position in [start, end) where the part is; the text has code points up to `end`.
 */
static int32_t find(const rt_search_t *search, rt_value_t string, uint32_t start, uint32_t end,
                    int last) {
  int32_t found = -1;
  uint32_t offset = rt_string_offset(string, start);
  for (uint32_t at = start; at < end; at++) {
    if (found_at(search, offset)) {
      found = (int32_t)at;
      if (!last) break;
    }
    offset = next(search, offset);
  }
  return found;
}

/* indexOf(part, start, end): matches begin in [start, end); a negative end means the last of those
 * in [start, -end). */
rt_value_t rt_native_string_index_of(rt_call_t *call) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  rt_search_t search;
  search.part = rt_string_text(call->arguments[0], &search.part_bytes);
  if (search.part == NULL) return RT_INT(-1);
  search.text = rt_string_text(call->receiver, &search.bytes);
  int32_t length = (int32_t)rt_string_length(call->receiver);
  int32_t start = rt_to_int32(call->arguments[1]);
  int32_t end = length;
  if (call->arguments[2] != RT_UNDEFINED) end = rt_to_int32(call->arguments[2]);
  int last = end < 0;
  if (last) end = end < -length ? length : -end;
  if (end > length) end = length;
  if (start < 0 || start >= end) return RT_INT(-1);
  return RT_INT(find(&search, call->receiver, (uint32_t)start, (uint32_t)end, last));
}

/* ---- Case: ASCII letters only, as upstream ---- */

static rt_value_t change_case(const rt_call_t *call, char first, char last) {
  if (check_this(call) != 0) return RT_UNDEFINED;
  uint32_t bytes;
  const char *text = rt_string_text(call->receiver, &bytes);
  rt_value_t copy = rt_string_copy(text, bytes, rt_string_length(call->receiver));
  rt_string_t *string = (rt_string_t *)rt_object_of(copy, RT_KIND_STRING);
  if (string == NULL) return copy; /* empty, or out of memory */
  for (uint32_t i = 0; i < bytes; i++) {
    char c = string->bytes[i];
    if (c >= first && c <= last) string->bytes[i] = (char)(c ^ 0x20);
  }
  return copy;
}

rt_value_t rt_native_string_to_lower_case(rt_call_t *call) { return change_case(call, 'A', 'Z'); }

rt_value_t rt_native_string_to_upper_case(rt_call_t *call) { return change_case(call, 'a', 'z'); }
