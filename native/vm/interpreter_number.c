/* Arithmetic and comparison where the operands are not just small whole numbers. */
#include "vm/interpreter.h"

static int32_t int_of(rt_value_t value) { return (int32_t)RT_PAYLOAD(value); }

static double double_of(rt_value_t value) {
  if (RT_IS_DOUBLE(value)) return rt_value_double(value);
  if (RT_IS_INT(value)) return int_of(value);
  return rt_to_double(rt_without_method(value));
}

int32_t rt_immediate;

const uint8_t *rt_immediate_long(const uint8_t *code) {
  return rt_immediate_read(code, &rt_immediate);
}

rt_value_t rt_literal(uint32_t index) {
  /* Only 4-aligned. */
  const uint32_t *words = (const uint32_t *)(const void *)(rt_image.float_literals + 8u * index);
  const rt_value_t value = (rt_value_t)words[1] << 32 | words[0];
  if (RT_IS_INT(value)) return value;
  /* Tags that a compiler never writes become NaN, whole numbers ints. */
  if (!RT_IS_DOUBLE(value)) return RT_NAN;
  return rt_value_number(rt_value_double(value));
}

rt_value_t rt_number_of(rt_value_t a) {
  if (RT_IS_INT(a) || RT_IS_DOUBLE(a)) return a;
  return rt_value_number(double_of(a));
}

rt_value_t rt_number_add(rt_value_t a, rt_value_t b) {
  if (RT_IS_NUMBER(a) && RT_IS_NUMBER(b)) {
    if (RT_IS_INT(a) && RT_IS_INT(b)) {
      return rt_value_from_int64((int64_t)int_of(a) + int_of(b));
    }
    return rt_value_number(double_of(a) + double_of(b));
  }
  if (rt_is_string(a) || rt_is_string(b)) {
    const rt_value_t text = rt_string_concat(rt_without_method(a), b);
    rt_heap_unroot(0);
    return text;
  }
  return rt_value_number(double_of(a) + double_of(b));
}

rt_value_t rt_number_subtract(rt_value_t a, rt_value_t b) {
  if (RT_IS_INT(a) && RT_IS_INT(b)) return rt_value_from_int64((int64_t)int_of(a) - int_of(b));
  return rt_value_number(double_of(a) - double_of(b));
}

rt_value_t rt_number_multiply(rt_value_t a, rt_value_t b) {
  if (RT_IS_INT(a) && RT_IS_INT(b)) return rt_value_from_int64((int64_t)int_of(a) * int_of(b));
  return rt_value_number(double_of(a) * double_of(b));
}

rt_value_t rt_number_divide(rt_value_t a, rt_value_t b) {
  if (RT_IS_INT(a) && RT_IS_INT(b)) {
    const int32_t x = int_of(a);
    const int32_t y = int_of(b);
    /* -1 apart: the one quotient that does not fit. */
    if (y == -1) return rt_value_from_int64(-(int64_t)x);
    if (y != 0) {
      const int32_t quotient = x / y;
      if (quotient * y == x) return RT_INT(quotient);
    }
  }
  return rt_value_number(double_of(a) / double_of(b));
}

rt_value_t rt_number_absolute(rt_value_t a) {
  if (RT_IS_INT(a)) return int_of(a) < 0 ? rt_value_from_int64(-(int64_t)int_of(a)) : a;
  const double number = double_of(a);
  return rt_value_number(number < 0 ? -number : number);
}

rt_value_t rt_interpret_equals(rt_value_t a, rt_value_t b) {
  if (a == b && RT_TAG(a) != RT_TAG_METHOD) return RT_BOOL(a != RT_NAN);
  return RT_BOOL(rt_strict_equals(rt_vm_settle(a), b));
}

rt_value_t rt_interpret_differs(rt_value_t a, rt_value_t b) {
  return rt_interpret_equals(a, b) == RT_TRUE ? RT_FALSE : RT_TRUE;
}

rt_value_t rt_interpret_approx_equals(rt_value_t a, rt_value_t b) {
  return RT_BOOL(rt_approx_equals(rt_vm_settle(a), b));
}

rt_value_t rt_interpret_approx_differs(rt_value_t a, rt_value_t b) {
  return RT_BOOL(!rt_approx_equals(rt_vm_settle(a), b));
}

/* As upstream, strings are not put in order: they compare as NaN, as all that is no number. */
rt_value_t rt_interpret_less(rt_value_t a, rt_value_t b) {
  return RT_BOOL(double_of(a) < double_of(b));
}

rt_value_t rt_interpret_less_or_equal(rt_value_t a, rt_value_t b) {
  return RT_BOOL(double_of(a) <= double_of(b));
}
