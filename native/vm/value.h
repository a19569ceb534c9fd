/*
 * Values of the script: 64 bits, NaN-boxed. A double is itself; anything else has a tag in the high
 * word that no double has (doubles are kept canonical: the only NaN is RT_NAN). Numbers that are
 * whole and fit int32 are always kept as int32 (so 2.0 is the int 2; -0 is the int 0, as upstream
 * prints it the same), which makes equality of numbers cheap and arithmetic fast.
 *
 * The payload is the low word. Heap references are byte offsets or addresses: see heap.h.
 */
#ifndef RT_VM_VALUE_H
#define RT_VM_VALUE_H

#include <stdint.h>

typedef uint64_t rt_value_t;

/* High words. An image's integer literals have the same form: int32 below 0xffffffff. */
#define RT_TAG_INT 0xffffffffu
#define RT_TAG_SPECIAL 0xfffffffeu  /* undefined, null, false, true */
#define RT_TAG_OBJECT 0xfffffffdu   /* heap object: payload is a reference, kind in its header */
#define RT_TAG_FUNCTION 0xfffffffcu /* payload: function of the image, or native from 50000 */
#define RT_TAG_STRING 0xfffffffbu   /* string in flash; payload: type << 14 | index */
#define RT_TAG_BUFFER 0xfffffffau   /* read-only buffer in the image; payload: its index */
#define RT_TAG_BUILTIN 0xfffffff9u  /* payload: builtin object */
#define RT_TAG_ROLE 0xfffffff8u     /* payload: role */
#define RT_TAG_ROLE_MEMBER \
  0xfffffff7u /* payload: role << 16 | packet spec in the image's section */
#define RT_TAG_SERVICE_SPEC 0xfffffff6u /* payload: service spec */
#define RT_TAG_PACKET_SPEC 0xfffffff5u  /* payload: service spec << 16 | packet within it */
#define RT_TAG_PIN 0xfffffff4u          /* GPIO; payload: index into the board's pins */
/*
 * Never leaves the bottom of the evaluation stack: function (payload as RT_TAG_FUNCTION) just read
 * as a field, still to be called with vm.method_this; so that `a.b(c)` allocates nothing. Whatever
 * keeps such a value first turns it into a bound function (rt_vm_settle).
 */
#define RT_TAG_METHOD 0xfffffff3u
#define RT_TAG_LOWEST 0xfffffff0u /* tags are at or above this; doubles are below */

#define RT_MAKE(tag, payload) ((rt_value_t)(tag) << 32 | (uint32_t)(payload))
#define RT_TAG(value) ((uint32_t)((value) >> 32))
#define RT_PAYLOAD(value) ((uint32_t)(value))

#define RT_UNDEFINED RT_MAKE(RT_TAG_SPECIAL, 0)
#define RT_NULL RT_MAKE(RT_TAG_SPECIAL, 1)
#define RT_FALSE RT_MAKE(RT_TAG_SPECIAL, 2)
#define RT_TRUE RT_MAKE(RT_TAG_SPECIAL, 3)
#define RT_NAN ((rt_value_t)0x7ff8000000000000u)
#define RT_INT(n) RT_MAKE(RT_TAG_INT, (int32_t)(n))
#define RT_BOOL(condition) ((condition) ? RT_TRUE : RT_FALSE)

#define RT_IS_INT(value) (RT_TAG(value) == RT_TAG_INT)
#define RT_IS_DOUBLE(value) (RT_TAG(value) < RT_TAG_LOWEST)
#define RT_IS_NUMBER(value) (RT_IS_INT(value) || RT_IS_DOUBLE(value))

/* The double of a value that RT_IS_DOUBLE. */
static inline double rt_value_double(rt_value_t value) {
  union {
    uint64_t bits;
    double number;
  } u = {.bits = value};
  return u.number;
}

/* A number in its one form: int32 when whole and in range, the canonical NaN, else a double. */
rt_value_t rt_value_number(double number);
/* Any int64, exactly when it fits int32, else as a double. */
rt_value_t rt_value_from_int64(int64_t number);

#endif
