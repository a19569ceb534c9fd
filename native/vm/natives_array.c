/* Array: what is not written in TypeScript. */
#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/slice.h"

static rt_array_t *this_array(const rt_call_t *call) {
  rt_array_t *array = RT_AS_ARRAY(call->receiver);
  if (array == NULL) (void)rt_throw_expecting("array", call->receiver);
  return array;
}

static rt_value_t result_of(const rt_array_t *array) {
  return array != NULL ? RT_OBJECT(array) : RT_UNDEFINED;
}

rt_value_t rt_native_array_length(rt_call_t *call) {
  const rt_array_t *array = this_array(call);
  return array != NULL ? RT_INT(array->length) : RT_UNDEFINED;
}

rt_value_t rt_native_array_is_array(rt_call_t *call) {
  return RT_BOOL(RT_AS_ARRAY(call->arguments[0]) != NULL);
}

rt_value_t rt_native_array_new(rt_call_t *call) {
  if (call->count == 1 && RT_IS_NUMBER(call->arguments[0])) {
    if (!RT_IS_INT(call->arguments[0])) return rt_throw_range_error("Invalid array length");
    return result_of(rt_array_new(RT_PAYLOAD(call->arguments[0])));
  }
  rt_array_t *array = rt_array_new(call->count);
  if (array == NULL) return RT_UNDEFINED;
  for (uint32_t i = 0; i < call->count; i++) rt_array_values(array)[i] = call->arguments[i];
  return RT_OBJECT(array);
}

rt_value_t rt_native_array_push(rt_call_t *call) {
  rt_array_t *array = this_array(call);
  if (array == NULL) return RT_UNDEFINED;
  uint32_t at = array->length, count = call->count;
  if (count == 1) {
    if (rt_array_push(array, call->arguments[0]) != 0) return RT_UNDEFINED;
  } else {
    if (rt_array_insert(array, at, count) != 0) return RT_UNDEFINED;
    for (uint32_t i = 0; i < count; i++) rt_array_values(array)[at + i] = call->arguments[i];
  }
  return RT_INT(array->length);
}

rt_value_t rt_native_array_push_range(rt_call_t *call) {
  rt_array_t *array = this_array(call);
  if (array == NULL) return RT_UNDEFINED;
  const rt_array_t *other = RT_AS_ARRAY(call->arguments[0]);
  if (other == NULL) return rt_throw_expecting("array", call->arguments[0]);
  uint32_t count = other->length; /* before, should it be the same array */
  uint32_t at = array->length;
  if (rt_array_insert(array, at, count) != 0) return RT_UNDEFINED;
  for (uint32_t i = 0; i < count; i++) {
    rt_array_values(array)[at + i] = rt_array_values(other)[i];
  }
  return RT_INT(array->length);
}

rt_value_t rt_native_array_slice(rt_call_t *call) {
  const rt_array_t *array = this_array(call);
  if (array == NULL) return RT_UNDEFINED;
  uint32_t start, end;
  rt_slice_range(call, array->length, &start, &end);
  rt_array_t *part = rt_array_new(end - start);
  if (part == NULL) return RT_UNDEFINED;
  for (uint32_t i = start; i < end; i++) {
    rt_array_values(part)[i - start] = rt_array_values(array)[i];
  }
  return RT_OBJECT(part);
}

rt_value_t rt_native_array_insert(rt_call_t *call) {
  rt_array_t *array = this_array(call);
  if (array == NULL) return RT_UNDEFINED;
  int32_t at = rt_to_int32(call->arguments[0]);
  int32_t count = rt_to_int32(call->arguments[1]);
  if (at < 0 || (uint32_t)at > array->length) at = (int32_t)array->length;
  if (count >= 0) {
    (void)rt_array_insert(array, (uint32_t)at, (uint32_t)count);
  } else {
    rt_array_remove(array, (uint32_t)at, 0u - (uint32_t)count);
  }
  return RT_UNDEFINED;
}

/* ---- join ---- */

typedef struct {
  rt_string_t *to; /* NULL: only counts */
  uint32_t bytes, length;
} rt_joined_t;

static void add(rt_joined_t *joined, rt_value_t string) {
  uint32_t bytes;
  const char *text = rt_string_text(string, &bytes);
  if (joined->to != NULL) {
    for (uint32_t i = 0; i < bytes; i++) joined->to->bytes[joined->bytes + i] = text[i];
  }
  joined->bytes += bytes;
  joined->length += rt_string_length(string);
}

static void add_all(rt_joined_t *joined, const rt_array_t *strings, rt_value_t separator) {
  for (uint32_t i = 0; i < strings->length; i++) {
    if (i > 0) add(joined, separator);
    add(joined, rt_array_values(strings)[i]);
  }
}

static rt_value_t join(const rt_array_t *strings, rt_value_t separator) {
  rt_joined_t joined = {.to = NULL, .bytes = 0, .length = 0};
  add_all(&joined, strings, separator);
  if (joined.bytes == 0) return RT_MAKE(RT_TAG_STRING, RT_STR__empty);
  joined.to = rt_string_reserve(joined.bytes);
  if (joined.to == NULL) return RT_UNDEFINED;
  joined.bytes = 0;
  joined.length = 0;
  add_all(&joined, strings, separator);
  joined.to->length = joined.length;
  return RT_OBJECT(joined.to);
}

rt_value_t rt_native_array_join(rt_call_t *call) {
  const rt_array_t *array = this_array(call);
  if (array == NULL) return RT_UNDEFINED;
  rt_value_t separator = rt_string_new(",", 1);
  if (call->arguments[0] != RT_UNDEFINED) separator = rt_to_string(call->arguments[0]);
  if (rt_is_throwing()) return RT_UNDEFINED;
  rt_heap_root(separator);
  rt_array_t *strings = rt_array_new(array->length);
  if (strings == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(strings));
  for (uint32_t i = 0; i < array->length; i++) {
    rt_value_t string = rt_to_string(rt_array_values(array)[i]);
    if (rt_is_throwing()) return RT_UNDEFINED;
    rt_array_values(strings)[i] = string;
  }
  return join(strings, separator);
}
