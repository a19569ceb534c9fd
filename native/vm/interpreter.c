/*
 * The interpreter: one function that runs opcodes of rt_vm.frame.
 *
 * Programs are verified (image_code.c), so nothing here checks an operand, the depth of the stack
 * or a jump. `pc`, `sp` and `slots` are kept in registers. Before anything that may allocate, throw
 * or look at the frame, SAVE() writes them back; after anything that may throw, CHECK().
 *
 * A METHOD value (see value.h) is only ever at the bottom of the stack; opcodes that take the
 * bottom value and are not calls go through the slow half of their work when its tag is none they
 * know, and that settles it.
 *
 * The file is long because the opcodes are one function: they share registers, labels and ways out.
 */
#include "vm/interpreter.h"

#include "vm/frame_cache.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#ifdef RT_VM_TRACE
#define TRACE() rt_vm_trace_opcode(*pc)
#else
#define TRACE()
#endif

#define SAVE() (rt_vm.sp = sp, rt_vm.pc = pc)
#define CHECK()                                             \
  do {                                                      \
    if (UNLIKELY(rt_vm.is_throwing)) goto handle_exception; \
  } while (0)

/* The immediate of the running opcode, nearly always one byte. */
#define IMMEDIATE(name)                                    \
  int32_t name = *pc++;                                    \
  if (UNLIKELY(name >= (int32_t)RT_IMMEDIATE_MULTIBYTE)) { \
    pc = rt_immediate_long(pc - 1);                        \
    name = rt_immediate;                                   \
  }

/* Forward jumps are written with two bytes whatever their length, backward ones with as many as it
 * takes. */
#define JUMP_OFFSET(name)                             \
  int32_t name;                                       \
  if (LIKELY(pc[0] == RT_IMMEDIATE_MULTIBYTE + 1u)) { \
    name = pc[1] << 8 | pc[2];                        \
    pc += 3;                                          \
  } else if (pc[0] == RT_IMMEDIATE_MULTIBYTE + 4u) {  \
    name = -(int32_t)pc[1];                           \
    pc += 2;                                          \
  } else {                                            \
    pc = rt_immediate_long(pc);                       \
    name = rt_immediate;                              \
  }

#define BOTH_INTS(a, b) LIKELY(is_zero((RT_TAG(a) & RT_TAG(b)) + 1u))
#define IS_TAG(value, tag) is_zero(RT_TAG(value) - (tag))
#define INT(value) ((int32_t)RT_PAYLOAD(value))

/* A jump nearly always follows, which then takes the outcome as it is. */
#define COMPARE(operator, slow)                                           \
  do {                                                                    \
    sp--;                                                                 \
    const rt_value_t a = sp[-1], b = sp[0];                               \
    if (BOTH_INTS(a, b)) {                                                \
      const int holds = INT(a) operator INT(b);                           \
      if (pc[0] == RT_OP_JMP_Z && pc[1] == RT_IMMEDIATE_MULTIBYTE + 1u) { \
        TRACE();                                                          \
        sp--;                                                             \
        pc += holds ? 4 : pc[2] << 8 | pc[3];                             \
        NEXT;                                                             \
      }                                                                   \
      sp[-1] = RT_BOOL(holds);                                            \
      NEXT;                                                               \
    }                                                                     \
    rt_vm.sp = sp + 1;                                                    \
    rt_vm.pc = pc;                                                        \
    sp[-1] = slow(a, b);                                                  \
    CHECK();                                                              \
    NEXT;                                                                 \
  } while (0)

#define BITS(expression)                    \
  do {                                      \
    sp--;                                   \
    const rt_value_t a = sp[-1], b = sp[0]; \
    int32_t x, y;                           \
    if (BOTH_INTS(a, b)) {                  \
      x = INT(a);                           \
      y = INT(b);                           \
    } else {                                \
      x = rt_to_int32(a);                   \
      y = rt_to_int32(b);                   \
    }                                       \
    sp[-1] = (expression);                  \
    NEXT;                                   \
  } while (0)

/* One-operand opcodes that work on a whole value. */
#define UNARY(expression)        \
  do {                           \
    const rt_value_t a = sp[-1]; \
    sp[-1] = (expression);       \
    NEXT;                        \
  } while (0)

