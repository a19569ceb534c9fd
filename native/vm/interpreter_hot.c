/* What the assembler of interpreter_thumb.c asks of C. Opcodes with their operands on the stack. */
#include "vm/interpreter.h"

#ifdef RT_HOT_OPCODES

/* ---- Provided to the assembler; no C calls these ---- */
rt_hot_t rt_hot_call(uint32_t count);
void rt_hot_binary(rt_value_t *sp, uint32_t op);
void rt_hot_unary(rt_value_t *sp, uint32_t op);
int rt_hot_truth(const rt_value_t *place);

/* Any call; afterwards rt_vm.frame runs from rt_vm.pc with an empty stack. */
rt_hot_t rt_hot_call(uint32_t count) {
  if (rt_call_value(rt_vm.stack[0], RT_UNDEFINED, &rt_vm.stack[1], count) == RT_CALL_ENTERED) {
    rt_vm.sp = rt_vm.stack;
    if (--rt_vm.countdown < 0) rt_vm_check_time();
  } else if (rt_vm.is_throwing) {
    return RT_HOT_THREW;
  }
  rt_vm.sp = rt_vm.stack;
  return rt_vm.is_switching ? RT_HOT_LEAVE : RT_HOT_OPCODE;
}

static rt_value_t binary(uint32_t op, rt_value_t a, rt_value_t b) {
  switch (op) {
    case RT_OP_ADD:
      return rt_number_add(a, b);
    case RT_OP_SUB:
      return rt_number_subtract(a, b);
    case RT_OP_MUL:
      return rt_number_multiply(a, b);
    case RT_OP_DIV:
      return rt_number_divide(a, b);
    case RT_OP_EQ:
      return rt_interpret_equals(a, b);
    case RT_OP_NE:
      return rt_interpret_differs(a, b);
    case RT_OP_LT:
      return rt_interpret_less(a, b);
    case RT_OP_LE:
      return rt_interpret_less_or_equal(a, b);
    case RT_OP_APPROX_EQ:
      return rt_interpret_approx_equals(a, b);
    case RT_OP_APPROX_NE:
      return rt_interpret_approx_differs(a, b);
    default:
      break;
  }
  const int32_t x = rt_to_int32(a);
  const int32_t y = rt_to_int32(b);
  switch (op) {
    case RT_OP_BIT_AND:
      return RT_INT(x & y);
    case RT_OP_BIT_OR:
      return RT_INT(x | y);
    case RT_OP_BIT_XOR:
      return RT_INT(x ^ y);
    case RT_OP_SHIFT_LEFT:
      return RT_INT((int32_t)((uint32_t)x << ((uint32_t)y & 31u)));
    case RT_OP_SHIFT_RIGHT:
      return RT_INT(rt_shift_right(x, (uint32_t)y & 31u));
    default: /* RT_OP_SHIFT_RIGHT_UNSIGNED */
      return rt_value_from_int64((uint32_t)x >> ((uint32_t)y & 31u));
  }
}

/* The outcome goes where the first of the two was. */
void rt_hot_binary(rt_value_t *sp, uint32_t op) { sp[-2] = binary(op, sp[-2], sp[-1]); }

static rt_value_t unary(uint32_t op, rt_value_t a) {
  switch (op) {
    case RT_OP_NOT:
      return RT_BOOL(!rt_to_bool_fast(a));
    case RT_OP_TO_BOOL:
      return RT_BOOL(rt_to_bool_fast(a));
    case RT_OP_IS_UNDEFINED:
      return RT_BOOL(a == RT_UNDEFINED);
    case RT_OP_IS_NULLISH:
      return RT_BOOL(a == RT_UNDEFINED || a == RT_NULL);
    case RT_OP_NEG:
      return rt_number_subtract(RT_INT(0), a);
    case RT_OP_UPLUS:
      return rt_number_of(a);
    case RT_OP_ABS:
      return rt_number_absolute(a);
    case RT_OP_BIT_NOT:
      return RT_INT(~rt_to_int32(a));
    case RT_OP_TO_INT:
      return RT_INT(rt_to_int32(a));
    case RT_OP_IS_NAN:
      return RT_BOOL(rt_number_of(a) == RT_NAN);
    case RT_OP_TYPEOF:
      return RT_INT(rt_typeof_code(rt_without_method(a)));
    default: /* RT_OP_TYPEOF_STR */
      return RT_MAKE(RT_TAG_STRING, rt_typeof_name(rt_without_method(a)));
  }
}

void rt_hot_unary(rt_value_t *sp, uint32_t op) { sp[-1] = unary(op, sp[-1]); }

int rt_hot_truth(const rt_value_t *place) { return rt_to_bool_fast(*place); }

#endif
