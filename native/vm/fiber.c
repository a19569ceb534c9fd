/*
 * Fibers. One runs until it waits; of those that can go on, the one started first comes first. (As
 * upstream: programs see this order.)
 */
#include "vm/vm_internal.h"

static rt_fiber_t *fiber_of(rt_ref_t ref) { return ref == 0 ? NULL : RT_POINTER(ref); }

void rt_fibers_init(void) {
  rt_vm.fiber = NULL;
  rt_vm.frame = NULL;
  rt_vm.fibers = 0;
  rt_vm.next_fiber = 1;
}

void rt_fiber_mark(const rt_object_t *object) {
  const rt_fiber_t *fiber = (const rt_fiber_t *)object;
  rt_heap_mark_ref(fiber->next);
  rt_heap_mark_ref(fiber->frame);
  rt_heap_mark_ref(fiber->pending);
  rt_heap_mark_value(fiber->result);
  rt_heap_mark_value(fiber->function);
  rt_heap_mark_value(fiber->receiver);
}

static void append(rt_fiber_t *fiber) {
  rt_ref_t *place = &rt_vm.fibers;
  while (*place != 0) place = &((rt_fiber_t *)RT_POINTER(*place))->next;
  *place = RT_REF(fiber);
}

/* Takes the fiber off the list. The object stays while the script holds it. */
static void finish(rt_fiber_t *fiber) {
  rt_ref_t *place = &rt_vm.fibers;
  while (*place != 0 && *place != RT_REF(fiber)) {
    place = &((rt_fiber_t *)RT_POINTER(*place))->next;
  }
  if (*place != 0) *place = fiber->next;
  fiber->next = 0;
  fiber->frame = 0;
  fiber->pending = 0;
  fiber->state = RT_FIBER_DONE;
  fiber->function = RT_UNDEFINED;
  fiber->receiver = RT_UNDEFINED;
  fiber->result = RT_UNDEFINED;
}

/* The innermost frame that starting `function` runs; NULL with an error pending. */
static rt_frame_t *first_frame(rt_value_t function, rt_value_t receiver,
                               const rt_value_t *arguments, uint32_t count) {
  const rt_bound_t *bound = rt_object_of(function, RT_KIND_BOUND);
  if (bound != NULL) {
    receiver = bound->receiver;
    function = bound->function;
  }
  const rt_closure_t *closure = rt_object_of(function, RT_KIND_CLOSURE);
  if (closure != NULL) {
    return rt_frame_new(closure->header.extra, closure->frame, receiver, arguments, count);
  }
  if (RT_TAG(function) == RT_TAG_FUNCTION) {
    if (RT_PAYLOAD(function) < RT_NATIVE_FIRST) {
      return rt_frame_new(RT_PAYLOAD(function), 0, receiver, arguments, count);
    }
    rt_throw_type_error("fiber started with a builtin function");
    return NULL;
  }
  rt_throw_type_error("%v called", function);
  return NULL;
}

/* A fiber that was started with the same function on the same object and is not done. */
static rt_fiber_t *find_same(rt_value_t function, rt_value_t receiver) {
  for (rt_fiber_t *fiber = fiber_of(rt_vm.fibers); fiber != NULL; fiber = fiber_of(fiber->next)) {
    if (rt_strict_equals(fiber->function, function) && fiber->receiver == receiver) return fiber;
  }
  return NULL;
}

static void terminate(rt_fiber_t *fiber) {
  rt_roles_forget(RT_REF(fiber));
  const int is_current = fiber == rt_vm.fiber;
  finish(fiber);
  if (!is_current) return;
  rt_vm.fiber = NULL;
  rt_vm.frame = NULL;
  rt_vm.is_switching = 1;
}