/*
 * Tags are small negative numbers: adding and comparing with 0 is two instructions of a Cortex-M0+.
 * Clang would keep each tag as a constant on the stack instead; the empty assembler hides the sum.
 */
static inline int is_zero(uint32_t sum) {
#ifdef __thumb__
  __asm__("" : "+r"(sum));
#endif
  return sum == 0;
}

#ifdef RT_HOT_OPCODES
/* Whether the assembler knows the opcode at all. */
static inline int is_hot(uint32_t op) {
  static const uint32_t HOT[] = {0x7fe777feu, 0xfff7f1f0u, 0x3c005fffu};
  return op >= RT_OP_DIRECT || (HOT[op >> 5] >> (op & 31u) & 1u) != 0;
}
#endif

void rt_interpreter_run(void) {
#include "vm/interpreter_table.h"
#define OP(name) op_##name : pc++;
#define CALL_LABELS \
  op_CALL0:         \
  op_CALL1:         \
  op_CALL2:         \
  op_CALL3:         \
  op_CALL4:         \
  op_CALL5:         \
  op_CALL6:         \
  op_CALL7:         \
  op_CALL8:
#ifdef RT_HOT_OPCODES
#define NEXT goto next
#else
#define NEXT          \
  do {                \
    TRACE();          \
    goto *table[*pc]; \
  } while (0)
#endif
  const uint8_t *pc;
  rt_value_t *sp;
  rt_value_t *slots;
  rt_key_t key;

load_frame:
  pc = rt_image.bytes + rt_vm.frame->pc;
  slots = rt_vm.frame->slots;
  sp = rt_vm.stack;

#ifdef RT_HOT_OPCODES
next:
  if (is_hot(*pc)) {
    SAVE();
    const rt_hot_t why = rt_interpret_hot();
    pc = rt_vm.pc;
    sp = rt_vm.sp;
    if (why == RT_HOT_THREW) goto handle_exception;
    if (why == RT_HOT_LEAVE) goto leave;
    slots = rt_vm.frame->slots;
  }
  goto *table[*pc];
#else
  NEXT;
#endif

op_DIRECT:
  *sp++ = RT_INT((int32_t)*pc - (int32_t)RT_OP_DIRECT - RT_OP_DIRECT_OFFSET);
  pc++;
  NEXT;

  /* ---- Variables ---- */

  OP(LOAD_LOCAL) {
    IMMEDIATE(index)
    *sp++ = slots[index];
    NEXT;
  }
  OP(STORE_LOCAL) {
    IMMEDIATE(index)
    rt_value_t value = *--sp;
    if (UNLIKELY(IS_TAG(value, RT_TAG_METHOD))) {
      SAVE();
      value = rt_vm_settle(value);
      CHECK();
    }
    slots[index] = value;
    NEXT;
  }
  OP(LOAD_GLOBAL) {
    IMMEDIATE(index)
    *sp++ = rt_vm.globals[index];
    NEXT;
  }
  OP(STORE_GLOBAL) {
    IMMEDIATE(index)
    rt_value_t value = *--sp;
    if (UNLIKELY(IS_TAG(value, RT_TAG_METHOD))) {
      SAVE();
      value = rt_vm_settle(value);
      CHECK();
    }
    rt_vm.globals[index] = value;
    NEXT;
  }
  OP(LOAD_CLOSURE) {
    IMMEDIATE(index)
    SAVE();
    sp[-1] = rt_closure_load((uint32_t)index, sp[-1]);
    CHECK();
    NEXT;
  }
  OP(STORE_CLOSURE) {
    IMMEDIATE(index)
    SAVE();
    sp -= 2;
    rt_closure_store((uint32_t)index, sp[0], sp[1]);
    CHECK();
    NEXT;
  }
  OP(MAKE_CLOSURE) {
    IMMEDIATE(index)
    SAVE();
    const rt_value_t closure = rt_closure_new((uint32_t)index);
    CHECK();
    *sp++ = closure;
    NEXT;
  }

  /* ---- Jumps ---- */

  OP(JMP) {
    const uint8_t *from = pc - 1;
    JUMP_OFFSET(offset)
    pc = from + offset;
    if (offset > 0) NEXT;
    goto backward;
  }
  OP(JMP_Z) {
    const uint8_t *from = pc - 1;
    JUMP_OFFSET(offset)
    const rt_value_t value = *--sp;
    if (value == RT_TRUE) NEXT;
    if (UNLIKELY(value != RT_FALSE) && rt_to_bool_fast(value)) NEXT;
    pc = from + offset;
    if (offset > 0) NEXT;
    goto backward;
  }
  OP(JMP_RET_VAL_Z) {
    const uint8_t *from = pc - 1;
    JUMP_OFFSET(offset)
    if (rt_vm.result != RT_UNDEFINED && rt_vm.result != RT_NULL) NEXT;
    rt_vm.result = RT_UNDEFINED; /* null?.x is undefined too */
    pc = from + offset;
    if (offset > 0) NEXT;
    goto backward;
  }

  /* ---- Calls ---- */

  CALL_LABELS {
    const uint32_t count = (uint32_t)*pc++ - RT_OP_CALL0;
    rt_vm.pc = pc;
    if (LIKELY(rt_frame_enter(count))) goto entered;
    rt_vm.sp = sp;
    if (rt_call_value(rt_vm.stack[0], RT_UNDEFINED, &rt_vm.stack[1], count) == RT_CALL_ENTERED) {
      goto entered;
    }
    goto called;
  }
  OP(CALL_ARRAY) {
    SAVE();
    if (rt_call_array(rt_vm.stack[0], rt_vm.stack[1]) == RT_CALL_ENTERED) goto entered;
    goto called;
  }
  OP(RETURN) {
    rt_value_t value = *--sp;
    rt_frame_t *frame = rt_vm.frame;
    if (UNLIKELY(IS_TAG(value, RT_TAG_METHOD))) {
      SAVE();
      value = rt_vm_settle(value);
      CHECK();
    }
    if (UNLIKELY(frame->flags & RT_FUNCTION_IS_CTOR) && value == RT_UNDEFINED) value = slots[0];
    rt_vm.result = value;
    const rt_ref_t caller = frame->caller;
    rt_frame_leave(frame);
    rt_vm.depth--;
    if (caller == 0) {
      rt_vm.frame = NULL;
      rt_vm.sp = rt_vm.stack;
      return;
    }
    rt_vm.frame = RT_POINTER(caller);
    goto load_frame;
  }
  OP(RET_VAL) {
    *sp++ = rt_vm.result;
    NEXT;
  }
  OP(STORE_RET_VAL) {
    SAVE();
    sp--;
    rt_vm.result = rt_vm_settle(sp[0]);
    CHECK();
    NEXT;
  }
  OP(NEW) {
    SAVE();
    sp[-1] = rt_interpret_new(sp);
    CHECK();
    NEXT;
  }
  OP(BIND) {
    SAVE();
    sp--;
    sp[-1] = rt_function_bind(rt_vm_settle(sp[-1]), sp[0]);
    CHECK();
    NEXT;
  }

  /* ---- Fields ---- */

  OP(BUILTIN_FIELD) {
    IMMEDIATE(index)
    key = RT_STR((uint32_t)index);
    goto field;
  }
  OP(ASCII_FIELD) {
    IMMEDIATE(index)
    key = RT_STRING_TYPE_ASCII << RT_STRING_SHIFT | (uint32_t)index;
    goto field;
  }
  OP(UTF8_FIELD) {
    IMMEDIATE(index)
    key = RT_STRING_TYPE_UTF8 << RT_STRING_SHIFT | (uint32_t)index;
    goto field;
  }
  OP(OBJECT_FIELD) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Object);
    key = RT_STR((uint32_t)index);
    goto slow_field;
  }
  OP(MATH_FIELD) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Math);
    key = RT_STR((uint32_t)index);
    goto slow_field;
  }
  OP(DS_FIELD) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_DeviceScript);
    key = RT_STR((uint32_t)index);
    goto slow_field;
  }
  OP(INDEX) {
    const rt_value_t object = sp[-2];
    if (LIKELY(IS_TAG(object, RT_TAG_OBJECT) && IS_TAG(sp[-1], RT_TAG_INT))) {
      const rt_object_t *header = RT_POINTER(RT_PAYLOAD(object));
      const uint32_t index = RT_PAYLOAD(sp[-1]);
      if (header->kind == RT_KIND_BUFFER) {
        if (LIKELY(index < header->extra)) {
          sp--;
          sp[-1] = RT_INT(((const rt_buffer_t *)header)->bytes[index]);
          NEXT;
        }
      } else if (header->kind == RT_KIND_ARRAY) {
        const rt_array_t *array = (const rt_array_t *)header;
        if (LIKELY(index < array->length)) {
          sp--;
          sp[-1] = rt_array_values(array)[index];
          NEXT;
        }
      }
    }
    SAVE();
    rt_interpret_index(sp);
    sp--;
    CHECK();
    NEXT;
  }
  OP(INDEX_SET) {
    const rt_value_t object = sp[-3];
    if (LIKELY(IS_TAG(object, RT_TAG_OBJECT))) {
      rt_object_t *header = RT_POINTER(RT_PAYLOAD(object));
      const uint32_t index = RT_PAYLOAD(sp[-2]);
      const uint32_t tag = RT_TAG(sp[-2]);
      if (header->kind == RT_KIND_MAP) {
        rt_value_t *place = NULL;
        if (LIKELY(tag == RT_TAG_STRING)) place = rt_map_own(header, index);
        if (LIKELY(place != NULL)) {
          *place = sp[-1];
          sp -= 3;
          NEXT;
        }
      } else if (LIKELY(tag == RT_TAG_INT)) {
        if (header->kind == RT_KIND_BUFFER) {
          if (LIKELY(index < header->extra && IS_TAG(sp[-1], RT_TAG_INT))) {
            ((rt_buffer_t *)header)->bytes[index] = (uint8_t)RT_PAYLOAD(sp[-1]);
            sp -= 3;
            NEXT;
          }
        } else if (header->kind == RT_KIND_ARRAY) {
          const rt_array_t *array = (const rt_array_t *)header;
          if (LIKELY(index < array->length)) {
            rt_array_values(array)[index] = sp[-1];
            sp -= 3;
            NEXT;
          }
        }
      }
    }
    SAVE();
    rt_interpret_index_set(sp);
    sp -= 3;
    CHECK();
    NEXT;
  }
  OP(INDEX_DELETE) {
    SAVE();
    sp -= 2;
    rt_index_delete(rt_vm_settle(sp[0]), sp[1]);
    rt_heap_unroot(0);
    CHECK();
    NEXT;
  }
  OP(LOAD_BUFFER) {
    SAVE();
    sp -= 2;
    sp[-1] = rt_buffer_load(sp[-1], (uint32_t)rt_to_int32(sp[0]), rt_to_int32(sp[1]));
    CHECK();
    NEXT;
  }
  OP(STORE_BUFFER) {
    SAVE();
    sp -= 4;
    rt_buffer_store(sp[0], (uint32_t)rt_to_int32(sp[1]), rt_to_int32(sp[2]), sp[3]);
    CHECK();
    NEXT;
  }

  /* ---- New objects ---- */

  OP(ALLOC_MAP) {
    SAVE();
    const rt_map_t *map = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Object_prototype));
    CHECK();
    rt_vm.result = RT_OBJECT(map);
    NEXT;
  }
  OP(ALLOC_ARRAY) {
    SAVE();
    sp--;
    rt_vm.result = rt_interpret_array(sp[0]);
    CHECK();
    NEXT;
  }
  OP(ALLOC_BUFFER) {
    SAVE();
    sp--;
    rt_vm.result = rt_interpret_buffer(sp[0]);
    CHECK();
    NEXT;
  }

  /* ---- Constants ---- */

  OP(BUILTIN_OBJECT) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_BUILTIN, index);
    NEXT;
  }
  OP(STATIC_SPEC_PROTO) {
    IMMEDIATE(index)
    SAVE();
    *sp = rt_spec_prototype((uint32_t)index);
    sp++;
    CHECK();
    NEXT;
  }
  OP(STATIC_SPEC) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_SERVICE_SPEC, index);
    NEXT;
  }
  OP(STATIC_BUFFER) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_BUFFER, index);
    NEXT;
  }
  OP(STATIC_BUILTIN_STRING) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_STRING, RT_STR((uint32_t)index));
    NEXT;
  }
  OP(STATIC_ASCII_STRING) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_STRING, RT_STRING_TYPE_ASCII << RT_STRING_SHIFT | (uint32_t)index);
    NEXT;
  }
  OP(STATIC_UTF8_STRING) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_STRING, RT_STRING_TYPE_UTF8 << RT_STRING_SHIFT | (uint32_t)index);
    NEXT;
  }
  OP(STATIC_FUNCTION) {
    IMMEDIATE(index)
    *sp++ = RT_MAKE(RT_TAG_FUNCTION, index);
    NEXT;
  }
  OP(LITERAL) {
    IMMEDIATE(number)
    *sp++ = RT_INT(number);
    NEXT;
  }
  OP(LITERAL_F64) {
    IMMEDIATE(index)
    *sp++ = rt_literal((uint32_t)index);
    NEXT;
  }
  OP(INF) {
    *sp++ = RT_INFINITY;
    NEXT;
  }
  OP(NAN) {
    *sp++ = RT_NAN;
    NEXT;
  }
  OP(UNDEFINED) {
    *sp++ = RT_UNDEFINED;
    NEXT;
  }
  OP(NULL) {
    *sp++ = RT_NULL;
    NEXT;
  }
  OP(TRUE) {
    *sp++ = RT_TRUE;
    NEXT;
  }
  OP(FALSE) {
    *sp++ = RT_FALSE;
    NEXT;
  }

  /* ---- Arithmetic ---- */

  OP(ADD) {
    sp--;
    const rt_value_t a = sp[-1], b = sp[0];
    int32_t sum;
    if (BOTH_INTS(a, b) && !__builtin_add_overflow(INT(a), INT(b), &sum)) {
      sp[-1] = RT_INT(sum);
      NEXT;
    }
    sp++;
    SAVE();
    sp--;
    sp[-1] = rt_number_add(a, b);
    CHECK();
    NEXT;
  }
  OP(SUB) {
    sp--;
    const rt_value_t a = sp[-1], b = sp[0];
    int32_t difference;
    if (BOTH_INTS(a, b) && !__builtin_sub_overflow(INT(a), INT(b), &difference)) {
      sp[-1] = RT_INT(difference);
      NEXT;
    }
    sp[-1] = rt_number_subtract(a, b);
    NEXT;
  }
  OP(MUL) {
    sp--;
    const rt_value_t a = sp[-1], b = sp[0];
    /* Factors of 16 bits need no look at the high half of the product. */
    if (BOTH_INTS(a, b) &&
        (((RT_PAYLOAD(a) + 0x8000u) | (RT_PAYLOAD(b) + 0x8000u)) & 0xffff0000u) == 0) {
      sp[-1] = RT_INT(INT(a) * INT(b));
      NEXT;
    }
    sp[-1] = rt_number_multiply(a, b);
    NEXT;
  }
  OP(DIV) {
    sp--;
    sp[-1] = rt_number_divide(sp[-1], sp[0]);
    NEXT;
  }
  OP(BIT_AND) BITS(RT_INT(x & y));
  OP(BIT_OR) BITS(RT_INT(x | y));
  OP(BIT_XOR) BITS(RT_INT(x ^ y));
  OP(SHIFT_LEFT) BITS(RT_INT((int32_t)((uint32_t)x << ((uint32_t)y & 31u))));
  OP(SHIFT_RIGHT) BITS(RT_INT(rt_shift_right(x, (uint32_t)y & 31u)));
  OP(SHIFT_RIGHT_UNSIGNED) BITS(rt_value_from_int64((uint32_t)x >> ((uint32_t)y & 31u)));
  OP(BIT_NOT) UNARY(RT_INT(~(RT_IS_INT(a) ? INT(a) : rt_to_int32(a))));
  OP(NEG) UNARY(rt_number_subtract(RT_INT(0), a));
  OP(UPLUS) UNARY(rt_number_of(a));
  OP(ABS) UNARY(rt_number_absolute(a));
  OP(TO_INT) UNARY(RT_INT(rt_to_int32(a)));
  OP(IS_NAN) UNARY(RT_BOOL(rt_number_of(a) == RT_NAN));

  /* ---- Comparison ---- */

  OP(EQ) COMPARE(==, rt_interpret_equals);
  OP(NE) COMPARE(!=, rt_interpret_differs);
  OP(LT) COMPARE(<, rt_interpret_less);
  OP(LE) COMPARE(<=, rt_interpret_less_or_equal);
  OP(APPROX_EQ) COMPARE(==, rt_interpret_approx_equals);
  OP(APPROX_NE) COMPARE(!=, rt_interpret_approx_differs);
  OP(NOT) UNARY(RT_BOOL(!rt_to_bool_fast(a)));
  OP(TO_BOOL) UNARY(RT_BOOL(rt_to_bool_fast(a)));
  OP(IS_UNDEFINED) UNARY(RT_BOOL(a == RT_UNDEFINED));
  OP(IS_NULLISH) UNARY(RT_BOOL(a == RT_UNDEFINED || a == RT_NULL));
  OP(TYPEOF) UNARY(RT_INT(rt_typeof_code(rt_without_method(a))));
  OP(TYPEOF_STR) UNARY(RT_MAKE(RT_TAG_STRING, rt_typeof_name(rt_without_method(a))));
  OP(INSTANCE_OF) {
    SAVE();
    sp--;
    sp[-1] = rt_interpret_instance_of(sp[-1], sp[0]);
    CHECK();
    NEXT;
  }

  /* ---- Exceptions ---- */

  OP(TRY) {
    const uint8_t *from = pc - 1;
    JUMP_OFFSET(offset)
    SAVE();
    if (rt_interpret_try((uint32_t)(from + offset - rt_image.bytes))) NEXT;
    goto stopped;
  }
  OP(END_TRY) {
    const uint8_t *from = pc - 1;
    JUMP_OFFSET(offset)
    SAVE();
    if (!rt_interpret_end_try()) goto stopped;
    pc = from + offset;
    if (offset > 0) NEXT;
    goto backward;
  }
  OP(CATCH) {
    /* Handlers are entered behind their catch: the compiler jumps over it. */
    SAVE();
    rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");
    goto stopped;
  }
  OP(FINALLY) {
    /* Reached without an exception. */
    SAVE();
    if (!rt_interpret_end_try()) goto stopped;
    rt_vm.result = RT_UNDEFINED;
    NEXT;
  }
  OP(THROW) {
    SAVE();
    sp--;
    rt_throw(rt_vm_settle(sp[0]));
    goto handle_exception;
  }
  OP(RE_THROW) {
    sp--;
    if (*sp == RT_UNDEFINED) NEXT;
    SAVE();
    rt_exception_resume(*sp);
    goto moved;
  }
  OP(THROW_JMP) {
    const uint8_t *from = pc - 1;
    JUMP_OFFSET(offset)
    SAVE();
    sp--;
    rt_exception_jump((uint32_t)(from + offset - rt_image.bytes), (uint32_t)rt_to_int32(*sp));
    goto moved;
  }
  OP(DEBUGGER) NEXT;

