/*
 * The interpreter's most frequent opcodes in assembler for the Cortex-M0+, whose eight low
 * registers a compiler spends on less. Everything here is also in interpreter.c: whatever is not
 * the usual case (another type, a long immediate, no memory at hand, a look at the clock) leaves
 * with `pc` at the opcode and the stack as it was, and C does that one opcode. So no case has to be
 * complete, but what is done here must be what C would do.
 *
 *   r3 jump table    r4 pc    r5 sp, next free place    r6 slots of the frame    r7 &rt_vm
 *   r8 bottom of the stack    r9 copy of r6    r10 tag of ints (-1)    r11 RT_TAG_METHOD    r12 of
 * r3
 *
 * r0 to r3 and r6 are free within an opcode; the macro `next` wants r3, so that opcodes that use r3
 * or r6 restore them. A value is loaded and stored as two words, payload first.
 *
 * The file is long because the opcodes are one block of assembler, with short branches between
 * them.
 */
#include "vm/interpreter.h"

#ifdef RT_HOT_OPCODES

#include <stddef.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* What the assembler knows of structures and numbers; the compiler checks each. */
#define VM_FRAME 0
#define VM_PC 4
#define VM_SP 8
#define VM_IS_THROWING 12
#define VM_COUNTDOWN 16
#define VM_GLOBALS 20
#define VM_RESULT 24
#define VM_METHOD_THIS 32
#define VM_DEPTH 56
#define VM_CACHE 60
#define VM_STACK 200
#define FRAME_CALLER 8
#define FRAME_CLOSURE 12
#define FRAME_PC 16
#define FRAME_SLOT_COUNT 18
#define FRAME_TRIES 20
#define FRAME_FLAGS 21
#define FRAME_SLOTS 24
#define MAP_PROTOTYPE 8
#define MAP_PROPERTIES 16
#define MAP_COUNT 20
#define MAP_ROOM 22
#define ARRAY_VALUES 8
#define ARRAY_LENGTH 12
#define BUFFER_BYTES 16
#define OBJECT_UNITS 0
#define OBJECT_KIND 2
#define OBJECT_FLAGS 3
#define OBJECT_EXTRA 4
#define IMAGE_FUNCTION 24
#define FUNCTION_START 0
#define FUNCTION_SLOTS 8
#define FUNCTION_PARAMETERS 10
#define FUNCTION_FLAGS 11
#define FUNCTION_TRIES 14

#define CHECK(condition) _Static_assert(condition, #condition)
CHECK(offsetof(rt_vm_t, frame) == VM_FRAME && offsetof(rt_vm_t, pc) == VM_PC);
CHECK(offsetof(rt_vm_t, sp) == VM_SP && offsetof(rt_vm_t, countdown) == VM_COUNTDOWN);
CHECK(offsetof(rt_vm_t, is_throwing) == VM_IS_THROWING);
CHECK(offsetof(rt_vm_t, globals) == VM_GLOBALS && offsetof(rt_vm_t, result) == VM_RESULT);
CHECK(offsetof(rt_vm_t, method_this) == VM_METHOD_THIS && offsetof(rt_vm_t, depth) == VM_DEPTH);
CHECK(offsetof(rt_vm_t, frame_cache) == VM_CACHE && offsetof(rt_vm_t, stack) == VM_STACK);
CHECK(offsetof(rt_frame_t, caller) == FRAME_CALLER && offsetof(rt_frame_t, pc) == FRAME_PC);
CHECK(offsetof(rt_frame_t, closure) == FRAME_CLOSURE);
CHECK(offsetof(rt_frame_t, slot_count) == FRAME_SLOT_COUNT);
CHECK(offsetof(rt_frame_t, tries) == FRAME_TRIES && offsetof(rt_frame_t, flags) == FRAME_FLAGS);
CHECK(offsetof(rt_frame_t, slots) == FRAME_SLOTS && sizeof(rt_frame_t) == FRAME_SLOTS);
CHECK(offsetof(rt_map_t, prototype) == MAP_PROTOTYPE);
CHECK(offsetof(rt_map_t, properties) == MAP_PROPERTIES);
CHECK(offsetof(rt_map_t, count) == MAP_COUNT && offsetof(rt_map_t, room) == MAP_ROOM);
CHECK(offsetof(rt_array_t, values) == ARRAY_VALUES && offsetof(rt_array_t, length) == ARRAY_LENGTH);
CHECK(offsetof(rt_buffer_t, bytes) == BUFFER_BYTES);
CHECK(offsetof(rt_object_t, units) == OBJECT_UNITS && offsetof(rt_object_t, kind) == OBJECT_KIND);
CHECK(offsetof(rt_object_t, flags) == OBJECT_FLAGS && offsetof(rt_object_t, extra) == OBJECT_EXTRA);
CHECK(offsetof(rt_image_t, function) == IMAGE_FUNCTION && offsetof(rt_image_t, bytes) == 0);
CHECK(offsetof(rt_image_function_t, start) == FUNCTION_START);
CHECK(offsetof(rt_image_function_t, slots) == FUNCTION_SLOTS);
CHECK(offsetof(rt_image_function_t, parameters) == FUNCTION_PARAMETERS);
CHECK(offsetof(rt_image_function_t, flags) == FUNCTION_FLAGS);
CHECK(offsetof(rt_image_function_t, try_frames) == FUNCTION_TRIES);
CHECK(sizeof(rt_image_function_t) == 16 && sizeof(rt_object_t) == 8);
CHECK(RT_TAG_INT == 0u - 1u && RT_TAG_SPECIAL == 0u - 2u && RT_TAG_OBJECT == 0u - 3u);
CHECK(RT_TAG_FUNCTION == 0u - 4u && RT_TAG_STRING == 0u - 5u && RT_TAG_METHOD == 0u - 13u);
CHECK(RT_KIND_MAP == 1 && RT_KIND_ARRAY == 2 && RT_KIND_BUFFER == 3 && RT_KIND_CLOSURE == 5);
CHECK(RT_FLAG_CAPTURED == 4u && RT_FUNCTION_NEEDS_THIS == 1u && RT_FUNCTION_IS_CTOR == 2u);
CHECK(RT_TAG_BUILTIN == 0u - 7u && RT_STR_length == 0x4022u && offsetof(rt_closure_t, frame) == 8);
CHECK(RT_NEAR_PROPERTIES == 8u && RT_FRAME_CACHE_UNITS == 16u && RT_VM_CALL_DEPTH == 500u);
CHECK(RT_NATIVE_FIRST == 50000u && RT_OP_JMP_Z == 14u && RT_OP_LAST == 94u);
CHECK((RT_STRING_TYPE_ASCII << RT_STRING_SHIFT) == 0x8000u);
CHECK((RT_STRING_TYPE_BUILTIN << RT_STRING_SHIFT) == 0x4000u);

