/*
 * The usual call and return, to be inlined into the interpreter: frames that returned are kept by
 * size for the next call. (The collector empties the lists: see rt_vm_mark_roots.)
 */
#ifndef RT_VM_FRAME_CACHE_H
#define RT_VM_FRAME_CACHE_H

#include "vm/vm_internal.h"

#ifdef RT_HEAP_STRESS
/* No reuse behind the collector's back: a freed frame is to be poisoned. */
static inline rt_frame_t *rt_frame_take(uint32_t bytes) {
  (void)bytes;
  return NULL;
}

static inline int rt_frame_keep(rt_frame_t *frame) {
  (void)frame;
  return 0;
}
#else
static inline rt_frame_t *rt_frame_take(uint32_t bytes) {
  const uint32_t units = (bytes + (uint32_t)sizeof(rt_object_t) + 7u) >> 3;
  if (units > RT_FRAME_CACHE_UNITS) return NULL;
  const rt_ref_t ref = rt_vm.frame_cache[units];
  if (ref == 0) return NULL;
  rt_frame_t *frame = RT_POINTER(ref);
  rt_vm.frame_cache[units] = frame->caller;
  return frame;
}

static inline int rt_frame_keep(rt_frame_t *frame) {
  if (frame->header.units > RT_FRAME_CACHE_UNITS) return 0;
  frame->caller = rt_vm.frame_cache[frame->header.units];
  frame->slot_count = 0;
  frame->closure = 0;
  rt_vm.frame_cache[frame->header.units] = RT_REF(frame);
  return 1;
}
#endif

/* The frame returned or was left: gives it back unless it is captured. */
static inline void rt_frame_leave(rt_frame_t *frame) {
  if (frame->header.flags & RT_FLAG_CAPTURED) {
    /* Its closures live on; whoever called it need not. */
    frame->caller = 0;
    return;
  }
  if (!rt_frame_keep(frame)) rt_heap_free(frame);
}

/*
 * The call of an image function that is nothing special, with a frame that was kept for reuse.
 * `count` arguments and the function lie on the stack. 0: rt_call_value does it.
 */
#ifdef RT_HEAP_STRESS
static inline int rt_frame_enter(uint32_t count) {
  (void)count;
  return 0;
}
#else
static inline int rt_frame_enter(uint32_t count) {
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

#endif