op_NONE:
  /* No verified program comes here. */
  SAVE();
  rt_vm_panic(RT_PANIC_BAD_PROGRAM, "BadProgram");

stopped:
  return;

leave: /* the fiber goes on here some other time */
  rt_frame_sync();
  return;

field:
  if (LIKELY(rt_field_near(&sp[-1], key))) NEXT;
slow_field:
  SAVE();
  rt_interpret_field(sp, key);
  CHECK();
  NEXT;

backward: /* after a jump that may close a loop */
  if (--rt_vm.countdown >= 0) NEXT;
  SAVE();
  rt_vm_check_time();
  if (rt_vm.is_switching) goto leave;
  NEXT;

entered: /* a new frame is there */
  if (--rt_vm.countdown >= 0) goto load_frame;
  rt_vm.sp = rt_vm.stack;
  rt_vm_check_time();
  if (rt_vm.is_switching) goto leave;
  goto load_frame;

called: /* a native has returned */
  CHECK();
  sp = rt_vm.stack;
  rt_vm.sp = sp;
  if (rt_vm.is_switching) goto leave;
  NEXT;

moved: /* the exception machinery has set the frame's pc, or has an exception to handle */
  CHECK();
  goto entered; /* a loop may be closed that way too */

handle_exception:
  if (!rt_exception_unwind()) return;
  goto entered;
}
