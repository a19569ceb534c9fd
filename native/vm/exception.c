/* Exceptions: thrown, caught, traced; jumps that run finally blocks; panics. */
#include <stdarg.h>

#include "vm/frame_cache.h"
#include "vm/text.h"
#include "vm/vm_internal.h"

/* Frames that a trace tells of, as upstream. */
enum { TRACE_FRAMES = 16, PANIC_FRAMES = 32 };

/* Longer messages are cut. */
#define LINE_BYTES 200u

/* ---- Traces ---- */

static uint32_t image_offset(const rt_frame_t *frame) { return frame->pc; }

void rt_exception_trace(rt_value_t exception) {
  rt_map_t *map = RT_AS_MAP(exception);
  if (map == NULL || rt_vm.frame == NULL || rt_map_find(map, RT_STR___stack__) != NULL) return;
  rt_frame_sync();
  uint32_t frames = 0;
  for (rt_frame_t *frame = rt_vm.frame; frame != NULL && frames < TRACE_FRAMES; frames++) {
    frame = frame->caller == 0 ? NULL : RT_POINTER(frame->caller);
  }
  const uint32_t level = rt_heap_root_level();
  rt_heap_root(exception);
  rt_buffer_t *buffer = rt_buffer_new(2u * frames);
  if (buffer != NULL) {
    const rt_frame_t *frame = rt_vm.frame;
    for (uint32_t i = 0; i < frames; i++) {
      buffer->bytes[2 * i] = (uint8_t)image_offset(frame);
      buffer->bytes[2 * i + 1] = (uint8_t)(image_offset(frame) >> 8);
      frame = frame->caller == 0 ? NULL : RT_POINTER(frame->caller);
    }
    rt_heap_root(RT_OBJECT(buffer));
    rt_map_set(map, RT_STR___stack__, RT_OBJECT(buffer));
  }
  rt_heap_unroot(level);
}

/* The function whose code holds the byte before `offset`, which is where an instruction ended. */
static uint32_t function_at(uint32_t offset) {
  for (uint32_t i = 0; i < rt_image.functions; i++) {
    const uint32_t start = rt_image.function[i].start;
    if (offset > start && offset <= start + rt_image.function[i].bytes) return i;
  }
  return rt_image.functions;
}

void rt_trace_print(char level, uint32_t offset) {
  char line[LINE_BYTES];
  rt_text_t text = {line, sizeof line, 0};
  const uint32_t index = function_at(offset);
  rt_text_add_words(&text, " at ");
  if (index < rt_image.functions) {
    const rt_image_function_t *function = &rt_image.function[index];
    rt_text_add_words(&text, rt_image_string(function->name, NULL));
    rt_text_add_words(&text, "_F");
    rt_text_add_int(&text, (int32_t)index);
    offset -= function->start;
  } else {
    rt_text_add_words(&text, "???");
  }
  rt_text_add_words(&text, " (pc:");
  rt_text_add_int(&text, (int32_t)offset);
  rt_text_add_words(&text, ")");
  rt_text_print(level, &text);
}

void rt_vm_panic(uint32_t code, const char *name) {
  if (rt_vm.is_dying) return;
  rt_vm.is_dying = 1;
  rt_vm.panic_code = code;
  rt_vm.state = RT_VM_PANICKED;
  rt_vm.is_switching = 1;
  rt_vm.is_throwing = 1;
  rt_vm.exception = RT_UNDEFINED;
  if (name == NULL) return;
  rt_frame_sync();
  char line[LINE_BYTES];
  rt_text_t text = {line, sizeof line, 0};
  rt_text_add_words(&text, "Exception: ");
  rt_text_add_words(&text, name);
  if (code < RT_PANIC_REBOOT) {
    rt_text_add_words(&text, "_");
    rt_text_add_int(&text, (int32_t)code);
    if (rt_vm.frame != NULL) {
      rt_text_add_words(&text, " at (gpc:");
      rt_text_add_int(&text, (int32_t)image_offset(rt_vm.frame));
      rt_text_add_words(&text, ")");
    }
  }
  rt_text_print('!', &text);
  uint32_t left = PANIC_FRAMES;
  for (const rt_frame_t *frame = rt_vm.frame; frame != NULL; left--) {
    if (left == 0) {
      rt_print('!', " ...", 4);
      break;
    }
    rt_trace_print('!', image_offset(frame));
    frame = frame->caller == 0 ? NULL : RT_POINTER(frame->caller);
  }
}

/* ---- Throwing ---- */

rt_value_t rt_throw(rt_value_t exception) {
  if (rt_vm.is_dying) return RT_UNDEFINED;
  if (exception == RT_UNDEFINED || exception == RT_NULL) {
    return rt_throw_type_error("throwing null/undefined");
  }
  rt_exception_trace(exception);
  if (rt_vm.is_dying) return RT_UNDEFINED;
  rt_vm.exception = exception;
  rt_vm.is_throwing = 1;
  return RT_UNDEFINED;
}

int rt_is_throwing(void) { return rt_vm.is_throwing; }

rt_value_t rt_throw_out_of_memory(void) {
  rt_vm_panic(RT_PANIC_OUT_OF_MEMORY, "OutOfMemory");
  return RT_UNDEFINED;
}

static void put_value(rt_text_t *text, rt_value_t value) {
  uint32_t bytes = 0;
  const rt_value_t string = rt_to_string(value);
  const char *chars = rt_string_text(string, &bytes);
  if (chars != NULL) rt_text_add(text, chars, bytes);
}

