/*
 * What the files of the VM share: its state, activations and fibers. One VM in a firmware.
 */
#ifndef RT_VM_INTERNAL_H
#define RT_VM_INTERNAL_H

#include "vm/abi.h"
#include "vm/role.h"
#include "vm/vm.h"

/* ---- Activations ---- */

/*
 * RT_KIND_FRAME: one call of an image function. `header.extra` is the function's index. Freed when
 * it returns, unless a closure captured it (RT_FLAG_CAPTURED): then the collector takes it later.
 * Behind the slots lie `try_frames` 16-bit offsets of handlers, innermost last.
 */
typedef struct {
  rt_object_t header;
  rt_ref_t caller;  /* frame to return to; 0: the fiber ends */
  rt_ref_t closure; /* frame that the function closes over, 0: none */
  uint16_t pc;      /* where to go on: byte of the image, all code is in the first 64 KiB */
  uint16_t slot_count;
  uint8_t tries; /* open try blocks */
  uint8_t flags; /* of the function: RT_FUNCTION_… */
  uint16_t reserved;
  rt_value_t slots[]; /* parameters (`this` first where the function needs it), then locals */
} rt_frame_t;

static inline uint16_t *rt_frame_handlers(rt_frame_t *frame) {
  return (uint16_t *)(void *)&frame->slots[frame->slot_count];
}

/* ---- Fibers ---- */

typedef enum {
  RT_FIBER_READY = 0,     /* started, has not run yet */
  RT_FIBER_RUNNING = 1,   /* the one that runs, perhaps between two slices */
  RT_FIBER_SUSPENDED = 2, /* by ds.suspend: the script may resume it */
  RT_FIBER_WAITING = 3,   /* in a native: only that native's cause, or time, resumes it */
  RT_FIBER_DONE = 4,
} rt_fiber_state_t;

/* RT_KIND_FIBER; `header.extra` is its number, from 1. */
typedef struct {
  rt_object_t header;
  rt_ref_t next;  /* in order of their start, which is the order in which they run */
  rt_ref_t frame; /* innermost activation */
  uint64_t wake_us;
  rt_value_t result;   /* what it is resumed with, or returned last */
  rt_value_t function; /* that it was started with */
  rt_value_t receiver;
  rt_ref_t pending;   /* frame to run when this ends (RT_CALL_BG_MAX1_PEND1), 0: none */
  uint16_t depth;     /* calls within each other */
  uint8_t state;      /* rt_fiber_state_t */
  uint8_t is_resumed; /* waiting no more: runs in its turn with `result` */
} rt_fiber_t;

/* ---- State ---- */

/* Payload of RT_TAG_METHOD: what is called stands in rt_vm.method_function. */
#define RT_METHOD_OTHER 0xffffffffu

/* Arguments a native may look at beyond those given: RT_NATIVE_ARITY at most. */
#define RT_STACK_SPARE 16u
/* Frames up to this size are kept for the next call when they return. */
#define RT_FRAME_CACHE_UNITS 16u

/* What the interpreter's loop uses comes first: small offsets are what a Cortex-M0+ reaches. */
typedef struct {
  rt_frame_t *frame;
  const uint8_t *pc; /* of `frame`, up to date whenever something is allocated or may throw */
  rt_value_t *sp;    /* first free place of `stack`; likewise */

  uint8_t is_throwing;  /* `exception` waits for a handler */
  uint8_t is_switching; /* the interpreter has to stop after this statement */
  uint8_t is_preempted; /* … because the slice is over: the same fiber goes on */
  uint8_t is_dying;     /* a panic is being reported */
  int32_t countdown;    /* calls and backward jumps until the next look at the clock */
  rt_value_t *globals;
  rt_value_t result;          /* what ret_val reads */
  rt_value_t method_this;     /* of the RT_TAG_METHOD at the bottom of the stack */
  rt_value_t method_function; /* what is called then, when it is not the payload: a closure */
  rt_value_t exception;
  uint32_t depth; /* calls within each other */
  rt_ref_t frame_cache[RT_FRAME_CACHE_UNITS + 1u];

  rt_fiber_t *fiber; /* that runs, NULL: none */
  rt_ref_t fibers;   /* first of all that are not done */
  rt_ref_t global_block;
  uint8_t state; /* rt_vm_state_t */
  uint32_t panic_code;
  uint32_t next_fiber;
  uint32_t slice_us;
  uint32_t fiber_us; /* that the fiber has run without waiting, in slices before this one */
  uint64_t slice_start_us;
  uint64_t start_us;
  rt_vm_config_t config;

  /* Evaluation stack. Empty between statements, so fibers share it. */
  rt_value_t stack[RT_STACK_DEPTH + RT_STACK_SPARE];
} rt_vm_t;

