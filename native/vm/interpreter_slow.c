/* The longer halves of opcodes on objects, closures and try blocks. */
#include "vm/interpreter.h"

/* A function that was read as a field of `object`: it remembers whose it is. */
static rt_value_t field_method(rt_value_t *place, rt_value_t object, rt_value_t function) {
  /* At the bottom of the stack a call follows nearly always: no object for what lives so short. */
  if (place != rt_vm.stack) return rt_function_bind(function, object);
  rt_vm.method_this = object;
  if (RT_TAG(function) == RT_TAG_FUNCTION) return RT_MAKE(RT_TAG_METHOD, RT_PAYLOAD(function));
  rt_vm.method_function = function;
  return RT_MAKE(RT_TAG_METHOD, RT_METHOD_OTHER);
}

static void settle(rt_value_t *place) {
  if (RT_TAG(*place) == RT_TAG_METHOD) *place = rt_vm_settle(*place);
}

/* `value` was read from `object`. */
static inline void put_member(rt_value_t *place, rt_value_t object, rt_value_t value) {
  const uint32_t tag = RT_TAG(value);
  if ((tag == RT_TAG_FUNCTION || tag == RT_TAG_OBJECT) && rt_function_needs_this(value)) {
    value = field_method(place, object, value);
  }
  *place = value;
}

int rt_field_near(rt_value_t *place, rt_key_t key) {
  const rt_value_t object = *place;
  if (RT_TAG(object) != RT_TAG_OBJECT) return 0;
  const rt_map_t *map = RT_POINTER(RT_PAYLOAD(object));
  const rt_value_t *found;
  for (;;) {
    if (map->header.kind != RT_KIND_MAP) return 0;
    uint32_t left = map->count;
    if (left > RT_NEAR_PROPERTIES) {
      found = rt_map_find(map, key);
      if (found != NULL) break;
    } else if (left > 0) {
      const rt_key_t *at = (const rt_key_t *)((rt_object_t *)RT_POINTER(map->properties) + 1);
      const rt_key_t *const values = at + map->room;
      uint32_t offset = 0;
      do {
        if (*at++ == key) goto found_near;
        offset += sizeof(rt_value_t);
      } while (--left > 0);
      goto inherited;
    found_near:
      found = (const rt_value_t *)(const void *)((const uint8_t *)values + offset);
      break;
    }
  inherited:
    if (RT_TAG(map->prototype) != RT_TAG_OBJECT) return 0;
    map = RT_POINTER(RT_PAYLOAD(map->prototype));
  }
  rt_value_t value = *found;
  const uint32_t tag = RT_TAG(value);
  if (tag == RT_TAG_OBJECT) {
    const rt_object_t *header = RT_POINTER(RT_PAYLOAD(value));
    if (header->kind == RT_KIND_CLOSURE) return 0;
  } else if (tag == RT_TAG_FUNCTION) {
    /* A function that wants its `this` and is not going to be called at once takes memory. */
    if (RT_PAYLOAD(value) >= RT_NATIVE_FIRST) return 0;
    if (rt_image.function[RT_PAYLOAD(value)].flags & RT_FUNCTION_NEEDS_THIS) {
      if (place != rt_vm.stack) return 0;
      rt_vm.method_this = object;
      value = RT_MAKE(RT_TAG_METHOD, RT_PAYLOAD(value));
    }
  }
  *place = value;
  return 1;
}

void rt_interpret_field(rt_value_t *sp, rt_key_t key) {
  settle(sp - 1);
  const rt_value_t object = sp[-1];
  const rt_value_t value = rt_field_get(object, key);
  rt_heap_unroot(0);
  put_member(sp - 1, object, value);
}

void rt_interpret_index(rt_value_t *sp) {
  settle(sp - 2);
  const rt_value_t object = sp[-2];
  const rt_value_t value = rt_index_get(object, sp[-1]);
  rt_heap_unroot(0);
  put_member(sp - 2, object, value);
}

void rt_interpret_index_set(rt_value_t *sp) {
  settle(sp - 3);
  rt_index_set(sp[-3], sp[-2], sp[-1]);
  rt_heap_unroot(0);
}

rt_value_t rt_interpret_new(rt_value_t *sp) {
  settle(sp - 1);
  const rt_value_t function = sp[-1];
  const rt_value_t object = rt_function_new(function);
  rt_heap_unroot(0);
  if (rt_vm.is_throwing) return RT_UNDEFINED;
  return field_method(sp - 1, object, function);
}

rt_value_t rt_interpret_array(rt_value_t size) {
  const int32_t length = rt_to_int32(size);
  /* The compiler's size is only what it is going to push. */
  if (length < 0) return rt_throw_range_error("array size out of range");
  rt_array_t *array = rt_array_new(0);
  return array == NULL ? RT_UNDEFINED : RT_OBJECT(array);
}

