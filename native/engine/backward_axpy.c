#include "backward_axpy.h"

#include "hot.h"
#include "simd.h"

#if UINTPTR_MAX != UINT32_MAX
const uint32_t *rt_axpy_rows[RT_AXPY_ROWS];
uint32_t rt_axpy_named;
#endif

/* Both sums of a word. */
static void unpack(uint32_t word, int32_t *out) {
  out[0] = (int16_t)(word & 0xffffu);
  out[1] = (int32_t)(word - (uint32_t)out[0]) >> 16;
}

void rt_axpy_portable(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
                      uint32_t add, uint32_t start) {
  for (uint32_t block = 0; block < blocks; block++, sums += RT_AXPY_BLOCK) {
    uint32_t acc[4] = {start, start, start, start};
    for (uint32_t t = 0; t < count; t++) {
      const uint32_t *row = rt_axpy_words(terms[t].row) + 4u * block;
      for (uint32_t j = 0; j < 4; j++) acc[j] += (uint32_t)terms[t].factor * row[j];
    }
    for (uint32_t j = 0; j < 4; j++) {
      int32_t pair[2];
      unpack(acc[j], pair);
      sums[2u * j] = (add ? sums[2u * j] : 0) + pair[0];
      sums[2u * j + 1u] = (add ? sums[2u * j + 1u] : 0) + pair[1];
    }
  }
}

void rt_axpy_list_portable(rt_axpy_list_t *list) {
  for (; list->g != list->end; list->g += 4) {
    const uint32_t *row = list->row;
    rt_axpy_term_t *term = list->term;
    int32_t room = list->room;
    for (uint32_t i = 0; i < 4; i++, row += list->step_bytes / 4u) {
      const int32_t factor = list->g[i];
      room -= factor < 0 ? -factor : factor;
      if (factor != 0) *term++ = (rt_axpy_term_t){factor, rt_axpy_row(row)};
    }
    if (room < 0) return;
    list->row = row;
    list->term = term;
    list->room = room;
  }
}

#if defined(__ARM_ARCH_6M__)
/*
 * r0 g, r1 four elements, r2 row, r3 bytes to the next row, r4 term, r5 room, r6 factor, r7
 * temporary and the row of the term; r8 end, r9 term and r10 room and r11 row before these four. An
 * element of 0 takes 5 cycles, another 12.
 */
__asm__(RT_HOT_SECTION("rt_axpy_list")
        "  .global rt_axpy_list\n"
        "  .type rt_axpy_list, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_axpy_list:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r0, r4-r7}\n"
        "  mov r6, r0\n"
        "  ldm r6!, {r0, r1, r2, r3, r4, r5}\n"
        "  mov r8, r1\n"
        "  b 2f\n"
        "1:\n"
        "  mov r9, r4\n"
        "  mov r10, r5\n"
        "  mov r11, r2\n"
        "  ldm r0!, {r1}\n"
        "  .irp left, 24, 16, 8, 0\n"
        "  .if \\left\n"
        "  lsls r6, r1, #\\left\n"
        "  asrs r6, r6, #24\n"
        "  .else\n"
        "  asrs r6, r1, #24\n"
        "  .endif\n"
        "  beq .Laxpy_zero\\left\n"
        "  bmi .Laxpy_negative\\left\n"
        "  subs r5, r5, r6\n"
        ".Laxpy_listed\\left:\n"
        "  str r6, [r4]\n"
        "  str r2, [r4, #4]\n"
        "  adds r4, #8\n"
        ".Laxpy_zero\\left:\n"
        "  adds r2, r2, r3\n"
        "  .endr\n"
        "  cmp r5, #0\n"
        "  blt 3f\n"
        "2:\n"
        "  cmp r0, r8\n"
        "  bne 1b\n"
        "  b 4f\n"
        "3:\n"
        "  subs r0, #4\n"
        "  mov r4, r9\n"
        "  mov r5, r10\n"
        "  mov r2, r11\n"
        "4:\n"
        "  pop {r7}\n"
        "  mov r1, r8\n"
        "  stm r7!, {r0, r1, r2, r3, r4, r5}\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        "  .irp left, 24, 16, 8, 0\n"
        ".Laxpy_negative\\left:\n"
        "  adds r5, r5, r6\n"
        "  b .Laxpy_listed\\left\n"
        "  .endr\n"
        "  .size rt_axpy_list, . - rt_axpy_list\n"
        "  .text\n");

