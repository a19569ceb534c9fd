/* Buffer: what is not written in TypeScript. */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/vm_internal.h"

static rt_value_t result_of(const rt_buffer_t *buffer) {
  return buffer != NULL ? RT_OBJECT(buffer) : RT_UNDEFINED;
}

/* The bytes of `this`, which may lie in flash; NULL with an error pending. */
static const uint8_t *read_this(const rt_call_t *call, uint32_t *bytes) {
  uint32_t writable;
  const uint8_t *data =
      rt_is_string(call->receiver) ? NULL : rt_bytes_of(call->receiver, bytes, &writable);
  if (data == NULL) (void)rt_throw_expecting("buffer", call->receiver);
  return data;
}

static rt_buffer_t *write_this(const rt_call_t *call) {
  rt_buffer_t *buffer = (rt_buffer_t *)rt_object_of(call->receiver, RT_KIND_BUFFER);
  if (buffer == NULL) (void)rt_throw_expecting("mutable Buffer", call->receiver);
  return buffer;
}

rt_value_t rt_native_buffer_length(rt_call_t *call) {
  uint32_t bytes;
  return read_this(call, &bytes) != NULL ? RT_INT(bytes) : RT_UNDEFINED;
}

rt_value_t rt_native_buffer_alloc(rt_call_t *call) {
  int32_t bytes = rt_to_int32(call->arguments[0]);
  return result_of(rt_buffer_new(bytes < 0 ? 0xffffffffu : (uint32_t)bytes));
}

/* ---- Text ---- */

/* 1: hexadecimal, 0: UTF-8, -1 with an error pending. */
static int encoding_of(rt_value_t encoding) {
  if (encoding == RT_UNDEFINED) return 0;
  if (rt_is_string(encoding)) {
    if (rt_string_equals(encoding, RT_MAKE(RT_TAG_STRING, RT_STR_hex))) return 1;
    if (rt_string_equals(encoding, RT_MAKE(RT_TAG_STRING, RT_STR_utf8))) return 0;
    if (rt_string_equals(encoding, RT_MAKE(RT_TAG_STRING, RT_STR_utf_8))) return 0;
  }
  (void)rt_throw_type_error("Unknown encoding: %v", encoding);
  return -1;
}

static uint32_t nibble_of(char c) {
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
  char letter = (char)(c | 0x20);
  return letter >= 'a' && letter <= 'f' ? (uint32_t)(letter - 'a') + 10u : 16u;
}

/* Pairs of digits, whatever stands between them; an odd one at the end is dropped. */
static uint32_t parse_hex(const char *text, uint32_t bytes, uint8_t *to) {
  uint32_t count = 0, high = 0;
  for (uint32_t i = 0; i < bytes; i++) {
    uint32_t nibble = nibble_of(text[i]);
    if (nibble > 15u) continue;
    if (count & 1u) {
      if (to != NULL) to[count / 2u] = (uint8_t)(high << 4 | nibble);
    }
    high = nibble;
    count++;
  }
  return count / 2u;
}

static rt_value_t from_text(rt_value_t string, int is_hex) {
  uint32_t bytes;
  const char *text = rt_string_text(string, &bytes);
  rt_buffer_t *buffer = rt_buffer_new(is_hex ? parse_hex(text, bytes, NULL) : bytes);
  if (buffer == NULL) return RT_UNDEFINED;
  if (is_hex) {
    (void)parse_hex(text, bytes, buffer->bytes);
  } else {
    memcpy(buffer->bytes, text, bytes);
  }
  return RT_OBJECT(buffer);
}

static rt_value_t from_array(const rt_array_t *array) {
  rt_buffer_t *buffer = rt_buffer_new(array->length);
  if (buffer == NULL) return RT_UNDEFINED;
  for (uint32_t i = 0; i < array->length; i++) {
    buffer->bytes[i] = (uint8_t)rt_to_int32(rt_array_values(array)[i]);
  }
  return RT_OBJECT(buffer);
}

rt_value_t rt_native_buffer_from(rt_call_t *call) {
  rt_value_t source = call->arguments[0], encoding = call->arguments[1];
  if (encoding != RT_UNDEFINED && !rt_is_string(source))
    return rt_throw_expecting("string", source);
  if (rt_is_string(source)) {
    int is_hex = encoding_of(encoding);
    return is_hex < 0 ? RT_UNDEFINED : from_text(source, is_hex);
  }
  const rt_array_t *array = RT_AS_ARRAY(source);
  if (array != NULL) return from_array(array);
  uint32_t bytes, writable;
  const uint8_t *data = rt_bytes_of(source, &bytes, &writable);
  if (data == NULL) return rt_throw_type_error("Expecting string, buffer or array");
  rt_buffer_t *buffer = rt_buffer_new(bytes);
  if (buffer != NULL) memcpy(buffer->bytes, data, bytes);
  return result_of(buffer);
}

rt_value_t rt_native_buffer_to_string(rt_call_t *call) {
  uint32_t bytes;
  const uint8_t *data = read_this(call, &bytes);
  if (data == NULL) return RT_UNDEFINED;
  int is_hex = encoding_of(call->arguments[0]);
  if (is_hex < 0) return RT_UNDEFINED;
  if (bytes == 0) return RT_MAKE(RT_TAG_STRING, RT_STR__empty);
  if (!is_hex) return rt_string_new((const char *)data, bytes);
  rt_string_t *string = rt_string_reserve(2u * bytes);
  if (string == NULL) return RT_UNDEFINED;
  for (uint32_t i = 0; i < bytes; i++) {
    string->bytes[2u * i] = "0123456789abcdef"[data[i] >> 4];
    string->bytes[2u * i + 1u] = "0123456789abcdef"[data[i] & 15u];
  }
  return RT_OBJECT(string);
}