extern rt_vm_t rt_vm;

/* Where the running frame is, for whoever looks at frames. */
static inline void rt_frame_sync(void) {
  if (rt_vm.frame != NULL) rt_vm.frame->pc = (uint16_t)(rt_vm.pc - rt_image.bytes);
}

#ifdef RT_VM_TRACE
/* Tests count what programs use. */
void rt_vm_trace_opcode(uint32_t code);
void rt_vm_trace_native(uint32_t index);
#endif

/* ---- Calls: call.c, frame.c ---- */

typedef enum {
  RT_CALL_DONE = 0,    /* a native ran: its result is in rt_vm.result, or an exception pends */
  RT_CALL_ENTERED = 1, /* rt_vm.frame is a new frame, to be run from its pc */
} rt_call_outcome_t;

/*
 * Calls `function` with `count` arguments at `arguments`, which has room for RT_STACK_SPARE values
 * behind them. `receiver` counts for functions that do not bring their own.
 */
rt_call_outcome_t rt_call_value(rt_value_t function, rt_value_t receiver, rt_value_t *arguments,
                                uint32_t count);
/* An activation of image function `index`, not yet linked to a caller. NULL: out of memory. */
rt_frame_t *rt_frame_new(uint32_t index, rt_ref_t closure, rt_value_t receiver,
                         const rt_value_t *arguments, uint32_t count);

/* For the collector: their fields. */
void rt_frame_mark(const rt_object_t *frame);
void rt_fiber_mark(const rt_object_t *fiber);

/* RT_TAG_METHOD as a value that can be kept; others unchanged. May allocate. */
rt_value_t rt_vm_settle(rt_value_t value);
/* `function` that has its `this`. */
rt_value_t rt_function_bind(rt_value_t function, rt_value_t receiver);
/* Whether `function` makes use of a `this` that it does not have yet. */
int rt_function_needs_this(rt_value_t function);
/* The object that `new function` makes; undefined with an error pending. */
rt_value_t rt_function_new(rt_value_t function);

/* ---- Exceptions: exception.c ---- */

/* Finds the handler of the pending exception. 1: rt_vm.frame is to go on at its pc; 0: none in this
 * fiber, which has ended. */
int rt_exception_unwind(void);
/* Leaves `level` try blocks for the absolute offset `target`, by way of their finally blocks. */
void rt_exception_jump(uint32_t target, uint32_t level);
/* Goes on after a finally block: throws again, jumps on, or nothing. */
void rt_exception_resume(rt_value_t value);
/* Writes the trace of the running fiber into the exception, unless it has one. `pc` is the byte of
 * the image after the instruction that throws. */
void rt_exception_trace(rt_value_t exception);
/* " at name_F3 (pc:12)" for the byte `offset` of the image. */
void rt_trace_print(char level, uint32_t offset);
/* Stops the VM for good, with the trace of where it is. `name` is printed. */
void rt_vm_panic(uint32_t code, const char *name);

/* ---- Interpreter ---- */

/* Runs rt_vm.frame until its fiber waits, ends, is preempted or the VM stops. */
void rt_interpreter_run(void);
/* The slow half of the clock check; sets is_switching when the slice is over. */
void rt_vm_check_time(void);

/* Reads an immediate at `code` into *value; returns what follows it. */
const uint8_t *rt_immediate_read(const uint8_t *code, int32_t *value);

/* ---- Fibers: fiber.c ---- */

void rt_fibers_init(void);
/* The fiber to run next, or NULL; `*wake_us` is when a waiting one is due. */
rt_fiber_t *rt_fiber_next(uint64_t now_us, uint64_t *wake_us);
/* Makes `fiber` the running one and lets it go on. */
void rt_fiber_run(rt_fiber_t *fiber);
/* The running fiber returned from its outermost function. */
void rt_fiber_end(rt_fiber_t *fiber);

#endif
