/* Calling values: image functions, closures, natives, constructors, commands of roles. */
#include "vm/vm_internal.h"

/* A method reads its function's payload here; anything else is a value of its own. */
static rt_value_t method_function(rt_value_t method) {
  const uint32_t payload = RT_PAYLOAD(method);
  return payload == RT_METHOD_OTHER ? rt_vm.method_function : RT_MAKE(RT_TAG_FUNCTION, payload);
}

static rt_call_outcome_t enter(uint32_t index, rt_ref_t closure, rt_value_t receiver,
                               const rt_value_t *arguments, uint32_t count) {
  if (rt_vm.depth >= RT_VM_CALL_DEPTH) {
    rt_vm_panic(RT_PANIC_STACK_OVERFLOW, "StackOverflow");
    return RT_CALL_DONE;
  }
  if (receiver == RT_UNDEFINED && (rt_image.function[index].flags & RT_FUNCTION_IS_CTOR)) {
    /* A class called without new makes an object all the same. */
    receiver = rt_function_new(RT_MAKE(RT_TAG_FUNCTION, index));
    if (rt_vm.is_throwing) return RT_CALL_DONE;
    rt_heap_root(receiver);
  }
  rt_frame_t *frame = rt_frame_new(index, closure, receiver, arguments, count);
  if (frame == NULL) return RT_CALL_DONE;
  rt_frame_sync();
  frame->caller = RT_REF(rt_vm.frame);
  rt_vm.frame = frame;
  rt_vm.pc = rt_image.bytes + frame->pc;
  rt_vm.depth++;
  return RT_CALL_ENTERED;
}

static rt_call_outcome_t call_native(uint32_t index, rt_value_t receiver, rt_value_t *arguments,
                                     uint32_t count) {
  const rt_native_entry_t *native = &rt_natives[index];
#ifdef RT_VM_TRACE
  rt_vm_trace_native(index);
#endif
  if (native->arity != RT_NATIVE_ANY) {
    for (uint32_t i = count; i < native->arity; i++) arguments[i] = RT_UNDEFINED;
  }
  rt_call_t call = {.receiver = receiver, .arguments = arguments, .count = count};
  rt_vm.result = native->function(&call);
  rt_heap_unroot(0);
  return RT_CALL_DONE;
}

/* `Error("text")` without new, and the `super(…)` of a class that extends a builtin. */
static rt_call_outcome_t call_constructor(uint32_t builtin, rt_value_t receiver,
                                          rt_value_t *arguments, uint32_t count) {
  const int32_t index = rt_native_find(builtin, 0);
  if (index < 0) {
    rt_throw_type_error("%v called", RT_MAKE(RT_TAG_BUILTIN, builtin));
    return RT_CALL_DONE;
  }
  if (receiver == RT_UNDEFINED) {
    rt_map_t *object = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, rt_builtins[builtin].prototype));
    if (object == NULL) return RT_CALL_DONE;
    receiver = RT_OBJECT(object);
  }
  /* The object is looked for by nobody else while the native runs. */
  rt_heap_root(receiver);
  call_native((uint32_t)index, receiver, arguments, count);
  if (rt_vm.result == RT_UNDEFINED && !rt_vm.is_throwing) rt_vm.result = receiver;
  return RT_CALL_DONE;
}

static rt_call_outcome_t call_object(rt_value_t function, rt_value_t receiver,
                                     rt_value_t *arguments, uint32_t count) {
  rt_object_t *object = RT_POINTER(RT_PAYLOAD(function));
  if (object->kind == RT_KIND_CLOSURE) {
    const rt_closure_t *closure = (rt_closure_t *)object;
    return enter(closure->header.extra, closure->frame, receiver, arguments, count);
  }
  if (object->kind == RT_KIND_BOUND) {
    const rt_bound_t *bound = (rt_bound_t *)object;
    /* A bound function is never bound again, so this goes one deep. */
    return rt_call_value(bound->function, bound->receiver, arguments, count);
  }
  rt_throw_type_error("%v called", function);
  return RT_CALL_DONE;
}

