/* Math: what is not written in TypeScript. Integers take the short way. */
#include "libm/libm.h"
#include "vm/abi.h"
#include "vm/vm_internal.h"

static rt_value_t rounded(rt_call_t *call, double (*round)(double)) {
  rt_value_t value = call->arguments[0];
  return RT_IS_INT(value) ? value : rt_value_number(round(rt_to_double(value)));
}

rt_value_t rt_native_math_floor(rt_call_t *call) { return rounded(call, rt_libm_floor); }

rt_value_t rt_native_math_ceil(rt_call_t *call) { return rounded(call, rt_libm_ceil); }

/* Halves go away from 0, as C's round has it and ECMAScript does not. */
static double round_half_away(double x) {
  double whole = rt_libm_trunc(x), rest = x - whole;
  if (rest >= 0.5) return whole + 1;
  return rest <= -0.5 ? whole - 1 : whole;
}

rt_value_t rt_native_math_round(rt_call_t *call) { return rounded(call, round_half_away); }

/* What is not below 0 stays what it is, even a string. */
rt_value_t rt_native_math_abs(rt_call_t *call) {
  rt_value_t value = call->arguments[0];
  if (RT_IS_INT(value)) {
    int32_t number = (int32_t)RT_PAYLOAD(value);
    return number < 0 ? rt_value_from_int64(-(int64_t)number) : value;
  }
  double number = rt_to_double(value);
  return number < 0 ? rt_value_number(-number) : value;
}

rt_value_t rt_native_math_log(rt_call_t *call) {
  return rt_value_number(rt_libm_log(rt_to_double(call->arguments[0])));
}

rt_value_t rt_native_math_pow(rt_call_t *call) {
  double x = rt_to_double(call->arguments[0]), y = rt_to_double(call->arguments[1]);
  return rt_value_number(rt_libm_pow(x, y));
}

/* ---- Integers ---- */

/* Division by 0 gives 0, and what does not fit wraps. */
rt_value_t rt_native_math_idiv(rt_call_t *call) {
  int32_t a = rt_to_int32(call->arguments[0]), b = rt_to_int32(call->arguments[1]);
  if (b == 0) return RT_INT(0);
  return b == -1 ? RT_INT(0u - (uint32_t)a) : RT_INT(a / b);
}

rt_value_t rt_native_math_imod(rt_call_t *call) {
  int32_t a = rt_to_int32(call->arguments[0]), b = rt_to_int32(call->arguments[1]);
  return b == 0 || b == -1 ? RT_INT(0) : RT_INT(a % b);
}

rt_value_t rt_native_math_imul(rt_call_t *call) {
  uint32_t a = (uint32_t)rt_to_int32(call->arguments[0]);
  return RT_INT(a * (uint32_t)rt_to_int32(call->arguments[1]));
}

/* ---- Order: of two, the second unless the first is less (more); values stay as they are ---- */

rt_value_t rt_native_math_min(rt_call_t *call) {
  rt_value_t a = call->arguments[0], b = call->arguments[1];
  if (RT_IS_INT(a) && RT_IS_INT(b)) return (int32_t)RT_PAYLOAD(a) < (int32_t)RT_PAYLOAD(b) ? a : b;
  return rt_to_double(a) < rt_to_double(b) ? a : b;
}

rt_value_t rt_native_math_max(rt_call_t *call) {
  rt_value_t a = call->arguments[0], b = call->arguments[1];
  if (RT_IS_INT(a) && RT_IS_INT(b)) return (int32_t)RT_PAYLOAD(a) > (int32_t)RT_PAYLOAD(b) ? a : b;
  return rt_to_double(a) > rt_to_double(b) ? a : b;
}

/* ---- Chance ---- */

/* From 0 up to but not 1, in steps of 2^-32. */
rt_value_t rt_native_math_random(rt_call_t *call) {
  (void)call;
  return rt_value_number((double)rt_vm.config.random() * 0x1p-32);
}

/* A whole number from 0 to the argument, which is included. */
rt_value_t rt_native_math_random_int(rt_call_t *call) {
  uint32_t limit = (uint32_t)rt_to_int32(call->arguments[0]);
  uint32_t mask = limit;
  for (uint32_t shift = 1; shift < 32; shift <<= 1) mask |= mask >> shift;
  uint32_t number;
  do {
    number = rt_vm.config.random() & mask;
  } while (number > limit);
  return RT_INT(number);
}