/*
 * r0-r3 words of a row, r4 factor, r5 row, r6 term, r7 bytes of a row before this block; r8-r11
 * sums, r12 end of the terms, lr where to enter the unrolled loop. On the stack: terms, bytes of a
 * row, sums, add. 17.75 cycles a term and block: 2.2 a product.
 */
__asm__(RT_HOT_SECTION("rt_axpy")
        "  .global rt_axpy\n"
        "  .type rt_axpy, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_axpy:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  ldr r7, [sp, #36]\n" /* add */
        "  mov r4, r0\n"
        "  lsls r5, r2, #4\n"
        "  mov r6, r3\n"
        "  push {r4-r7}\n" /* terms, bytes, sums, add */
        "  lsls r2, r1, #3\n"
        "  adds r2, r2, r0\n"
        "  mov r12, r2\n"
        /* Enter so that the last of four steps of 22 bytes is the last term. */
        "  negs r1, r1\n"
        "  movs r2, #3\n"
        "  ands r1, r2\n"
        "  movs r2, #22\n"
        "  muls r1, r2, r1\n"
        "  ldr r2, 3f\n"
        "  adds r1, r1, r2\n"
        "  mov lr, r1\n"
        "  movs r7, #0\n"
        "  b 1f\n"
        "  .p2align 2\n"
        "3:\n"
        "  .word 2f + 1\n"
        "1:\n"
        "  ldr r6, [sp]\n"
        "  ldr r0, [sp, #56]\n" /* start */
        "  mov r8, r0\n"
        "  mov r9, r0\n"
        "  mov r10, r0\n"
        "  mov r11, r0\n"
        "  bx lr\n"
        "2:\n"
        "  .rept 4\n"
        "  ldm r6!, {r4, r5}\n"
        "  adds r5, r5, r7\n"
        "  ldm r5!, {r0-r3}\n"
        "  muls r0, r4, r0\n"
        "  add r8, r0\n"
        "  muls r1, r4, r1\n"
        "  add r9, r1\n"
        "  muls r2, r4, r2\n"
        "  add r10, r2\n"
        "  muls r3, r4, r3\n"
        "  add r11, r3\n"
        "  .endr\n"
        "  cmp r6, r12\n"
        "  bne 2b\n"
        "  ldr r6, [sp, #8]\n"
        "  ldr r5, [sp, #12]\n"
        "  cmp r5, #0\n"
        "  bne 5f\n"
        "  .irp pair, 8, 10\n"
        "  .if \\pair == 8\n"
        "  mov r1, r8\n"
        "  mov r3, r9\n"
        "  .else\n"
        "  mov r1, r10\n"
        "  mov r3, r11\n"
        "  .endif\n"
        "  sxth r0, r1\n"
        "  subs r1, r1, r0\n"
        "  asrs r1, r1, #16\n"
        "  sxth r2, r3\n"
        "  subs r3, r3, r2\n"
        "  asrs r3, r3, #16\n"
        "  stm r6!, {r0-r3}\n"
        "  .endr\n"
        "4:\n"
        "  str r6, [sp, #8]\n"
        "  adds r7, #16\n"
        "  ldr r0, [sp, #4]\n"
        "  cmp r7, r0\n"
        "  bne 1b\n"
        "  add sp, #16\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        "5:\n"
        "  .irp acc, 8, 9, 10, 11\n"
        "  mov r1, r\\acc\n"
        "  sxth r0, r1\n"
        "  subs r1, r1, r0\n"
        "  asrs r1, r1, #16\n"
        "  ldr r2, [r6]\n"
        "  adds r0, r0, r2\n"
        "  ldr r2, [r6, #4]\n"
        "  adds r1, r1, r2\n"
        "  stm r6!, {r0, r1}\n"
        "  .endr\n"
        "  b 4b\n"
        "  .size rt_axpy, . - rt_axpy\n"
        "  .text\n");
#elif !RT_SIMD /* backward_simd.c */
void rt_axpy(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
             uint32_t add, uint32_t start) {
  rt_axpy_portable(terms, count, blocks, sums, add, start);
}
#endif

#if !defined(__ARM_ARCH_6M__)
void rt_axpy_list(rt_axpy_list_t *list) { rt_axpy_list_portable(list); }
#endif
