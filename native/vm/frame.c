/* Activations: made, given back, marked. */
#include "vm/interpreter.h"
#include "vm/vm_internal.h"

rt_vm_t rt_vm;
rt_image_t rt_image;

static uint32_t frame_bytes(const rt_image_function_t *function) {
  return (uint32_t)(sizeof(rt_frame_t) - sizeof(rt_object_t)) +
         (uint32_t)sizeof(rt_value_t) * function->slots + 2u * function->try_frames;
}

#ifdef RT_HEAP_STRESS
/* No reuse behind the collector's back: a freed frame is to be poisoned. */
static rt_frame_t *take_cached(uint32_t bytes) {
  (void)bytes;
  return NULL;
}

static int cache(rt_frame_t *frame) {
  (void)frame;
  return 0;
}
#else
static inline rt_frame_t *take_cached(uint32_t bytes) {
  const uint32_t units = (bytes + (uint32_t)sizeof(rt_object_t) + 7u) >> 3;
  if (units > RT_FRAME_CACHE_UNITS) return NULL;
  const rt_ref_t ref = rt_vm.frame_cache[units];
  if (ref == 0) return NULL;
  rt_frame_t *frame = RT_POINTER(ref);
  rt_vm.frame_cache[units] = frame->caller;
  return frame;
}

static inline int cache(rt_frame_t *frame) {
  if (frame->header.units > RT_FRAME_CACHE_UNITS) return 0;
  frame->caller = rt_vm.frame_cache[frame->header.units];
  frame->slot_count = 0;
  frame->closure = 0;
  rt_vm.frame_cache[frame->header.units] = RT_REF(frame);
  return 1;
}
#endif

/* The parameter that takes what is left of the arguments. */
static rt_frame_t *collect_rest(rt_frame_t *frame, uint32_t parameters, const rt_value_t *rest,
                                uint32_t count) {
  rt_heap_root(RT_OBJECT(frame));
  rt_array_t *array = rt_array_new(count);
  if (array == NULL) return NULL;
  rt_value_t *values = rt_array_values(array);
  for (uint32_t i = 0; i < count; i++) values[i] = rest[i];
  frame->slots[parameters - 1u] = RT_OBJECT(array);
  return frame;
}

rt_frame_t *rt_frame_new(uint32_t index, rt_ref_t closure, rt_value_t receiver,
                         const rt_value_t *arguments, uint32_t count) {
  const rt_image_function_t *function = &rt_image.function[index];
  const uint32_t bytes = frame_bytes(function);
  rt_frame_t *frame = take_cached(bytes);
  if (frame == NULL) {
    frame = rt_heap_allocate(RT_KIND_FRAME, bytes);
    if (frame == NULL) return NULL;
  }
  const uint32_t flags = function->flags;
  uint32_t room = function->parameters;
  frame->header.extra = index;
  frame->header.flags = 0;
  frame->caller = 0;
  frame->closure = closure;
  frame->pc = (uint16_t)function->start;
  frame->slot_count = function->slots;
  frame->tries = 0;
  frame->flags = (uint8_t)flags;
  rt_value_t *slot = frame->slots;
  rt_value_t *const end = slot + function->slots;
  if (flags & RT_FUNCTION_NEEDS_THIS) {
    *slot++ = receiver;
    room--;
  }
  if (count < room) room = count;
  for (const rt_value_t *argument = arguments; room > 0; room--) *slot++ = *argument++;
  while (slot < end) *slot++ = RT_UNDEFINED;
  if (flags & RT_FUNCTION_HAS_REST_ARG) {
    uint32_t named = function->parameters - 1u;
    if (flags & RT_FUNCTION_NEEDS_THIS) named--;
    const uint32_t rest = count > named ? count - named : 0;
    return collect_rest(frame, function->parameters, arguments + named, rest);
  }
  return frame;
}

#ifdef RT_HEAP_STRESS
int rt_frame_enter(uint32_t count) {
  (void)count;
  return 0;
}
#else
int rt_frame_enter(uint32_t count) {
  const uint32_t tag = RT_TAG(rt_vm.stack[0]);
  const uint32_t index = RT_PAYLOAD(rt_vm.stack[0]);
  if (tag != RT_TAG_METHOD) {
    if (tag != RT_TAG_FUNCTION) return 0;
  }
  if (index >= RT_NATIVE_FIRST) return 0;
  const rt_image_function_t *function = &rt_image.function[index];
  if (function->flags > RT_FUNCTION_NEEDS_THIS) return 0;
  if (function->try_frames != 0) return 0;
  const uint32_t depth = rt_vm.depth;
  if (depth >= RT_VM_CALL_DEPTH) return 0;
  uint32_t slots = function->slots;
  if (slots > RT_FRAME_CACHE_UNITS - sizeof(rt_frame_t) / 8u) return 0;
  rt_ref_t *const cached = &rt_vm.frame_cache[sizeof(rt_frame_t) / 8u + slots];
  if (*cached == 0) return 0;
  rt_frame_t *const frame = RT_POINTER(*cached);
  *cached = frame->caller;
  rt_vm.depth = depth + 1u;
  rt_frame_t *const caller = rt_vm.frame;
  frame->caller = RT_REF(caller);
  rt_vm.frame = frame;
  caller->pc = (uint16_t)(rt_vm.pc - rt_image.bytes);
  frame->header.extra = index;
  frame->slot_count = (uint16_t)slots;
  frame->pc = (uint16_t)function->start;
  rt_vm.pc = rt_image.bytes + function->start;
  frame->tries = 0;
  frame->flags = function->flags;
  uint32_t room = function->parameters;
  rt_value_t *slot = frame->slots;
  slots -= room;
  if (function->flags != 0) {
    *slot++ = tag == RT_TAG_METHOD ? rt_vm.method_this : RT_UNDEFINED;
    room--;
  }
  const rt_value_t *argument = &rt_vm.stack[1];
  for (; room > 0 && count > 0; room--, count--) *slot++ = *argument++;
  for (slots += room; slots > 0; slots--) *slot++ = RT_UNDEFINED;
  return 1;
}
#endif

void rt_frame_leave(rt_frame_t *frame) {
  if (frame->header.flags & RT_FLAG_CAPTURED) {
    /* Its closures live on; whoever called it need not. */
    frame->caller = 0;
    return;
  }
  if (!cache(frame)) rt_heap_free(frame);
}

void rt_frame_mark(const rt_object_t *object) {
  const rt_frame_t *frame = (const rt_frame_t *)object;
  rt_heap_mark_ref(frame->caller);
  rt_heap_mark_ref(frame->closure);
  for (uint32_t i = 0; i < frame->slot_count; i++) rt_heap_mark_value(frame->slots[i]);
}
