/*
 * Natives: functions of the language written in C. The table of names, objects and arities is
 * generated from the ABI file into vm/abi_natives.c; each entry names one function
 * `rt_native_<object>_<name>`.
 */
#ifndef RT_VM_NATIVE_H
#define RT_VM_NATIVE_H

#include "vm/object.h"

/* `receiver` is `this` (for properties and methods); at least as many arguments as the ABI says are
 * there, missing ones undefined; `count` is how many were given. */
typedef struct {
  rt_value_t receiver;
  rt_value_t *arguments;
  uint32_t count;
} rt_call_t;

/* Returns the result. On error: throws (below) and returns what that gives. */
typedef rt_value_t (*rt_native_t)(rt_call_t *call);

/* ---- Errors: each leaves an exception pending and returns RT_UNDEFINED ---- */

rt_value_t rt_throw(rt_value_t exception);
/* `format` knows %s (C string), %d (int), %v (value as rt_to_string prints it). */
rt_value_t rt_throw_error(const char *format, ...);
rt_value_t rt_throw_type_error(const char *format, ...);
rt_value_t rt_throw_range_error(const char *format, ...);
rt_value_t rt_throw_syntax_error(const char *format, ...);
/* TypeError: "<what> expected, got <value>", as upstream words it. */
rt_value_t rt_throw_expecting(const char *what, rt_value_t got);
rt_value_t rt_throw_out_of_memory(void);
int rt_is_throwing(void);

/* ---- Fibers, for natives that wait ---- */

/* The calling fiber stops after this native until resumed; the value it is resumed with becomes the
 * native's result. `deadline_us` UINT64_MAX: no time limit; at the deadline it resumes with
 * undefined. */
rt_value_t rt_fiber_wait(uint64_t deadline_us);
/* Starts `function` in a fiber of its own. `how` is OpCall of the ABI. Returns the fiber value. */
rt_value_t rt_fiber_start(rt_value_t function, rt_value_t receiver, const rt_value_t *arguments,
                          uint32_t count, uint32_t how);
/* Makes a waiting fiber runnable with `result`. */
void rt_fiber_resume(rt_ref_t fiber, rt_value_t result);
rt_ref_t rt_fiber_current(void);

/* ---- Output ---- */

/* ds.format: {0} … {9} and {x} as upstream prints them; arguments printed as console.log does. */
rt_value_t rt_format(const char *format, uint32_t bytes, const rt_value_t *arguments,
                     uint32_t count);
/* One console line. */
void rt_print(char level, const char *text, uint32_t bytes);

#endif
