#include "adapter_rows.h"

#include "hot.h"

static inline int32_t add_row(const int8_t *w, uint32_t step, const int32_t *x, uint32_t count,
                              int32_t start) {
  uint32_t sum = (uint32_t)start;
  for (uint32_t i = 0; i < count; i++, w += step) sum += (uint32_t)(*w * x[i]);
  return (int32_t)sum;
}

void rt_rows_add4_portable(const int8_t *w, uint32_t stride, uint32_t step, const int32_t *x,
                           uint32_t count, int32_t *sums) {
  for (uint32_t r = 0; r < 4; r++, w += stride) sums[r] = add_row(w, step, x, count, sums[r]);
}

#if defined(__ARM_ARCH_6M__)
/*
 * r0-r3 the rows, r4 the place in them, r5 x, r6 and r7 free; r8-r11 the sums, r12 where x ends, lr
 * the step.
 * 4.9 cycles a product.
 */
#define PRODUCT(row, sum) \
  "  ldrsb r7, [" row     \
  ", r4]\n"               \
  "  muls r7, r6\n"       \
  "  add " sum ", r7\n"
#define COLUMN                                                                       \
  "  ldmia r5!, {r6}\n" PRODUCT("r0", "r8") PRODUCT("r1", "r9") PRODUCT("r2", "r10") \
      PRODUCT("r3", "r11") "  add r4, lr\n"

__asm__(RT_HOT_SECTION("rt_rows_add4")
        "  .global rt_rows_add4\n"
        "  .type rt_rows_add4, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_rows_add4:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  mov lr, r2\n"
        "  movs r5, r3\n"
        "  ldr r2, [sp, #36]\n" /* count */
        "  lsls r2, r2, #2\n"
        "  adds r2, r2, r3\n"
        "  mov r12, r2\n"
        "  ldr r4, [sp, #40]\n" /* sums */
        "  ldmia r4!, {r2, r3, r6, r7}\n"
        "  mov r8, r2\n"
        "  mov r9, r3\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  movs r4, r1\n"
        "  adds r1, r0, r4\n"
        "  adds r2, r1, r4\n"
        "  adds r3, r2, r4\n"
        "  movs r4, #0\n"
        /* One column at a time until a multiple of four is left. */
        "1:\n"
        "  mov r6, r12\n"
        "  subs r6, r6, r5\n"
        "  lsls r6, r6, #28\n"
        "  beq 3f\n" COLUMN
        "  b 1b\n"
        "2:\n" COLUMN COLUMN COLUMN COLUMN
        "3:\n"
        "  cmp r5, r12\n"
        "  bne 2b\n"
        "  ldr r4, [sp, #40]\n"
        "  mov r0, r8\n"
        "  mov r1, r9\n"
        "  mov r2, r10\n"
        "  mov r3, r11\n"
        "  stmia r4!, {r0-r3}\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_rows_add4, . - rt_rows_add4\n"
        "  .text\n");
#else
void rt_rows_add4(const int8_t *w, uint32_t stride, uint32_t step, const int32_t *x, uint32_t count,
                  int32_t *sums) {
  rt_rows_add4_portable(w, stride, step, x, count, sums);
}
#endif

RT_HOT void rt_rows_add(const int8_t *w, uint32_t rows, uint32_t stride, uint32_t step,
                        const int32_t *x, uint32_t count, int32_t *sums) {
  for (; rows >= 4; rows -= 4, w += 4 * stride, sums += 4) {
    rt_rows_add4(w, stride, step, x, count, sums);
  }
  for (; rows > 0; rows--, w += stride, sums++) *sums = add_row(w, step, x, count, *sums);
}

uint32_t rt_rows_expand_portable(const int8_t *x, int32_t zero, uint32_t count, int32_t *out) {
  uint32_t squares = 0;
  for (uint32_t i = 0; i < count; i++) {
    out[i] = x[i] - zero;
    squares += (uint32_t)(out[i] * out[i]);
  }
  return squares;
}

#if defined(__ARM_ARCH_6M__)
/* r0 x, r1 zero, r3 out; r4-r7 four values; r8 the squares, r9 where x ends, r2 what is left behind
 * the fours. 8.3 cycles a value. */
#define VALUE(k, v) "  ldrb " v ", [r0, #" k "]\n  sxtb " v ", " v "\n  subs " v ", " v ", r1\n"
#define SQUARE(v) "  muls " v ", " v "\n  add r8, " v "\n"

__asm__(RT_HOT_SECTION("rt_rows_expand") /* clang-format off */
        "  .global rt_rows_expand\n"
        "  .type rt_rows_expand, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_rows_expand:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  push {r4, r5}\n"
        "  movs r5, #0\n"
        "  mov r8, r5\n"
        "  movs r4, #3\n"
        "  ands r4, r2\n"
        "  subs r2, r2, r4\n"
        "  adds r2, r2, r0\n"
        "  mov r9, r2\n"
        "  mov r2, r4\n"
        "  b 2f\n"
        "1:\n"
        VALUE("0", "r4") VALUE("1", "r5") VALUE("2", "r6") VALUE("3", "r7")
        "  stmia r3!, {r4-r7}\n"
        SQUARE("r4") SQUARE("r5") SQUARE("r6") SQUARE("r7")
        "  adds r0, #4\n"
        "2:\n"
        "  cmp r0, r9\n"
        "  bne 1b\n"
        "  cmp r2, #0\n"
        "  beq 4f\n"
        "3:\n"
        VALUE("0", "r4")
        "  stmia r3!, {r4}\n"
        SQUARE("r4")
        "  adds r0, #1\n"
        "  subs r2, #1\n"
        "  bne 3b\n"
        "4:\n"
        "  mov r0, r8\n"
        "  pop {r4, r5}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_rows_expand, . - rt_rows_expand\n"
        "  .text\n"); /* clang-format on */
#else
uint32_t rt_rows_expand(const int8_t *x, int32_t zero, uint32_t count, int32_t *out) {
  return rt_rows_expand_portable(x, zero, count, out);
}
#endif

RT_HOT uint32_t rt_rows_vector(const int8_t *w, uint32_t rows, uint32_t columns, const int8_t *x,
                               int32_t zero, int32_t block[RT_ROWS_BLOCK], int32_t *sums) {
  uint32_t squares = 0;
  for (uint32_t r = 0; r < rows; r++) sums[r] = 0;
  for (uint32_t at = 0; at < columns; at += RT_ROWS_BLOCK) {
    uint32_t count = columns - at < RT_ROWS_BLOCK ? columns - at : RT_ROWS_BLOCK;
    squares += rt_rows_expand(x + at, zero, count, block);
    rt_rows_add(w + at, rows, columns, 1, block, count, sums);
  }
  return squares;
}
