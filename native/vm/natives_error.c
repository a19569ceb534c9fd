/* Errors: constructors, their name, and how they are printed. */
#include "vm/abi.h"
#include "vm/text.h"
#include "vm/vm_internal.h"

/* Longer messages are cut. */
#define LINE_BYTES 280u

/* ---- Constructors ---- */

/* The message of an error that is given none is the name of its class. */
static rt_value_t message_of(rt_call_t *call, rt_value_t name) {
  rt_value_t message = call->arguments[0];
  return message == RT_UNDEFINED ? name : rt_to_string(message);
}

static rt_value_t construct(rt_call_t *call, uint32_t builtin) {
  rt_value_t name = RT_MAKE(RT_TAG_STRING, RT_STR(rt_builtins[builtin].name));
  rt_map_t *error = RT_AS_MAP(call->receiver);
  rt_value_t message = message_of(call, name);
  if (rt_is_throwing()) return RT_UNDEFINED;
  rt_heap_root(message);
  if (error == 0) {
    error = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, rt_builtins[builtin].prototype));
    if (error == 0) return RT_UNDEFINED;
    rt_heap_root(RT_OBJECT(error));
  }
  rt_map_set(error, RT_STR_message, message);
  return RT_OBJECT(error);
}

rt_value_t rt_native_error_new(rt_call_t *call) { return construct(call, RT_BUILTIN_Error); }

rt_value_t rt_native_type_error_new(rt_call_t *call) {
  return construct(call, RT_BUILTIN_TypeError);
}

rt_value_t rt_native_range_error_new(rt_call_t *call) {
  return construct(call, RT_BUILTIN_RangeError);
}

rt_value_t rt_native_syntax_error_new(rt_call_t *call) {
  return construct(call, RT_BUILTIN_SyntaxError);
}

/* ---- Members ---- */

/* The name of the class: that of its constructor. */
rt_value_t rt_native_error_name(rt_call_t *call) {
  rt_value_t constructor = rt_field_get(call->receiver, RT_STR_constructor);
  if (rt_is_throwing() || constructor == RT_UNDEFINED) return RT_UNDEFINED;
  return rt_field_get(constructor, RT_STR_name);
}

static void print_line(const char *words, rt_value_t value) {
  char line[LINE_BYTES];
  rt_text_t text = {line, sizeof line, 0};
  rt_text_add_words(&text, words);
  rt_text_add_value(&text, value);
  rt_text_print('*', &text);
}

static rt_value_t own_property(rt_value_t error, rt_key_t key) {
  rt_map_t *map = RT_AS_MAP(error);
  rt_value_t *value = map != 0 ? rt_map_find(map, key) : 0;
  return value != 0 ? *value : RT_UNDEFINED;
}

/* The trace is a buffer of 16-bit offsets of code, innermost call first. */
static void print_trace(rt_value_t trace) {
  uint32_t size, writable;
  const uint8_t *bytes = rt_bytes_of(trace, &size, &writable);
  if (bytes == NULL || rt_is_string(trace)) return;
  for (uint32_t i = 0; i + 1u < size; i += 2u) {
    rt_trace_print('*', (uint32_t)bytes[i] | (uint32_t)bytes[i + 1u] << 8);
  }
}

rt_value_t rt_native_error_print(rt_call_t *call) {
  const rt_value_t exception = call->receiver;
  if (RT_AS_MAP(exception) == NULL) {
    print_line("Exception: ", exception);
    return RT_UNDEFINED;
  }
  rt_value_t name = own_property(exception, RT_STR_name);
  if (name == RT_UNDEFINED) name = rt_native_error_name(call);
  print_line("Exception: ", name);
  rt_value_t message = own_property(exception, RT_STR_message);
  if (message != RT_UNDEFINED) print_line(" message: ", message);
  print_trace(own_property(exception, RT_STR___stack__));
  return RT_UNDEFINED;
}