CHECK(RT_OP_CALL0 == 2u);
CHECK(RT_OP_CALL1 == 3u);
CHECK(RT_OP_CALL2 == 4u);
CHECK(RT_OP_CALL3 == 5u);
CHECK(RT_OP_CALL4 == 6u);
CHECK(RT_OP_CALL5 == 7u);
CHECK(RT_OP_CALL6 == 8u);
CHECK(RT_OP_CALL7 == 9u);
CHECK(RT_OP_CALL8 == 10u);
CHECK(RT_OP_RETURN == 12u);
CHECK(RT_OP_JMP == 13u);
CHECK(RT_OP_JMP_Z == 14u);
CHECK(RT_OP_STORE_LOCAL == 17u);
CHECK(RT_OP_STORE_GLOBAL == 18u);
CHECK(RT_OP_LOAD_LOCAL == 21u);
CHECK(RT_OP_LOAD_GLOBAL == 22u);
CHECK(RT_OP_INDEX == 24u);
CHECK(RT_OP_INDEX_SET == 25u);
CHECK(RT_OP_BUILTIN_FIELD == 26u);
CHECK(RT_OP_ASCII_FIELD == 27u);
CHECK(RT_OP_STATIC_BUILTIN_STRING == 36u);
CHECK(RT_OP_STATIC_ASCII_STRING == 37u);
CHECK(RT_OP_STATIC_FUNCTION == 39u);
CHECK(RT_OP_LITERAL == 40u);
CHECK(RT_OP_RET_VAL == 44u);
CHECK(RT_OP_UNDEFINED == 46u);
CHECK(RT_OP_TRUE == 48u);
CHECK(RT_OP_FALSE == 49u);
CHECK(RT_OP_ADD == 58u);
CHECK(RT_OP_SUB == 59u);
CHECK(RT_OP_MUL == 60u);
CHECK(RT_OP_BIT_AND == 62u);
CHECK(RT_OP_BIT_OR == 63u);
CHECK(RT_OP_BIT_XOR == 64u);
CHECK(RT_OP_SHIFT_LEFT == 65u);
CHECK(RT_OP_SHIFT_RIGHT == 66u);
CHECK(RT_OP_EQ == 68u);
CHECK(RT_OP_LE == 69u);
CHECK(RT_OP_LT == 70u);
CHECK(RT_OP_NE == 71u);
CHECK(RT_OP_NULL == 90u);
CHECK(RT_OP_BUILTIN_OBJECT == 1u);
CHECK(RT_OP_OBJECT_FIELD == 16u);
CHECK(RT_OP_UPLUS == 23u);
CHECK(RT_OP_UTF8_FIELD == 28u);
CHECK(RT_OP_MATH_FIELD == 29u);
CHECK(RT_OP_DS_FIELD == 30u);
CHECK(RT_OP_STATIC_UTF8_STRING == 38u);
CHECK(RT_OP_TYPEOF == 45u);
CHECK(RT_OP_IS_UNDEFINED == 47u);
CHECK(RT_OP_TO_BOOL == 50u);
CHECK(RT_OP_ABS == 52u);
CHECK(RT_OP_BIT_NOT == 53u);
CHECK(RT_OP_IS_NAN == 54u);
CHECK(RT_OP_NEG == 55u);
CHECK(RT_OP_NOT == 56u);
CHECK(RT_OP_TO_INT == 57u);
CHECK(RT_OP_DIV == 61u);
CHECK(RT_OP_SHIFT_RIGHT_UNSIGNED == 67u);
CHECK(RT_OP_IS_NULLISH == 72u);
CHECK(RT_OP_STORE_CLOSURE == 73u);
CHECK(RT_OP_LOAD_CLOSURE == 74u);
CHECK(RT_OP_MAKE_CLOSURE == 75u);
CHECK(RT_OP_TYPEOF_STR == 76u);
CHECK(RT_OP_JMP_RET_VAL_Z == 78u);
CHECK(RT_OP_APPROX_EQ == 91u);
CHECK(RT_OP_APPROX_NE == 92u);
CHECK(RT_OP_STORE_RET_VAL == 93u);

/* clang-format off */
/* What runs each opcode up to the last; kept in step with rt_hot_opcodes. */
#define HOT_TABLE \
  "  .word hot_out\n" \
  "  .word hot_builtin_object\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_call\n" \
  "  .word hot_out\n" \
  "  .word hot_return\n" \
  "  .word hot_jmp\n" \
  "  .word hot_jmp_z\n" \
  "  .word hot_out\n" \
  "  .word hot_object_field\n" \
  "  .word hot_store_local\n" \
  "  .word hot_store_global\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_load_local\n" \
  "  .word hot_load_global\n" \
  "  .word hot_unary\n" \
  "  .word hot_index\n" \
  "  .word hot_index_set\n" \
  "  .word hot_builtin_field\n" \
  "  .word hot_ascii_field\n" \
  "  .word hot_utf8_field\n" \
  "  .word hot_math_field\n" \
  "  .word hot_ds_field\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_builtin_string\n" \
  "  .word hot_ascii_string\n" \
  "  .word hot_utf8_string\n" \
  "  .word hot_static_function\n" \
  "  .word hot_literal\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_ret_val\n" \
  "  .word hot_unary\n" \
  "  .word hot_undefined\n" \
  "  .word hot_unary\n" \
  "  .word hot_true\n" \
  "  .word hot_false\n" \
  "  .word hot_unary\n" \
  "  .word hot_out\n" \
  "  .word hot_unary\n" \
  "  .word hot_unary\n" \
  "  .word hot_unary\n" \
  "  .word hot_unary\n" \
  "  .word hot_unary\n" \
  "  .word hot_unary\n" \
  "  .word hot_add\n" \
  "  .word hot_sub\n" \
  "  .word hot_mul\n" \
  "  .word hot_binary_2\n" \
  "  .word hot_bit_and\n" \
  "  .word hot_bit_or\n" \
  "  .word hot_bit_xor\n" \
  "  .word hot_shift_left\n" \
  "  .word hot_shift_right\n" \
  "  .word hot_binary_2\n" \
  "  .word hot_eq\n" \
  "  .word hot_le\n" \
  "  .word hot_lt\n" \
  "  .word hot_ne\n" \
  "  .word hot_unary\n" \
  "  .word hot_store_closure\n" \
  "  .word hot_load_closure\n" \
  "  .word hot_make_closure\n" \
  "  .word hot_unary\n" \
  "  .word hot_out\n" \
  "  .word hot_jmp_ret_val_z\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_out\n" \
  "  .word hot_null\n" \
  "  .word hot_binary_2\n" \
  "  .word hot_binary_2\n" \
  "  .word hot_store_ret_val\n" \
  "  .word hot_out\n"