rt_value_t rt_fiber_start(rt_value_t function, rt_value_t receiver, const rt_value_t *arguments,
                          uint32_t count, uint32_t how) {
  const uint32_t level = rt_heap_root_level();
  rt_fiber_t *same = how > RT_CALL_BG ? find_same(function, receiver) : NULL;
  if (same != NULL && how == RT_CALL_BG_MAX1) return RT_OBJECT(same);
  rt_heap_root(function);
  rt_heap_root(receiver);
  rt_frame_t *frame = first_frame(function, receiver, arguments, count);
  if (frame == NULL) {
    rt_heap_unroot(level);
    return RT_UNDEFINED;
  }
  if (same != NULL && how == RT_CALL_BG_MAX1_PEND1) {
    same->pending = RT_REF(frame);
    rt_heap_unroot(level);
    return RT_OBJECT(same);
  }
  rt_heap_root(RT_OBJECT(frame));
  rt_fiber_t *fiber = rt_heap_allocate(RT_KIND_FIBER, sizeof(rt_fiber_t) - sizeof(rt_object_t));
  if (fiber == NULL) {
    rt_heap_unroot(level);
    return RT_UNDEFINED;
  }
  if (same != NULL && how == RT_CALL_BG_MAX1_REPLACE) terminate(same);
  fiber->header.extra = rt_vm.next_fiber++;
  fiber->frame = RT_REF(frame);
  fiber->wake_us = UINT64_MAX;
  fiber->result = RT_UNDEFINED;
  fiber->function = function;
  fiber->receiver = receiver;
  fiber->depth = 1;
  fiber->state = RT_FIBER_READY;
  fiber->is_resumed = 1;
  append(fiber);
  rt_heap_unroot(level);
  return RT_OBJECT(fiber);
}

rt_ref_t rt_fiber_current(void) { return rt_vm.fiber == NULL ? 0 : RT_REF(rt_vm.fiber); }

rt_value_t rt_fiber_wait(uint64_t deadline_us) {
  rt_fiber_t *fiber = rt_vm.fiber;
  if (fiber == NULL || rt_vm.is_dying) return RT_UNDEFINED;
  fiber->state = RT_FIBER_WAITING;
  fiber->is_resumed = 0;
  fiber->wake_us = deadline_us;
  fiber->result = RT_UNDEFINED;
  rt_vm.is_switching = 1;
  return RT_UNDEFINED;
}

void rt_fiber_resume(rt_ref_t ref, rt_value_t result) {
  rt_fiber_t *fiber = fiber_of(ref);
  if (fiber == NULL || fiber->header.kind != RT_KIND_FIBER) return;
  if (fiber->state != RT_FIBER_WAITING && fiber->state != RT_FIBER_SUSPENDED) return;
  fiber->is_resumed = 1;
  fiber->result = result;
}

rt_fiber_t *rt_fiber_next(uint64_t now_us, uint64_t *wake_us) {
  *wake_us = UINT64_MAX;
  for (rt_fiber_t *fiber = fiber_of(rt_vm.fibers); fiber != NULL; fiber = fiber_of(fiber->next)) {
    if (fiber->is_resumed || fiber->wake_us <= now_us) return fiber;
    if (fiber->wake_us < *wake_us) *wake_us = fiber->wake_us;
  }
  return NULL;
}

void rt_fiber_end(rt_fiber_t *fiber) {
  if (fiber->pending != 0) {
    /* Asked for while it ran: once more, as the same fiber, in its turn. */
    fiber->frame = fiber->pending;
    fiber->pending = 0;
    fiber->depth = 1;
    fiber->state = RT_FIBER_READY;
    fiber->is_resumed = 1;
    fiber->result = RT_UNDEFINED;
    return;
  }
  finish(fiber);
}

void rt_fiber_run(rt_fiber_t *fiber) {
  if (!rt_vm.is_preempted) {
    rt_vm.fiber = fiber;
    rt_vm.frame = RT_POINTER(fiber->frame);
    rt_vm.pc = rt_image.bytes + rt_vm.frame->pc;
    rt_vm.result = fiber->result;
    rt_vm.depth = fiber->depth;
    rt_vm.fiber_us = 0;
    fiber->state = RT_FIBER_RUNNING;
    fiber->is_resumed = 0;
    fiber->wake_us = UINT64_MAX;
    fiber->result = RT_UNDEFINED;
  }
  rt_vm.is_preempted = 0;
  rt_vm.is_switching = 0;
  rt_interpreter_run();
  rt_vm.sp = rt_vm.stack;
  if (rt_vm.fiber == NULL || rt_vm.state != RT_VM_RUNNING) return;
  if (rt_vm.is_preempted) return;
  if (rt_vm.frame == NULL) {
    rt_fiber_end(fiber);
  } else {
    fiber->frame = RT_REF(rt_vm.frame);
    fiber->depth = rt_vm.depth;
  }
  rt_vm.fiber = NULL;
  rt_vm.frame = NULL;
}

