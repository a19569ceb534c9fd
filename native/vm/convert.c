/* What values are when something else is asked for. */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/role.h"
#include "vm/text.h"

void *rt_object_of(rt_value_t value, rt_kind_t kind) {
  if (RT_TAG(value) != RT_TAG_OBJECT) return NULL;
  rt_object_t *object = (rt_object_t *)RT_POINTER(RT_PAYLOAD(value));
  return object->kind == kind ? object : NULL;
}

/* ---- To a truth value ---- */

/* Of the numbers that are no int32 only the infinite ones are true, so `if (0.5)` is not taken:
 * that is what the official VM does, and a program has to behave the same on both. */
int rt_to_bool(rt_value_t value) {
  if (RT_IS_INT(value)) return RT_PAYLOAD(value) != 0;
  if (RT_TAG(value) == RT_TAG_SPECIAL) return value == RT_TRUE;
  if (RT_IS_DOUBLE(value)) return (value << 1) == 0xffe0000000000000u;
  uint32_t bytes;
  return rt_string_text(value, &bytes) == NULL || bytes != 0;
}

/* ---- To a number ---- */

static double string_number(rt_value_t value) {
  uint32_t bytes, used = 0;
  const char *text = rt_string_text(value, &bytes);
  if (text == NULL) return rt_value_double(RT_NAN);
  double number = rt_number_parse(text, bytes, &used);
  return used != 0 ? number : rt_value_double(RT_NAN);
}

double rt_to_double(rt_value_t value) {
  if (RT_IS_INT(value)) return (double)(int32_t)RT_PAYLOAD(value);
  if (RT_IS_DOUBLE(value)) return rt_value_double(value);
  if (RT_TAG(value) == RT_TAG_SPECIAL) {
    if (value == RT_UNDEFINED) return rt_value_double(RT_NAN);
    return value == RT_TRUE ? 1.0 : 0.0;
  }
  return string_number(value);
}

/* The bits of a double modulo 2^32, without float arithmetic. */
static int32_t wrap(uint64_t bits) {
  int32_t exponent = (int32_t)(bits >> 52 & 0x7ffu) - 1075;
  uint64_t mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  if (exponent == 0x7ff - 1075) return (bits & 0xfffffffffffffu) == 0; /* infinite: as upstream */
  uint32_t low;
  if (exponent >= 32 || exponent <= -53) {
    low = 0;
  } else {
    low = (uint32_t)(exponent >= 0 ? mantissa << exponent : mantissa >> -exponent);
  }
  return (int32_t)(bits >> 63 ? 0u - low : low);
}

int32_t rt_to_int32(rt_value_t value) {
  if (RT_IS_INT(value)) return (int32_t)RT_PAYLOAD(value);
  double number = RT_IS_DOUBLE(value) ? rt_value_double(value) : rt_to_double(value);
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return wrap(bits);
}

/* ---- To a string ---- */

static rt_value_t builtin_string(uint32_t string) { return RT_MAKE(RT_TAG_STRING, string); }

rt_value_t rt_to_string(rt_value_t value) {
  if (rt_is_string(value)) return value;
  if (RT_IS_NUMBER(value)) {
    char text[32];
    return rt_string_new(text, rt_number_print(text, value));
  }
  if (RT_TAG(value) == RT_TAG_SPECIAL) {
    static const uint16_t words[] = {RT_STR_undefined, RT_STR_null, RT_STR_false, RT_STR_true};
    return builtin_string(words[RT_PAYLOAD(value) & 3u]);
  }
  if (RT_AS_ARRAY(value) != NULL) return builtin_string(RT_STR_array);
  if (RT_AS_MAP(value) != NULL || RT_TAG(value) == RT_TAG_BUILTIN) {
    return builtin_string(RT_STR_map);
  }
  char room[RT_INSPECT_BYTES];
  rt_text_t text = {.text = room, .room = sizeof room, .length = 0};
  rt_text_add_value(&text, value);
  return rt_string_new(room, text.length < sizeof room ? text.length : (uint32_t)sizeof room);
}

/* ---- Equality ---- */

static int bound_equal(rt_value_t a, rt_value_t b) {
  const rt_bound_t *x = (const rt_bound_t *)rt_object_of(a, RT_KIND_BOUND);
  const rt_bound_t *y = (const rt_bound_t *)rt_object_of(b, RT_KIND_BOUND);
  return x != NULL && y != NULL && x->function == y->function && x->receiver == y->receiver;
}

int rt_strict_equals(rt_value_t a, rt_value_t b) {
  if (a == b) return a != RT_NAN;
  /* Numbers have one form, so unequal bits are unequal numbers; only +0 and -0 could differ. */
  if (RT_IS_NUMBER(a) || RT_IS_NUMBER(b)) return 0;
  if (rt_is_string(a)) return rt_is_string(b) && rt_string_equals(a, b);
  return bound_equal(a, b);
}

int rt_approx_equals(rt_value_t a, rt_value_t b) {
  int a_is_none = a == RT_NULL || a == RT_UNDEFINED;
  int b_is_none = b == RT_NULL || b == RT_UNDEFINED;
  if (a_is_none || b_is_none) return a_is_none && b_is_none;
  return rt_strict_equals(a, b);
}
