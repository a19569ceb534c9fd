/* What the interpreter's loop calls; private to interpreter*.c. */
#ifndef RT_VM_INTERPRETER_H
#define RT_VM_INTERPRETER_H

#include "vm/vm_internal.h"

#define RT_INFINITY ((rt_value_t)0x7ff0000000000000u)

/*
 * Cores with an assembler version of the most frequent opcodes (interpreter_thumb.c): it runs from
 * rt_vm.pc and rt_vm.sp until it comes to an opcode, or to a case of one, that C has to do.
 */
#if defined(__thumb__) && !defined(__thumb2__) && !defined(RT_HEAP_STRESS)
#define RT_HOT_OPCODES
typedef enum {
  RT_HOT_OPCODE = 0, /* C has the next opcode */
  RT_HOT_THREW = 1,  /* an exception pends */
  RT_HOT_LEAVE = 2,  /* the fiber stops here */
} rt_hot_t;
rt_hot_t rt_interpret_hot(void);
#endif

/* An immediate of more than one byte: left in rt_immediate; returns what follows it. */
extern int32_t rt_immediate;
const uint8_t *rt_immediate_long(const uint8_t *code);

/* Where a function value is wanted only for what it is, not for its `this`. */
static inline rt_value_t rt_without_method(rt_value_t value) {
  if (RT_TAG(value) != RT_TAG_METHOD) return value;
  const uint32_t payload = RT_PAYLOAD(value);
  return payload == RT_METHOD_OTHER ? rt_vm.method_function : RT_MAKE(RT_TAG_FUNCTION, payload);
}

static inline int rt_to_bool_fast(rt_value_t value) {
  if (value == RT_TRUE) return 1;
  if (value == RT_FALSE || value == RT_UNDEFINED) return 0;
  return rt_to_bool(rt_without_method(value));
}

/* Arithmetic shift; `count` 0 to 31. */
static inline int32_t rt_shift_right(int32_t x, uint32_t count) {
  return x >= 0 ? x >> count : ~(~x >> count);
}

rt_value_t rt_literal(uint32_t index);

/* Maps with more properties are searched by rt_map_find, which has caches for them. */
#define RT_NEAR_PROPERTIES 8u

/* Own property of a map with few; NULL: no such map, or none such. `object` is any heap object. */
static inline rt_value_t *rt_map_own(void *object, rt_key_t key) {
  const rt_map_t *map = object;
  if (map->header.kind != RT_KIND_MAP) return NULL;
  uint32_t left = map->count;
  if (left > RT_NEAR_PROPERTIES) return rt_map_find(map, key);
  if (left == 0) return NULL;
  rt_key_t *keys = (rt_key_t *)(void *)((rt_object_t *)RT_POINTER(map->properties) + 1);
  for (rt_key_t *at = keys; left > 0; at++, left--) {
    if (*at == key) return (rt_value_t *)(void *)(keys + map->room) + (at - keys);
  }
  return NULL;
}

/*
 * The usual case of reading a field: the object at `place` is a map that has it, or inherits it
 * from maps. Puts the value there and returns 1; 0: rt_interpret_field does it.
 */
int rt_field_near(rt_value_t *place, rt_key_t key);

/* ---- Numbers: interpreter_number.c ---- */

/* a + b: concatenates when one is a string. May throw for lack of memory. */
rt_value_t rt_number_add(rt_value_t a, rt_value_t b);
rt_value_t rt_number_subtract(rt_value_t a, rt_value_t b);
rt_value_t rt_number_multiply(rt_value_t a, rt_value_t b);
rt_value_t rt_number_divide(rt_value_t a, rt_value_t b);
rt_value_t rt_number_absolute(rt_value_t a);
/* +a */
rt_value_t rt_number_of(rt_value_t a);

rt_value_t rt_interpret_equals(rt_value_t a, rt_value_t b);
rt_value_t rt_interpret_differs(rt_value_t a, rt_value_t b);
rt_value_t rt_interpret_approx_equals(rt_value_t a, rt_value_t b);
rt_value_t rt_interpret_approx_differs(rt_value_t a, rt_value_t b);
rt_value_t rt_interpret_less(rt_value_t a, rt_value_t b);
rt_value_t rt_interpret_less_or_equal(rt_value_t a, rt_value_t b);

/* ---- Objects: interpreter_slow.c. `sp` is the stack pointer with all operands on the stack. ----
 */

/* Replaces the object on top by its field. */
void rt_interpret_field(rt_value_t *sp, rt_key_t key);
/* object, index → value, where object was. */
void rt_interpret_index(rt_value_t *sp);
void rt_interpret_index_set(rt_value_t *sp);
/* The function on top → what makes and calls a new object; see RT_TAG_METHOD. */
rt_value_t rt_interpret_new(rt_value_t *sp);
rt_value_t rt_interpret_array(rt_value_t size);
rt_value_t rt_interpret_buffer(rt_value_t size);
rt_value_t rt_interpret_instance_of(rt_value_t object, rt_value_t constructor);
rt_call_outcome_t rt_call_array(rt_value_t function, rt_value_t arguments);

rt_value_t rt_closure_new(uint32_t function);
rt_value_t rt_closure_load(uint32_t slot, rt_value_t levels);
void rt_closure_store(uint32_t slot, rt_value_t levels, rt_value_t value);

/* Opens a try block; 0: more than the function has, and the VM has stopped. */
int rt_interpret_try(uint32_t handler);
/* Closes one; 0 as above. */
int rt_interpret_end_try(void);

#endif