/* ---- Bytes ---- */

/* fillAt(offset, length, value); a length below 0 means up to the end. */
rt_value_t rt_native_buffer_fill_at(rt_call_t *call) {
  rt_buffer_t *buffer = write_this(call);
  if (buffer == NULL) return RT_UNDEFINED;
  int32_t at = rt_to_int32(call->arguments[0]);
  int32_t count = rt_to_int32(call->arguments[1]);
  int32_t bytes = (int32_t)buffer->header.extra;
  if (at < 0 || at >= bytes) return RT_UNDEFINED;
  if (count < 0 || count > bytes - at) count = bytes - at;
  memset(buffer->bytes + at, (uint8_t)rt_to_int32(call->arguments[2]), (size_t)count);
  return RT_UNDEFINED;
}

static void move(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  if ((uintptr_t)to <= (uintptr_t)from) {
    for (uint32_t i = 0; i < bytes; i++) to[i] = from[i];
  } else {
    for (uint32_t i = bytes; i > 0; i--) to[i - 1u] = from[i - 1u];
  }
}

/* blitAt(offset, source, source offset, length): what fits; a length below 0 means all. */
rt_value_t rt_native_buffer_blit_at(rt_call_t *call) {
  rt_buffer_t *buffer = write_this(call);
  if (buffer == NULL) return RT_UNDEFINED;
  uint32_t source_bytes, writable;
  const uint8_t *source = rt_bytes_of(call->arguments[1], &source_bytes, &writable);
  if (source == NULL) return rt_throw_expecting("buffer", call->arguments[1]);
  int32_t at = rt_to_int32(call->arguments[0]);
  int32_t from = rt_to_int32(call->arguments[2]);
  int32_t count = rt_to_int32(call->arguments[3]);
  int32_t room = (int32_t)buffer->header.extra - at;
  int32_t there = (int32_t)source_bytes - from;
  if (at < 0 || from < 0 || room <= 0 || there <= 0) return RT_UNDEFINED;
  if (count < 0 || count > there) count = there;
  if (count > room) count = room;
  move(buffer->bytes + at, source + from, (uint32_t)count);
  return RT_UNDEFINED;
}

static void reverse(uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count / 2u; i++) {
    uint8_t swapped = bytes[i];
    bytes[i] = bytes[count - 1u - i];
    bytes[count - 1u - i] = swapped;
  }
}

/* rotate(by, start, end): towards the front, within [start, end). */
rt_value_t rt_native_buffer_rotate(rt_call_t *call) {
  rt_buffer_t *buffer = write_this(call);
  if (buffer == NULL) return RT_UNDEFINED;
  int32_t by = rt_to_int32(call->arguments[0]);
  int32_t start = rt_to_int32(call->arguments[1]);
  int32_t end = (int32_t)buffer->header.extra;
  if (call->arguments[2] != RT_UNDEFINED) end = rt_to_int32(call->arguments[2]);
  if (start < 0 || end < start || end > (int32_t)buffer->header.extra) {
    return rt_throw_range_error("invalid rotation range");
  }
  int32_t count = end - start;
  if (count == 0) return RT_UNDEFINED;
  int32_t first = by % count;
  if (first < 0) first += count;
  uint8_t *bytes = buffer->bytes + start;
  reverse(bytes, (uint32_t)first);
  reverse(bytes + first, (uint32_t)(count - first));
  reverse(bytes, (uint32_t)count);
  return RT_UNDEFINED;
}

/* indexOf(byte, start, end): a negative end means the last one in [start, -end). */
rt_value_t rt_native_buffer_index_of(rt_call_t *call) {
  uint32_t bytes;
  const uint8_t *data = read_this(call, &bytes);
  if (data == NULL) return RT_UNDEFINED;
  int32_t wanted = rt_to_int32(call->arguments[0]);
  int32_t start = rt_to_int32(call->arguments[1]);
  int32_t end = (int32_t)bytes;
  if (call->arguments[2] != RT_UNDEFINED) end = rt_to_int32(call->arguments[2]);
  int last = end < 0;
  if (last) end = end < -(int32_t)bytes ? (int32_t)bytes : -end;
  if (end > (int32_t)bytes) end = (int32_t)bytes;
  if (start < 0) start = 0;
  int32_t found = -1;
  for (int32_t i = start; i < end; i++) {
    if (data[i] != wanted) continue;
    found = i;
    if (!last) break;
  }
  return RT_INT(found);
}

rt_value_t rt_native_buffer_fill_random(rt_call_t *call) {
  rt_buffer_t *buffer = write_this(call);
  if (buffer == NULL) return RT_UNDEFINED;
  for (uint32_t i = 0; i < buffer->header.extra; i++) {
    buffer->bytes[i] = (uint8_t)(rt_vm.config.random() >> 8);
  }
  return RT_UNDEFINED;
}

/* ---- Cryptography: not in this firmware ---- */

rt_value_t rt_native_buffer_encrypt(rt_call_t *call) {
  (void)call;
  return rt_throw_error("encrypt: not in this firmware");
}
