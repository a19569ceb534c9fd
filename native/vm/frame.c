/* Activations: made, given back, marked. */
#include "vm/frame_cache.h"
#include "vm/vm_internal.h"

rt_vm_t rt_vm;
rt_image_t rt_image;

static uint32_t frame_bytes(const rt_image_function_t *function) {
  return (uint32_t)(sizeof(rt_frame_t) - sizeof(rt_object_t)) +
         (uint32_t)sizeof(rt_value_t) * function->slots + 2u * function->try_frames;
}

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
  rt_frame_t *frame = rt_frame_take(bytes);
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

void rt_frame_mark(const rt_object_t *object) {
  const rt_frame_t *frame = (const rt_frame_t *)object;
  rt_heap_mark_ref(frame->caller);
  rt_heap_mark_ref(frame->closure);
  for (uint32_t i = 0; i < frame->slot_count; i++) rt_heap_mark_value(frame->slots[i]);
}