static void put_format(rt_text_t *text, const char *format, va_list arguments) {
  for (; *format != 0; format++) {
    if (*format != '%') {
      rt_text_add(text, format, 1);
      continue;
    }
    format++;
    if (*format == 's') {
      rt_text_add_words(text, va_arg(arguments, const char *));
    } else if (*format == 'd') {
      rt_text_add_int(text, va_arg(arguments, int));
    } else if (*format == 'v') {
      put_value(text, va_arg(arguments, rt_value_t));
    } else {
      rt_text_add(text, format, 1);
      if (*format == 0) return;
    }
  }
}

static rt_value_t throw_formatted(uint32_t prototype, const char *format, va_list arguments) {
  if (rt_vm.is_dying) return RT_UNDEFINED;
  const uint32_t level = rt_heap_root_level();
  char line[LINE_BYTES];
  rt_text_t text = {line, sizeof line, 0};
  put_format(&text, format, arguments);
  const rt_value_t message = rt_string_new(line, rt_text_kept(&text));
  rt_heap_root(message);
  rt_map_t *error = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, prototype));
  if (error != NULL) {
    rt_heap_root(RT_OBJECT(error));
    if (rt_map_set(error, RT_STR_message, message) == 0) rt_throw(RT_OBJECT(error));
  }
  rt_heap_unroot(level);
  return RT_UNDEFINED;
}

#define THROW_FORMATTED(prototype, format)                               \
  va_list arguments;                                                     \
  va_start(arguments, format);                                           \
  const rt_value_t none = throw_formatted(prototype, format, arguments); \
  va_end(arguments);                                                     \
  return none

rt_value_t rt_throw_error(const char *format, ...) {
  THROW_FORMATTED(RT_BUILTIN_Error_prototype, format);
}

rt_value_t rt_throw_type_error(const char *format, ...) {
  THROW_FORMATTED(RT_BUILTIN_TypeError_prototype, format);
}

rt_value_t rt_throw_range_error(const char *format, ...) {
  THROW_FORMATTED(RT_BUILTIN_RangeError_prototype, format);
}

rt_value_t rt_throw_syntax_error(const char *format, ...) {
  THROW_FORMATTED(RT_BUILTIN_SyntaxError_prototype, format);
}

rt_value_t rt_throw_expecting(const char *what, rt_value_t got) {
  return rt_throw_type_error("expecting %s; got %v", what, got);
}

/* ---- Catching ---- */

/* Handlers are entered behind their catch or finally. */
static void enter_handler(rt_frame_t *frame, rt_value_t value) {
  const uint16_t handler = rt_frame_handlers(frame)[--frame->tries];
#ifdef RT_VM_TRACE
  rt_vm_trace_opcode(rt_image.bytes[handler]);
#endif
  frame->pc = (uint16_t)(handler + 1u);
  rt_vm.pc = rt_image.bytes + frame->pc;
  rt_vm.result = value;
}

/* Nobody caught it: the program ends, and says why. */
static void report_unhandled(rt_value_t exception) {
  static const char UNHANDLED[] = "Unhandled exception";
  rt_call_t call = {.receiver = exception, .arguments = &rt_vm.stack[1], .count = 0};
  rt_vm.stack[0] = exception;
  rt_vm.stack[1] = RT_UNDEFINED;
  rt_vm.sp = &rt_vm.stack[1];
  rt_print('!', UNHANDLED, sizeof UNHANDLED - 1);
  rt_native_error_print(&call);
  rt_heap_unroot(0);
  rt_print('!', UNHANDLED, sizeof UNHANDLED - 1);
  rt_vm.is_throwing = 0;
  rt_vm_panic(RT_PANIC_UNHANDLED_EXCEPTION, NULL);
}

int rt_exception_unwind(void) {
  rt_vm.sp = rt_vm.stack;
  rt_heap_unroot(0);
  if (rt_vm.is_dying) return 0;
  const rt_value_t exception = rt_vm.exception;
  rt_vm.is_throwing = 0;
  rt_vm.exception = RT_UNDEFINED;
  /* A native that threw does not wait any more, nor does it stop the fiber. */
  while (rt_vm.frame != NULL) {
    rt_frame_t *frame = rt_vm.frame;
    if (frame->tries > 0) {
      enter_handler(frame, exception);
      return 1;
    }
    const rt_ref_t caller = frame->caller;
    rt_frame_leave(frame);
    rt_vm.depth--;
    rt_vm.frame = caller == 0 ? NULL : RT_POINTER(caller);
  }
  report_unhandled(exception);
  return 0;
}

/*
 * A jump on its way through finally blocks is the value they keep and hand to re_throw: a tag that
 * no opcode makes, with the target and how many try blocks are still to be left. A damaged program
 * can carry it elsewhere, so the target is checked against the function that resumes it.
 */
#define JUMP_TAG 0xfffffff1u

void rt_exception_jump(uint32_t target, uint32_t level) {
  rt_frame_t *frame = rt_vm.frame;
  for (; level > 0; level--) {
    if (frame->tries == 0) {
      rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");
      return;
    }
    const uint16_t handler = rt_frame_handlers(frame)[frame->tries - 1u];
    if (rt_image.bytes[handler] == RT_OP_FINALLY) {
      enter_handler(frame, RT_MAKE(JUMP_TAG, (level - 1u) << 16 | target));
      return;
    }
    frame->tries--;
  }
  frame->pc = (uint16_t)target;
  rt_vm.pc = rt_image.bytes + frame->pc;
}

void rt_exception_resume(rt_value_t value) {
  if (RT_TAG(value) != JUMP_TAG) {
    rt_throw(value);
    return;
  }
  const uint32_t target = RT_PAYLOAD(value) & 0xffffu;
  const rt_image_function_t *function = &rt_image.function[rt_vm.frame->header.extra];
  if (target - function->start >= function->bytes) {
    rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");
    return;
  }
  rt_exception_jump(target, RT_PAYLOAD(value) >> 16);
}