rt_call_outcome_t rt_call_value(rt_value_t function, rt_value_t receiver, rt_value_t *arguments,
                                uint32_t count) {
  uint32_t payload = RT_PAYLOAD(function);
  switch (RT_TAG(function)) {
    case RT_TAG_METHOD:
      receiver = rt_vm.method_this;
      if (payload == RT_METHOD_OTHER) {
        return rt_call_value(method_function(function), receiver, arguments, count);
      }
      if (payload >= RT_NATIVE_FIRST) {
        return call_native(payload - RT_NATIVE_FIRST, receiver, arguments, count);
      }
      return enter(payload, 0, receiver, arguments, count);
    case RT_TAG_FUNCTION:
      if (payload >= RT_NATIVE_FIRST) {
        return call_native(payload - RT_NATIVE_FIRST, receiver, arguments, count);
      }
      return enter(payload, 0, receiver, arguments, count);
    case RT_TAG_OBJECT:
      return call_object(function, receiver, arguments, count);
    case RT_TAG_BUILTIN:
      return call_constructor(payload, receiver, arguments, count);
    case RT_TAG_ROLE_MEMBER:
      if (rt_role_member_is_command(function)) {
        const int32_t index =
            rt_native_find(RT_BUILTIN_DsCommand_prototype, RT_STR___func__ & 0x3fffu);
        return call_native((uint32_t)index, function, arguments, count);
      }
      break;
    default:
      break;
  }
  rt_throw_type_error("%v called", function);
  return RT_CALL_DONE;
}

int rt_function_needs_this(rt_value_t function) {
  uint32_t index = RT_PAYLOAD(function);
  if (RT_TAG(function) == RT_TAG_OBJECT) {
    const rt_closure_t *closure = rt_object_of(function, RT_KIND_CLOSURE);
    if (closure == NULL) return 0;
    index = closure->header.extra;
  } else if (RT_TAG(function) != RT_TAG_FUNCTION) {
    return 0;
  }
  if (index >= RT_NATIVE_FIRST) return rt_natives[index - RT_NATIVE_FIRST].kind != 0;
  return rt_image.function[index].flags & RT_FUNCTION_NEEDS_THIS;
}

rt_value_t rt_function_bind(rt_value_t function, rt_value_t receiver) {
  rt_heap_root(function);
  rt_heap_root(receiver);
  rt_bound_t *bound = rt_heap_allocate(RT_KIND_BOUND, sizeof(rt_bound_t) - sizeof(rt_object_t));
  if (bound == NULL) return RT_UNDEFINED;
  bound->function = function;
  bound->receiver = receiver;
  return RT_OBJECT(bound);
}

rt_value_t rt_vm_settle(rt_value_t value) {
  if (RT_TAG(value) != RT_TAG_METHOD) return value;
  return rt_function_bind(method_function(value), rt_vm.method_this);
}

rt_value_t rt_function_new(rt_value_t function) {
  rt_value_t prototype;
  if (RT_TAG(function) == RT_TAG_BUILTIN) {
    const uint8_t of = rt_builtins[RT_PAYLOAD(function)].prototype;
    if (of == RT_BUILTIN_NONE || rt_native_find(RT_PAYLOAD(function), 0) < 0) {
      return rt_throw_type_error("new unsupported on this expression");
    }
    prototype = RT_MAKE(RT_TAG_BUILTIN, of);
  } else if (RT_TAG(function) == RT_TAG_FUNCTION && RT_PAYLOAD(function) < RT_NATIVE_FIRST) {
    if (!(rt_image.function[RT_PAYLOAD(function)].flags & RT_FUNCTION_IS_CTOR)) {
      return rt_throw_type_error("function is not a ctor");
    }
    prototype = rt_field_get(function, RT_STR_prototype);
  } else if (rt_object_of(function, RT_KIND_CLOSURE) != NULL) {
    prototype = rt_field_get(function, RT_STR_prototype);
  } else {
    return rt_throw_type_error("new unsupported on this expression");
  }
  if (rt_vm.is_throwing) return RT_UNDEFINED;
  rt_map_t *object = rt_map_new(prototype);
  if (object == NULL) return RT_UNDEFINED;
  return RT_OBJECT(object);
}