/* ---- Natives ---- */

static rt_fiber_t *receiver_of(const rt_call_t *call) {
  rt_fiber_t *fiber = rt_object_of(call->receiver, RT_KIND_FIBER);
  if (fiber == NULL) {
    rt_throw_expecting("fiber", call->receiver);
  } else if (fiber->state == RT_FIBER_DONE) {
    rt_throw_range_error("fiber already disposed");
    return NULL;
  }
  return fiber;
}

rt_value_t rt_native_fiber_id(rt_call_t *call) {
  const rt_fiber_t *fiber = receiver_of(call);
  return fiber == NULL ? RT_UNDEFINED : RT_INT((int32_t)fiber->header.extra);
}

rt_value_t rt_native_fiber_suspended(rt_call_t *call) {
  const rt_fiber_t *fiber = receiver_of(call);
  return fiber == NULL ? RT_UNDEFINED : RT_BOOL(fiber->state == RT_FIBER_SUSPENDED);
}

rt_value_t rt_native_fiber_resume(rt_call_t *call) {
  rt_fiber_t *fiber = receiver_of(call);
  if (fiber == NULL) return RT_UNDEFINED;
  if (fiber->state != RT_FIBER_SUSPENDED) return rt_throw_range_error("fiber not suspended");
  rt_fiber_resume(RT_REF(fiber), call->arguments[0]);
  return RT_UNDEFINED;
}

rt_value_t rt_native_fiber_terminate(rt_call_t *call) {
  rt_fiber_t *fiber = receiver_of(call);
  if (fiber == NULL) return RT_UNDEFINED;
  terminate(fiber);
  return RT_UNDEFINED;
}

rt_value_t rt_native_fiber_self(rt_call_t *call) {
  (void)call;
  return rt_vm.fiber == NULL ? RT_UNDEFINED : RT_OBJECT(rt_vm.fiber);
}

rt_value_t rt_native_function_start(rt_call_t *call) {
  return rt_fiber_start(call->receiver, RT_UNDEFINED, call->arguments, call->count, RT_CALL_BG);
}

/* Milliseconds of an argument from now, in microseconds since boot. */
static uint64_t deadline_after(rt_value_t milliseconds) {
  const double number = rt_to_double(milliseconds);
  /* Not a number, or in the past: at once. 2^40 us are 12 days. */
  const double limit = 1e15;
  if (!(number > 0)) return 0;
  const uint64_t delay = number * 1000.0 > limit ? (uint64_t)limit : (uint64_t)(number * 1000.0);
  return rt_vm.config.now_us() + delay;
}

rt_value_t rt_native_ds_sleep(rt_call_t *call) {
  return rt_fiber_wait(deadline_after(call->arguments[0]));
}

rt_value_t rt_native_ds_delay(rt_call_t *call) { return rt_native_ds_sleep(call); }

rt_value_t rt_native_ds_suspend(rt_call_t *call) {
  const rt_value_t time = call->arguments[0];
  rt_fiber_wait(time == RT_UNDEFINED ? UINT64_MAX : deadline_after(time));
  if (rt_vm.fiber != NULL) rt_vm.fiber->state = RT_FIBER_SUSPENDED;
  return RT_UNDEFINED;
}

rt_value_t rt_native_ds_millis(rt_call_t *call) {
  (void)call;
  return rt_value_from_int64((int64_t)((rt_vm.config.now_us() - rt_vm.start_us) / 1000u));
}

/* The program asks to end; nothing of it runs any more. */
static rt_value_t stop(rt_vm_state_t state) {
  rt_vm.state = (uint8_t)state;
  rt_vm.is_switching = 1;
  return RT_UNDEFINED;
}

rt_value_t rt_native_ds_restart(rt_call_t *call) {
  (void)call;
  return stop(RT_VM_RESTART);
}

rt_value_t rt_native_ds_reboot(rt_call_t *call) {
  (void)call;
  return stop(RT_VM_REBOOT);
}

rt_value_t rt_native_ds_panic(rt_call_t *call) {
  const int32_t code = rt_to_int32(call->arguments[0]);
  rt_vm_panic(code > 0 && code < (int32_t)RT_PANIC_REBOOT ? (uint32_t)code : RT_PANIC_REBOOT - 1u,
              "Panic");
  return RT_UNDEFINED;
}