__asm__(
"  .syntax unified\n"
"  .section .text.rt_interpret_hot,\"ax\",%progbits\n"
"  .p2align 2\n"
"  .thumb\n"

/* Goes to the opcode at r4. */
".macro next\n"
"  ldrb r0, [r4]\n"
"  lsls r0, r0, #2\n"
"  ldr r0, [r3, r0]\n"
"  mov pc, r0\n"
".endm\n"
/* Calls C, which may throw, with pc behind the opcode. r0 to r3 are lost, the table is there again. */
".macro ask function\n"
"  str r4, [r7, #" TEXT(VM_PC) "]\n"
"  str r5, [r7, #" TEXT(VM_SP) "]\n"
"  bl \\function\n"
"  ldr r3, =hot_table\n"
"  mov r12, r3\n"
"  ldrb r2, [r7, #" TEXT(VM_IS_THROWING) "]\n"
"  cmp r2, #0\n"
"  beq hot_asked_\\@\n"
"  b hot_threw\n"
"hot_asked_\\@:\n"
".endm\n"

"  .globl rt_interpret_hot\n"
"  .type rt_interpret_hot, %function\n"
"  .thumb_func\n"
"rt_interpret_hot:\n"
"  push {r3, r4, r5, r6, r7, lr}\n" /* r3 for the alignment of the stack, which C relies on */
"  mov r4, r8\n"
"  mov r5, r9\n"
"  mov r6, r10\n"
"  mov r7, r11\n"
"  push {r4, r5, r6, r7}\n"
"  ldr r7, hot_vm\n"
"  movs r0, r7\n"
"  adds r0, #" TEXT(VM_STACK) "\n"
"  mov r8, r0\n"
"  movs r0, #0\n"
"  mvns r0, r0\n"
"  mov r10, r0\n"
"  subs r0, #12\n"
"  mov r11, r0\n"
"  ldr r3, hot_table_address\n"
"  mov r12, r3\n"
"  ldr r4, [r7, #" TEXT(VM_PC) "]\n"
"  ldr r5, [r7, #" TEXT(VM_SP) "]\n"
"  ldr r6, [r7, #" TEXT(VM_FRAME) "]\n"
"  adds r6, #" TEXT(FRAME_SLOTS) "\n"
"  mov r9, r6\n"
"  next\n"
"  .p2align 2\n"
"hot_vm: .word rt_vm\n"
"hot_table_address: .word hot_table\n"

/* Out, with the stack pointer still short of what was taken from it. */
"hot_out_8: adds r5, #8\n"
"hot_out:\n"
"  movs r0, #0\n"
"hot_leave:\n" /* r0: rt_hot_t */
"  str r4, [r7, #" TEXT(VM_PC) "]\n"
"  str r5, [r7, #" TEXT(VM_SP) "]\n"
"  pop {r4, r5, r6, r7}\n"
"  mov r8, r4\n"
"  mov r9, r5\n"
"  mov r10, r6\n"
"  mov r11, r7\n"
"  pop {r3, r4, r5, r6, r7, pc}\n"

/* ---- Variables ---- */

"hot_load_local:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out\n"
"  lsls r0, r0, #3\n"
"  adds r0, r0, r6\n"
"  ldmia r0!, {r1, r2}\n"
"  stmia r5!, {r1, r2}\n"
"  adds r4, #2\n"
"  next\n"

"hot_store_local:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out\n"
"  subs r5, #8\n"
"  ldr r2, [r5, #4]\n"
"  cmp r2, r11\n"
"  beq hot_out_8\n"
"  ldr r1, [r5]\n"
"  lsls r0, r0, #3\n"
"  adds r0, r0, r6\n"
"  stmia r0!, {r1, r2}\n"
"  adds r4, #2\n"
"  next\n"

"hot_load_global:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out\n"
"  lsls r0, r0, #3\n"
"  ldr r1, [r7, #" TEXT(VM_GLOBALS) "]\n"
"  adds r0, r0, r1\n"
"  ldmia r0!, {r1, r2}\n"
"  stmia r5!, {r1, r2}\n"
"  adds r4, #2\n"
"  next\n"

"hot_store_global:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out\n"
"  subs r5, #8\n"
"  ldr r2, [r5, #4]\n"
"  cmp r2, r11\n"
"  beq hot_out_8\n"
"  lsls r0, r0, #3\n"
"  ldr r1, [r7, #" TEXT(VM_GLOBALS) "]\n"
"  adds r0, r0, r1\n"
"  ldr r1, [r5]\n"
"  stmia r0!, {r1, r2}\n"
"  adds r4, #2\n"
"  next\n"

"hot_ret_val:\n"
"  ldr r1, [r7, #" TEXT(VM_RESULT) "]\n"
"  ldr r2, [r7, #" TEXT(VM_RESULT) " + 4]\n"
"  stmia r5!, {r1, r2}\n"
"  adds r4, #1\n"
"  next\n"

/* ---- Constants ---- */

"hot_direct:\n"
"  ldrb r0, [r4]\n"
"  subs r0, #0x90\n"
"  mov r1, r10\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #1\n"
"  next\n"

"hot_literal:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_far\n"
"  mov r1, r10\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #2\n"
"  next\n"

"hot_utf8_string:\n"
"  movs r1, #0xc0\n"
"  b hot_string\n"
"hot_builtin_string:\n"
"  movs r1, #0x40\n"
"  b hot_string\n"
"hot_ascii_string:\n"
"  movs r1, #0x80\n"
"hot_string:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_far\n"
"  lsls r1, r1, #8\n"
"  orrs r0, r1\n"
"  mov r1, r10\n"
"  subs r1, #4\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #2\n"
"  next\n"

"hot_undefined:\n"
"  movs r0, #0\n"
"  b hot_special\n"
"hot_null:\n"
"  movs r0, #1\n"
"  b hot_special\n"
"hot_false:\n"
"  movs r0, #2\n"
"  b hot_special\n"
"hot_true:\n"
"  movs r0, #3\n"
"hot_special:\n"
"  mov r1, r10\n"
"  subs r1, #1\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #1\n"
"  next\n"

"hot_static_function:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_far\n"
"  mov r1, r10\n"
"  subs r1, #3\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #2\n"
"  next\n"

"hot_out_far: b hot_out\n"

/* ---- Arithmetic of ints: two values in r0/r1 and r2/r3, the result in r0 ---- */

".macro two_ints out=hot_binary\n"
"  subs r5, #16\n"
"  ldmia r5!, {r0, r1, r2, r3}\n"
"  ands r1, r3\n"
"  adds r1, #1\n"
"  bne \\out\n"
".endm\n"
".macro push_int\n"
"  subs r5, #16\n"
"  mov r1, r10\n"
"  stmia r5!, {r0, r1}\n"
"  mov r3, r12\n"
"  adds r4, #1\n"
"  next\n"
".endm\n"

"hot_add:\n"
"  two_ints\n"
"  adds r0, r0, r2\n"
"  bvs hot_binary\n"
"  push_int\n"
"hot_sub:\n"
"  two_ints\n"
"  subs r0, r0, r2\n"
"  bvs hot_binary\n"
"  push_int\n"
"hot_bit_and:\n"
"  two_ints\n"
"  ands r0, r2\n"
"  push_int\n"
"hot_bit_or:\n"
"  two_ints\n"
"  orrs r0, r2\n"
"  push_int\n"
"hot_binary: b hot_binary_2\n"
"hot_bit_xor:\n"
"  two_ints\n"
"  eors r0, r2\n"
"  push_int\n"
"hot_shift_left:\n"
"  two_ints\n"
"  movs r1, #31\n"
"  ands r2, r1\n"
"  lsls r0, r2\n"
"  push_int\n"
"hot_shift_right:\n"
"  two_ints\n"
"  movs r1, #31\n"
"  ands r2, r1\n"
"  asrs r0, r2\n"
"  push_int\n"
/* Factors that fit 16 bits: the product fits 32. */
"hot_mul:\n"
"  two_ints hot_binary_2\n"
"  sxth r1, r0\n"
"  cmp r1, r0\n"
"  bne hot_binary_2\n"
"  sxth r1, r2\n"
"  cmp r1, r2\n"
"  bne hot_binary_2\n"
"  muls r0, r2, r0\n"
"  push_int\n"

"hot_out_jump: b hot_out\n"

/* Any two values; r5 is behind them. */
"hot_binary_2:\n"
"  ldrb r1, [r4]\n"
"  movs r0, r5\n"
"  adds r4, #1\n"
"  ask rt_hot_binary\n"
"  subs r5, #8\n"
"  next\n"

/* ---- Comparison: nearly always a jump follows, which then takes the outcome as it is ---- */

".macro compare condition\n"
"  two_ints hot_binary_2\n"
"  cmp r0, r2\n"
"  b\\condition hot_compared_true\n"
"  b hot_compared_false\n"
".endm\n"
"hot_lt:\n"
"  compare lt\n"
"hot_le:\n"
"  compare le\n"
"hot_eq:\n"
"  compare eq\n"
"hot_ne:\n"
"  compare ne\n"

"hot_compared_true:\n"
"  subs r5, #16\n"
"  mov r3, r12\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #14\n"
"  bne 1f\n"
"  ldrb r0, [r4, #2]\n" /* of a jump with two bytes: then it is 4 long */
"  cmp r0, #0xf9\n"
"  bne 1f\n"
"  adds r4, #5\n"
"  next\n"
"1: movs r0, #3\n"
"  b hot_special\n"

"hot_compared_false:\n"
"  subs r5, #16\n"
"  mov r3, r12\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #14\n"
"  bne 1f\n"
"  ldrb r0, [r4, #2]\n"
"  cmp r0, #0xf9\n"
"  bne 1f\n"
"  adds r4, #1\n"
"  b hot_forward\n"
"1: movs r0, #2\n"
"  b hot_special\n"

/* ---- Jumps ---- */

"hot_jmp:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf9\n"
"  bne hot_backward\n"
"hot_forward:\n"
"  ldrb r0, [r4, #2]\n"
"  ldrb r1, [r4, #3]\n"
"  lsls r0, r0, #8\n"
"  adds r0, r0, r1\n"
"  beq hot_out_jump\n"
"  adds r4, r4, r0\n"
"  next\n"
"hot_backward:\n"
"  ldr r2, [r7, #" TEXT(VM_COUNTDOWN) "]\n"
"  subs r2, #1\n"
"  bmi hot_out_jump\n"
"  cmp r0, #0xfc\n"
"  bne 1f\n"
"  str r2, [r7, #" TEXT(VM_COUNTDOWN) "]\n"
"  ldrb r0, [r4, #2]\n"
"  subs r4, r4, r0\n"
"  next\n"
"1: cmp r0, #0xfd\n"
"  bne hot_out_jump\n"
"  str r2, [r7, #" TEXT(VM_COUNTDOWN) "]\n"
"  ldrb r0, [r4, #2]\n"
"  ldrb r1, [r4, #3]\n"
"  lsls r0, r0, #8\n"
"  adds r0, r0, r1\n"
"  subs r4, r4, r0\n"
"  next\n"

/* Forward only. */
"hot_jmp_z:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf9\n"
"  bne hot_out_jump\n"
"  subs r5, #8\n"
"  ldr r0, [r5]\n"
"  ldr r1, [r5, #4]\n"
"  adds r1, #2\n"
"  beq 1f\n"
"  cmp r1, #1\n"
"  bne 3f\n"
"  cmp r0, #0\n"
"  beq hot_forward\n"
"2: adds r4, #4\n"
"  next\n"
"1: cmp r0, #3\n"
"  bne hot_forward\n"
"  adds r4, #4\n"
"  next\n"
"3: movs r0, r5\n"
"  bl rt_hot_truth\n"
"  ldr r3, =hot_table\n"
"  mov r12, r3\n"
"  cmp r0, #0\n"
"  bne 2b\n"
"  b hot_forward\n"

"hot_jmp_ret_val_z:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf9\n"
"  bne hot_out_field\n"
"  ldr r0, [r7, #" TEXT(VM_RESULT) "]\n"
"  ldr r1, [r7, #" TEXT(VM_RESULT) " + 4]\n"
"  adds r1, #2\n"
"  bne 2b\n"
"  cmp r0, #1\n"
"  bhi 2b\n"
"  movs r0, #0\n"
"  str r0, [r7, #" TEXT(VM_RESULT) "]\n"
"  b hot_forward\n"

"hot_out_8_far: b hot_out_8\n"
"hot_out_field: b hot_out\n"

/* ---- Fields of maps, own or inherited from maps ---- */

"hot_builtin_field:\n"
"  movs r1, #0x40\n"
"  b hot_field\n"
"hot_ascii_field:\n"
"  movs r1, #0x80\n"
"hot_field:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_field\n"
"  lsls r1, r1, #8\n"
"  orrs r0, r1\n" /* key */
"  subs r5, #8\n"
"  ldr r1, [r5, #4]\n"
"  adds r1, #3\n"
"  bne hot_field_out\n"
"  ldr r2, [r5]\n" /* map */
"1: ldrb r1, [r2, #" TEXT(OBJECT_KIND) "]\n"
"  cmp r1, #1\n"
"  bne 6f\n"
"  ldrh r1, [r2, #" TEXT(MAP_COUNT) "]\n"
"  cmp r1, #8\n"
"  bhi hot_field_out\n"
"  ldr r3, [r2, #" TEXT(MAP_PROPERTIES) "]\n"
"  adds r3, #8\n" /* keys */
"  lsls r1, r1, #2\n"
"2: subs r1, #4\n"
"  bmi 3f\n"
"  ldr r6, [r3, r1]\n"
"  cmp r6, r0\n"
"  bne 2b\n"
"  ldrh r2, [r2, #" TEXT(MAP_ROOM) "]\n"
"  lsls r2, r2, #2\n"
"  adds r3, r3, r2\n"
"  lsls r1, r1, #1\n"
"  adds r3, r3, r1\n"
"  ldmia r3!, {r0, r1}\n"
"  adds r2, r1, #4\n" /* 0: function, 1: object */
"  cmp r2, #1\n"
"  bls 4f\n"
"hot_field_put:\n"
"  stmia r5!, {r0, r1}\n"
"  mov r3, r12\n"
"  mov r6, r9\n"
"  adds r4, #2\n"
"  next\n"
/* Not here: the prototype. */
"3: ldr r1, [r2, #" TEXT(MAP_PROTOTYPE) " + 4]\n"
"  adds r1, #3\n"
"  bne hot_field_out\n"
"  ldr r2, [r2, #" TEXT(MAP_PROTOTYPE) "]\n"
"  b 1b\n"
"4: beq 5f\n"
/* A function: one that wants its `this` becomes a method, if a call can follow. */
"  ldr r2, hot_native_first\n"
"  cmp r0, r2\n"
"  bhs hot_field_out\n"
"  ldr r2, hot_image\n"
"  ldr r2, [r2, #" TEXT(IMAGE_FUNCTION) "]\n"
"  lsls r3, r0, #4\n"
"  adds r2, r2, r3\n"
"  ldrb r2, [r2, #" TEXT(FUNCTION_FLAGS) "]\n"
"  lsrs r2, r2, #1\n"
"  bcc hot_field_put\n"
"  cmp r5, r8\n"
"  bne hot_field_out\n"
"  ldr r2, [r5]\n"
"  ldr r3, [r5, #4]\n"
"  str r2, [r7, #" TEXT(VM_METHOD_THIS) "]\n"
"  str r3, [r7, #" TEXT(VM_METHOD_THIS) " + 4]\n"
"  mov r1, r11\n"
"  b hot_field_put\n"
/* An object: closures may want a `this`. */
"5: ldrb r2, [r0, #" TEXT(OBJECT_KIND) "]\n"
"  cmp r2, #5\n"
"  bne hot_field_put\n"
/* Arrays and buffers know their length. */
"6: ldr r3, =0x4022\n"
"  cmp r0, r3\n"
"  bne hot_field_out\n"
"  cmp r1, #2\n"
"  bne 7f\n"
"  ldr r0, [r2, #" TEXT(ARRAY_LENGTH) "]\n"
"  mov r1, r10\n"
"  b hot_field_put\n"
"7: cmp r1, #3\n"
"  bne hot_field_out\n"
"  ldr r0, [r2, #" TEXT(OBJECT_EXTRA) "]\n"
"  mov r1, r10\n"
"  b hot_field_put\n"
/* Any field of anything. */
"hot_utf8_field:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_object\n"
"  b hot_ask_field\n"
"hot_field_out:\n"
"  adds r5, #8\n"
"  mov r6, r9\n"
"hot_ask_field:\n"
"  ldrb r0, [r4]\n"
"  subs r0, #25\n" /* type of the string: builtin, ascii, utf8 */
"  lsls r0, r0, #14\n"
"  ldrb r1, [r4, #1]\n"
"  orrs r1, r0\n"
"hot_ask_key:\n"
"  movs r0, r5\n"
"  adds r4, #2\n"
"  ask rt_interpret_field\n"
"  next\n"
"hot_object_field:\n"
"  movs r0, #1\n"
"  b 8f\n"
"hot_math_field:\n"
"  movs r0, #0\n"
"  b 8f\n"
"hot_ds_field:\n"
"  movs r0, #21\n"
"8: ldrb r2, [r4, #1]\n"
"  cmp r2, #0xf8\n"
"  bhs hot_out_object\n"
"  mov r1, r10\n"
"  subs r1, #6\n"
"  stmia r5!, {r0, r1}\n"
"  movs r1, #0x40\n"
"  lsls r1, r1, #8\n"
"  orrs r1, r2\n"
"  b hot_ask_key\n"
"hot_builtin_object:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_object\n"
"  mov r1, r10\n"
"  subs r1, #6\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #2\n"
"  next\n"
"hot_out_object: b hot_out\n"
"hot_threw:\n"
"  movs r0, #" TEXT(1) "\n"
"  b hot_leave\n"
"  .p2align 2\n"
"hot_native_first: .word 50000\n"
"hot_image: .word rt_image\n"
"  .ltorg\n"

/* ---- One operand: C does it, without the way out and back ---- */

"hot_unary:\n"
"  ldrb r1, [r4]\n"
"  movs r0, r5\n"
"  adds r4, #1\n"
"  ask rt_hot_unary\n"
"  next\n"

/* ---- Closures ---- */

/* r1: levels, r0: slot; to r2 the slot's place. */
".macro closure_slot\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_object\n"
"  mov r2, r9\n"
"  subs r2, #" TEXT(FRAME_SLOTS) "\n"
"1: cmp r1, #0\n"
"  ble 2f\n"
"  ldr r2, [r2, #" TEXT(FRAME_CLOSURE) "]\n"
"  cmp r2, #0\n"
"  beq hot_out_object\n"
"  subs r1, #1\n"
"  b 1b\n"
"2: ldrh r1, [r2, #" TEXT(FRAME_SLOT_COUNT) "]\n"
"  cmp r0, r1\n"
"  bhs hot_out_object\n"
"  lsls r0, r0, #3\n"
"  adds r2, r2, r0\n"
"  adds r2, #" TEXT(FRAME_SLOTS) "\n"
".endm\n"

"hot_load_closure:\n"
"  movs r0, r5\n"
"  subs r0, #8\n"
"  ldr r1, [r0]\n"
"  ldr r0, [r0, #4]\n"
"  adds r0, #1\n"
"  bne hot_out_object\n"
"  closure_slot\n"
"  ldmia r2!, {r0, r1}\n"
"  subs r5, #8\n"
"  stmia r5!, {r0, r1}\n"
"  adds r4, #2\n"
"  next\n"

"hot_store_closure:\n"
"  movs r0, r5\n"
"  subs r0, #16\n"
"  ldr r1, [r0]\n"
"  ldr r0, [r0, #4]\n"
"  adds r0, #1\n"
"  bne hot_out_object\n"
"  closure_slot\n"
"  subs r5, #8\n"
"  ldmia r5!, {r0, r1}\n"
"  stmia r2!, {r0, r1}\n"
"  subs r5, #16\n"
"  adds r4, #2\n"
"  next\n"

"hot_make_closure:\n"
"  ldrb r0, [r4, #1]\n"
"  cmp r0, #0xf8\n"
"  bhs hot_out_closure\n"
"  adds r4, #2\n"
"  ask rt_closure_new\n"
"  stmia r5!, {r0, r1}\n"
"  next\n"
"hot_out_closure: b hot_out\n"

"hot_store_ret_val:\n"
"  subs r5, #8\n"
"  ldmia r5!, {r0, r1}\n"
"  cmp r1, r11\n"
"  beq hot_out_closure\n"
"  str r0, [r7, #" TEXT(VM_RESULT) "]\n"
"  str r1, [r7, #" TEXT(VM_RESULT) " + 4]\n"
"  subs r5, #8\n"
"  adds r4, #1\n"
"  next\n"

/* ---- Elements ---- */

"hot_index:\n"
"  subs r5, #16\n"
"  ldmia r5!, {r0, r1, r2, r3}\n"
"  adds r1, #3\n"
"  bne hot_out_near\n"
"  adds r3, #1\n"
"  bne hot_out_near\n"
"  ldrb r1, [r0, #" TEXT(OBJECT_KIND) "]\n"
"  cmp r1, #3\n"
"  bne 1f\n"
"  ldr r1, [r0, #" TEXT(OBJECT_EXTRA) "]\n"
"  cmp r2, r1\n"
"  bhs hot_out_near\n"
"  adds r0, #" TEXT(BUFFER_BYTES) "\n"
"  ldrb r0, [r0, r2]\n"
"  push_int\n"
"1: cmp r1, #2\n"
"  bne hot_out_near\n"
"  ldr r1, [r0, #" TEXT(ARRAY_LENGTH) "]\n"
"  cmp r2, r1\n"
"  bhs hot_out_near\n"
"  ldr r0, [r0, #" TEXT(ARRAY_VALUES) "]\n"
"  lsls r2, r2, #3\n"
"  adds r0, r0, r2\n"
"  ldr r1, [r0, #12]\n"
"  ldr r0, [r0, #8]\n"
"  adds r2, r1, #4\n" /* functions may become methods */
"  cmp r2, #1\n"
"  bls hot_out_near\n"
"  subs r5, #16\n"
"  stmia r5!, {r0, r1}\n"
"  mov r3, r12\n"
"  adds r4, #1\n"
"  next\n"
"hot_out_near:\n"
"  movs r0, r5\n"
"  adds r4, #1\n"
"  ask rt_interpret_index\n"
"  subs r5, #8\n"
"  next\n"

"hot_index_set:\n"
"  subs r5, #24\n"
"  ldmia r5!, {r0, r1, r2, r3}\n"
"  adds r1, #3\n"
"  bne 9f\n"
"  ldrb r1, [r0, #" TEXT(OBJECT_KIND) "]\n"
"  cmp r1, #1\n"
"  bne 3f\n"
"  adds r3, #5\n" /* a string of the image: its key */
"  bne 9f\n"
"  ldrh r1, [r0, #" TEXT(MAP_COUNT) "]\n"
"  cmp r1, #8\n"
"  bhi 9f\n"
"  ldr r3, [r0, #" TEXT(MAP_PROPERTIES) "]\n"
"  adds r3, #8\n"
"  lsls r1, r1, #2\n"
"1: subs r1, #4\n"
"  bmi 8f\n"
"  ldr r6, [r3, r1]\n"
"  cmp r6, r2\n"
"  bne 1b\n"
"  ldrh r2, [r0, #" TEXT(MAP_ROOM) "]\n"
"  lsls r2, r2, #2\n"
"  adds r3, r3, r2\n"
"  lsls r1, r1, #1\n"
"  adds r3, r3, r1\n"
"2: ldmia r5!, {r0, r1}\n"
"  stmia r3!, {r0, r1}\n"
"  subs r5, #24\n"
"  mov r3, r12\n"
"  mov r6, r9\n"
"  adds r4, #1\n"
"  next\n"
"3: adds r3, #1\n"
"  bne 9f\n"
"  cmp r1, #3\n"
"  bne 4f\n"
"  ldr r1, [r0, #" TEXT(OBJECT_EXTRA) "]\n"
"  cmp r2, r1\n"
"  bhs 9f\n"
"  ldr r3, [r5, #4]\n"
"  adds r3, #1\n"
"  bne 9f\n"
"  ldr r3, [r5]\n"
"  adds r0, #" TEXT(BUFFER_BYTES) "\n"
"  strb r3, [r0, r2]\n"
"  subs r5, #16\n"
"  mov r3, r12\n"
"  adds r4, #1\n"
"  next\n"
"4: cmp r1, #2\n"
"  bne 9f\n"
"  ldr r1, [r0, #" TEXT(ARRAY_LENGTH) "]\n"
"  cmp r2, r1\n"
"  bhs 9f\n"
"  ldr r3, [r0, #" TEXT(ARRAY_VALUES) "]\n"
"  lsls r2, r2, #3\n"
"  adds r3, r3, r2\n"
"  adds r3, #8\n"
"  b 2b\n"
"8: mov r6, r9\n"
"9: adds r5, #8\n"
"  movs r0, r5\n"
"  adds r4, #1\n"
"  ask rt_interpret_index_set\n"
"  subs r5, #24\n"
"  next\n"
"  .ltorg\n"

/* ---- Calls: of image functions with nothing special, in a frame kept from before ---- */

"hot_call:\n"
"  mov r0, r8\n"
"  ldmia r0!, {r1, r2}\n" /* payload, tag; r0: arguments */
"  mov r3, r11\n"
"  movs r6, #0\n" /* frame that is closed over */
"  cmp r2, r3\n"
"  beq 1f\n"
"  adds r2, #4\n"
"  beq 1f\n"
"  cmp r2, #1\n"
"  bne hot_call_out\n"
"  ldrb r2, [r1, #" TEXT(OBJECT_KIND) "]\n"
"  cmp r2, #5\n"
"  bne hot_call_out\n"
"  ldr r6, [r1, #8]\n"
"  ldr r1, [r1, #" TEXT(OBJECT_EXTRA) "]\n"
"1: mov r12, r6\n"
"  ldr r3, hot_native_first_2\n"
"  cmp r1, r3\n"
"  bhs hot_call_out\n"
"  ldr r3, hot_image_2\n"
"  ldr r3, [r3, #" TEXT(IMAGE_FUNCTION) "]\n"
"  lsls r6, r1, #4\n"
"  adds r3, r3, r6\n" /* function */
"  ldrb r6, [r3, #" TEXT(FUNCTION_FLAGS) "]\n"
"  cmp r6, #1\n"
"  bhi hot_call_out\n"
"  ldrb r6, [r3, #" TEXT(FUNCTION_TRIES) "]\n"
"  cmp r6, #0\n"
"  bne hot_call_out\n"
"  ldr r6, [r7, #" TEXT(VM_COUNTDOWN) "]\n"
"  subs r6, #1\n"
"  bmi hot_call_out\n"
"  ldr r2, [r7, #" TEXT(VM_DEPTH) "]\n"
"  lsrs r6, r2, #2\n"
"  cmp r6, #125\n"
"  bhs hot_call_out\n"
"  ldrh r6, [r3, #" TEXT(FUNCTION_SLOTS) "]\n"
"  cmp r6, #13\n"
"  bhi hot_call_out\n"
"  adds r6, #3\n"
"  lsls r6, r6, #2\n"
"  adds r6, #" TEXT(VM_CACHE) "\n"
"  ldr r6, [r7, r6]\n" /* frame */
"  cmp r6, #0\n"
"  beq hot_call_out\n"
/* From here on nothing goes back. */
"  adds r2, #1\n"
"  str r2, [r7, #" TEXT(VM_DEPTH) "]\n"
"  ldr r2, [r7, #" TEXT(VM_COUNTDOWN) "]\n"
"  subs r2, #1\n"
"  str r2, [r7, #" TEXT(VM_COUNTDOWN) "]\n"
"  str r1, [r6, #" TEXT(OBJECT_EXTRA) "]\n"
"  mov r2, r12\n"
"  str r2, [r6, #" TEXT(FRAME_CLOSURE) "]\n"
"  ldrh r2, [r3, #" TEXT(FUNCTION_SLOTS) "]\n"
"  strh r2, [r6, #" TEXT(FRAME_SLOT_COUNT) "]\n"
"  adds r2, #3\n"
"  lsls r2, r2, #2\n"
"  adds r2, #" TEXT(VM_CACHE) "\n"
"  ldr r1, [r6, #" TEXT(FRAME_CALLER) "]\n"
"  str r1, [r7, r2]\n"
"  movs r1, #0\n"
"  strb r1, [r6, #" TEXT(FRAME_TRIES) "]\n"
"  ldrb r1, [r3, #" TEXT(FUNCTION_FLAGS) "]\n"
"  strb r1, [r6, #" TEXT(FRAME_FLAGS) "]\n"
/* The caller goes on behind the call. */
"  ldr r2, hot_image_2\n"
"  ldr r2, [r2]\n"
"  adds r4, #1\n"
"  subs r4, r4, r2\n"
"  ldr r1, [r7, #" TEXT(VM_FRAME) "]\n"
"  strh r4, [r1, #" TEXT(FRAME_PC) "]\n"
"  str r1, [r6, #" TEXT(FRAME_CALLER) "]\n"
"  str r6, [r7, #" TEXT(VM_FRAME) "]\n"
"  ldr r4, [r3, #" TEXT(FUNCTION_START) "]\n"
"  strh r4, [r6, #" TEXT(FRAME_PC) "]\n"
"  adds r4, r4, r2\n"
/* Slots: this, arguments (r0 up to r5), undefined. */
"  adds r6, #" TEXT(FRAME_SLOTS) "\n"
"  mov r9, r6\n"
"  ldrh r1, [r3, #" TEXT(FUNCTION_SLOTS) "]\n"
"  lsls r1, r1, #3\n"
"  adds r1, r1, r6\n"
"  mov r12, r1\n" /* end of slots; the table's address is restored below */
"  ldrb r1, [r3, #" TEXT(FUNCTION_PARAMETERS) "]\n"
"  lsls r1, r1, #3\n"
"  adds r1, r1, r6\n" /* end of parameters */
"  ldrb r2, [r3, #" TEXT(FUNCTION_FLAGS) "]\n"
"  cmp r2, #0\n"
"  beq 4f\n"
"  mov r2, r8\n"
"  ldr r2, [r2, #4]\n"
"  cmp r2, r11\n"
"  bne 2f\n"
"  ldr r2, [r7, #" TEXT(VM_METHOD_THIS) "]\n"
"  ldr r3, [r7, #" TEXT(VM_METHOD_THIS) " + 4]\n"
"  b 3f\n"
"2: movs r2, #0\n"
"  mov r3, r10\n"
"  subs r3, #1\n"
"3: stmia r6!, {r2, r3}\n"
"4: cmp r6, r1\n"
"  bhs 5f\n"
"  cmp r0, r5\n"
"  bhs 5f\n"
"  ldmia r0!, {r2, r3}\n"
"  stmia r6!, {r2, r3}\n"
"  b 4b\n"
"5: mov r1, r12\n"
"  movs r2, #0\n"
"  mov r3, r10\n"
"  subs r3, #1\n"
"  b 7f\n"
"6: stmia r6!, {r2, r3}\n"
"7: cmp r6, r1\n"
"  blo 6b\n"
"  mov r5, r8\n"
"  mov r6, r9\n"
"  ldr r3, hot_table_address_2\n"
"  mov r12, r3\n"
"  next\n"
"hot_call_out:\n"
"  ldrb r0, [r4]\n"
"  subs r0, #2\n"
"  adds r4, #1\n"
"  str r4, [r7, #" TEXT(VM_PC) "]\n"
"  str r5, [r7, #" TEXT(VM_SP) "]\n"
"  bl rt_hot_call\n"
"hot_entered:\n"
"  ldr r4, [r7, #" TEXT(VM_PC) "]\n"
"  mov r5, r8\n"
"  cmp r0, #0\n"
"  bne hot_call_leave\n"
"  ldr r6, [r7, #" TEXT(VM_FRAME) "]\n"
"  adds r6, #" TEXT(FRAME_SLOTS) "\n"
"  mov r9, r6\n"
"  ldr r3, hot_table_address_2\n"
"  mov r12, r3\n"
"  next\n"
"hot_call_leave:\n"
"  ldr r1, hot_leave_address\n"
"  mov pc, r1\n"
"  .p2align 2\n"
"hot_leave_address: .word hot_leave\n"
"hot_native_first_2: .word 50000\n"
"hot_image_2: .word rt_image\n"
"hot_table_address_2: .word hot_table\n"

"hot_return:\n"
"  subs r5, #8\n"
"  ldr r1, [r5, #4]\n"
"  cmp r1, r11\n"
"  beq hot_return_out\n"
"  ldr r2, [r7, #" TEXT(VM_FRAME) "]\n"
"  ldrb r0, [r2, #" TEXT(FRAME_FLAGS) "]\n"
"  lsrs r0, r0, #2\n" /* is_ctor to the carry */
"  bcs hot_return_out\n"
"  ldrb r0, [r2, #" TEXT(OBJECT_FLAGS) "]\n"
"  lsrs r0, r0, #3\n" /* captured */
"  bcs hot_return_out\n"
"  ldrh r0, [r2, #" TEXT(OBJECT_UNITS) "]\n"
"  cmp r0, #16\n"
"  bhi hot_return_out\n"
"  ldr r3, [r2, #" TEXT(FRAME_CALLER) "]\n"
"  cmp r3, #0\n"
"  beq hot_return_out\n"
"  ldr r6, [r5]\n"
"  str r6, [r7, #" TEXT(VM_RESULT) "]\n"
"  str r1, [r7, #" TEXT(VM_RESULT) " + 4]\n"
"  lsls r0, r0, #2\n"
"  adds r0, #" TEXT(VM_CACHE) "\n"
"  ldr r1, [r7, r0]\n"
"  str r1, [r2, #" TEXT(FRAME_CALLER) "]\n"
"  movs r1, #0\n"
"  strh r1, [r2, #" TEXT(FRAME_SLOT_COUNT) "]\n"
"  str r1, [r2, #" TEXT(FRAME_CLOSURE) "]\n"
"  str r2, [r7, r0]\n"
"  ldr r0, [r7, #" TEXT(VM_DEPTH) "]\n"
"  subs r0, #1\n"
"  str r0, [r7, #" TEXT(VM_DEPTH) "]\n"
"  str r3, [r7, #" TEXT(VM_FRAME) "]\n"
"  ldrh r4, [r3, #" TEXT(FRAME_PC) "]\n"
"  ldr r0, hot_image_3\n"
"  ldr r0, [r0]\n"
"  adds r4, r4, r0\n"
"  movs r6, r3\n"
"  adds r6, #" TEXT(FRAME_SLOTS) "\n"
"  mov r9, r6\n"
"  mov r3, r12\n"
"  mov r5, r8\n"
"  next\n"
"hot_return_out: adds r5, #8\n"
"hot_out_call:\n"
"  ldr r0, hot_out_address\n"
"  mov pc, r0\n"
"  .p2align 2\n"
"hot_out_address: .word hot_out\n"
"hot_image_3: .word rt_image\n"

/* ---- By opcode ---- */

"hot_table:\n"
HOT_TABLE
"  .rept 33\n"
"  .word hot_out\n"
"  .endr\n"
"  .rept 128\n"
"  .word hot_direct\n"
"  .endr\n"
);
/* clang-format on */
#endif