rt_value_t rt_interpret_buffer(rt_value_t size) {
  const int32_t bytes = rt_to_int32(size);
  if (bytes < 0) return rt_throw_range_error("buffer size out of range");
  rt_buffer_t *buffer = rt_buffer_new((uint32_t)bytes);
  return buffer == NULL ? RT_UNDEFINED : RT_OBJECT(buffer);
}

rt_value_t rt_interpret_instance_of(rt_value_t object, rt_value_t constructor) {
  object = rt_without_method(object);
  const uint32_t tag = RT_TAG(constructor);
  const int is_function = tag == RT_TAG_FUNCTION || tag == RT_TAG_BUILTIN ||
                          rt_object_of(constructor, RT_KIND_CLOSURE) != NULL ||
                          rt_object_of(constructor, RT_KIND_BOUND) != NULL;
  const rt_value_t wanted =
      is_function ? rt_field_get(constructor, RT_STR_prototype) : RT_UNDEFINED;
  rt_heap_unroot(0);
  if (rt_vm.is_throwing) return RT_UNDEFINED;
  if (wanted == RT_UNDEFINED || wanted == RT_NULL) return rt_throw_type_error("no .prototype");
  if (object == RT_UNDEFINED || object == RT_NULL) return RT_FALSE;
  /* Chains of prototypes have no loops: setPrototypeOf sees to that. The bound is for a defect. */
  for (uint32_t left = 1000; left > 0; left--) {
    object = rt_prototype_of(object);
    if (object == wanted) return RT_TRUE;
    if (object == RT_NULL || object == RT_UNDEFINED) break;
  }
  return RT_FALSE;
}

rt_call_outcome_t rt_call_array(rt_value_t function, rt_value_t arguments) {
  const rt_array_t *array = rt_object_of(arguments, RT_KIND_ARRAY);
  if (array == NULL) {
    rt_throw_expecting("array", arguments);
    return RT_CALL_DONE;
  }
  const uint32_t count = array->length;
  const rt_value_t *values = rt_array_values(array);
  rt_value_t *arguments_copy = &rt_vm.stack[1];
  if (count > RT_STACK_DEPTH - 1u) {
    /* More than the stack holds: a block of their own, since the callee may change the array. */
    rt_object_t *block =
        rt_heap_allocate(RT_KIND_VALUES, (count + RT_STACK_SPARE) * sizeof(rt_value_t));
    if (block == NULL) return RT_CALL_DONE;
    rt_heap_root(RT_OBJECT(block));
    arguments_copy = (rt_value_t *)(block + 1);
    values = rt_array_values(array);
  }
  for (uint32_t i = 0; i < count; i++) arguments_copy[i] = values[i];
  if (count <= RT_STACK_DEPTH - 1u) rt_vm.sp = &rt_vm.stack[1 + count];
  return rt_call_value(function, RT_UNDEFINED, arguments_copy, count);
}

/* ---- Closures ---- */

rt_value_t rt_closure_new(uint32_t function) {
  rt_closure_t *closure =
      rt_heap_allocate(RT_KIND_CLOSURE, sizeof(rt_closure_t) - sizeof(rt_object_t));
  if (closure == NULL) return RT_UNDEFINED;
  closure->header.extra = function;
  closure->frame = RT_REF(rt_vm.frame);
  rt_vm.frame->header.flags |= RT_FLAG_CAPTURED;
  return RT_OBJECT(closure);
}

/* The slot of the frame `levels` up. NULL, and the VM has stopped, when the program has none. */
static rt_value_t *closure_slot(uint32_t slot, rt_value_t levels) {
  rt_frame_t *frame = rt_vm.frame;
  for (int32_t left = rt_to_int32(levels); left > 0 && frame != NULL; left--) {
    frame = frame->closure == 0 ? NULL : RT_POINTER(frame->closure);
  }
  if (frame == NULL || slot >= frame->slot_count) {
    rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");
    return NULL;
  }
  return &frame->slots[slot];
}

rt_value_t rt_closure_load(uint32_t slot, rt_value_t levels) {
  const rt_value_t *place = closure_slot(slot, levels);
  return place == NULL ? RT_UNDEFINED : *place;
}

void rt_closure_store(uint32_t slot, rt_value_t levels, rt_value_t value) {
  rt_value_t *place = closure_slot(slot, levels);
  if (place != NULL) *place = value;
}

/* ---- Try blocks ---- */

int rt_interpret_try(uint32_t handler) {
  rt_frame_t *frame = rt_vm.frame;
  if (frame->tries >= rt_image.function[frame->header.extra].try_frames) {
    rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");
    return 0;
  }
  rt_frame_handlers(frame)[frame->tries++] = (uint16_t)handler;
  return 1;
}

int rt_interpret_end_try(void) {
  if (rt_vm.frame->tries == 0) {
    rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");
    return 0;
  }
  rt_vm.frame->tries--;
  return 1;
}
