/* Members of ds that make text or read it. Those of time and fibers are in fiber.c. */
#include "libm/libm.h"
#include "vm/abi.h"
#include "vm/role.h"
#include "vm/text.h"

#define LINE_BYTES 300u

rt_value_t rt_native_ds_format(rt_call_t *call) {
  if (call->count == 0) return RT_UNDEFINED;
  uint32_t bytes;
  const char *format = rt_string_text(call->arguments[0], &bytes);
  if (format == 0) return RT_UNDEFINED;
  return rt_format(format, bytes, call->arguments + 1, call->count - 1u);
}

/* Lines of data for tools to collect say when: "1234 {...}". */
static void print_data(const char *text, uint32_t bytes) {
  char line[LINE_BYTES];
  rt_text_t timed = {line, sizeof line, 0};
  rt_call_t call = {RT_UNDEFINED, NULL, 0};
  rt_text_add_value(&timed, rt_native_ds_millis(&call));
  rt_text_add_char(&timed, ' ');
  rt_text_add(&timed, text, bytes);
  rt_text_print('#', &timed);
}

static int has_line_break(const char *text, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) {
    if (text[i] == '\n') return 1;
  }
  return 0;
}

/* The level is a character's code; 0 is a plain console.log. */
rt_value_t rt_native_ds_print(rt_call_t *call) {
  int32_t level = rt_to_int32(call->arguments[0]);
  rt_value_t string = rt_to_string(call->arguments[1]);
  uint32_t bytes;
  const char *text = rt_string_text(string, &bytes);
  if (text == NULL) return RT_UNDEFINED;
  if (level == '#' && !has_line_break(text, bytes)) {
    print_data(text, bytes);
  } else {
    rt_print(level > 0 && level < 127 ? (char)level : '>', text, bytes);
  }
  return RT_UNDEFINED;
}

rt_value_t rt_native_ds_parse_float(rt_call_t *call) {
  return rt_value_number(rt_to_double(call->arguments[0]));
}

rt_value_t rt_native_ds_parse_int(rt_call_t *call) {
  rt_value_t value = call->arguments[0];
  return RT_IS_INT(value) ? value : rt_value_number(rt_libm_trunc(rt_to_double(value)));
}

/* A line about a value: "label: value". */
rt_value_t rt_native_ds_log_repr(rt_call_t *call) {
  char line[RT_INSPECT_BYTES * 2u];
  rt_text_t text = {line, sizeof line, 0};
  if (call->arguments[1] != RT_UNDEFINED) {
    rt_text_add_value(&text, call->arguments[1]);
    rt_text_add_words(&text, ": ");
  }
  rt_text_add_value(&text, call->arguments[0]);
  rt_text_print('>', &text);
  return RT_UNDEFINED;
}

/* What a server in TypeScript calls for a member that it lacks. */
rt_value_t rt_native_ds_not_implemented(rt_call_t *call) {
  (void)call;
  return rt_throw_error("body missing");
}
