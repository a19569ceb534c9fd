/* Function: name and prototype. (Function.start is with the fibers.) */
#include "vm/abi.h"
#include "vm/attached.h"
#include "vm/heap_internal.h"
#include "vm/role.h"

/* The function of the image or table that a function value comes down to; 0xffffffff: none. */
static uint32_t function_of(rt_value_t value) {
  const rt_bound_t *bound = (const rt_bound_t *)rt_object_of(value, RT_KIND_BOUND);
  if (bound != NULL) value = bound->function;
  const rt_closure_t *closure = (const rt_closure_t *)rt_object_of(value, RT_KIND_CLOSURE);
  if (closure != NULL) return closure->header.extra;
  if (RT_TAG(value) == RT_TAG_FUNCTION || RT_TAG(value) == RT_TAG_METHOD) return RT_PAYLOAD(value);
  return 0xffffffffu;
}

rt_value_t rt_native_function_name(rt_call_t *call) {
  uint32_t function = function_of(call->receiver);
  if (function < RT_NATIVE_FIRST) {
    return RT_MAKE(RT_TAG_STRING, rt_image.function[function].name);
  }
  if (function - RT_NATIVE_FIRST >= RT_NATIVES)
    return rt_throw_expecting("function", call->receiver);
  const rt_native_entry_t *native = &rt_natives[function - RT_NATIVE_FIRST];
  return RT_MAKE(RT_TAG_STRING,
                 RT_STR(native->name != 0 ? native->name : rt_builtins[native->object].name));
}

/* A closure that is a constructor keeps its own prototype as a property. */
static rt_value_t closure_prototype(rt_value_t value) {
  rt_map_t *own = rt_attached_map(value, 1);
  if (own == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(own));
  rt_map_t *map = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Object_prototype));
  if (map == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(map));
  if (rt_map_set(map, RT_STR_constructor, value) != 0) return RT_UNDEFINED;
  return rt_map_set(own, RT_STR_prototype, RT_OBJECT(map)) == 0 ? RT_OBJECT(map) : RT_UNDEFINED;
}

rt_value_t rt_native_function_prototype(rt_call_t *call) {
  rt_value_t value = call->receiver;
  uint32_t function = function_of(value);
  if (function >= RT_NATIVE_FIRST ||
      (rt_image.function[function].flags & RT_FUNCTION_IS_CTOR) == 0) {
    return rt_throw_expecting("ctor function", value);
  }
  if (rt_object_of(value, RT_KIND_CLOSURE) != NULL) return closure_prototype(value);
  rt_map_t *map = rt_attached_prototype(function);
  return map != NULL ? RT_OBJECT(map) : RT_UNDEFINED;
}
