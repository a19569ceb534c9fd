// rt_dsp_load_portable of frame.c for the Cortex-M0+, where the frame is loud enough to be scaled
// down and no pair of samples is parted by the ring's end. test/dsp/rp2040.test.ts compares them.
#include "../engine/hot.h"
#include "load.h"

#if defined(__ARM_ARCH_6M__)

// The pair at byte r0 of the frame, scaled, to the work area; r0 goes on by 128 samples. 27 cycles.
#define PAIR                                    \
  "  movs r1, #0\n"                             \
  "  movs r3, #0\n"                             \
  "  cmp r0, r11\n"                             \
  "  bhs 2f\n" /* behind the window */          \
  "  mov r6, r8\n"                              \
  "  cmp r0, r9\n"                              \
  "  blo 1f\n"                                  \
  "  mov r6, r10\n" /* beyond the ring's end */ \
  "1:\n"                                        \
  "  ldrsh r1, [r6, r0]\n"                      \
  "  ldrh r2, [r7, r0]\n"                       \
  "  adds r0, r0, #2\n"                         \
  "  ldrsh r3, [r6, r0]\n"                      \
  "  ldrh r4, [r7, r0]\n"                       \
  "  adds r0, r0, #254\n"                       \
  "  muls r1, r2, r1\n"                         \
  "  muls r3, r4, r3\n"                         \
  "  add r1, r12\n"                             \
  "  add r3, r12\n"                             \
  "  asrs r1, r5\n"                             \
  "  asrs r3, r5\n"                             \
  "2:\n"                                        \
  "  mov r2, lr\n"                              \
  "  stmia r2!, {r1, r3}\n"                     \
  "  mov lr, r2\n"

/*
 * r8 low, r9 first_bytes, r10 high, r11 count_bytes, r12 half, lr the work area; r5 down, r7
 * window. On the stack: the group, down. The butterfly is rt_dsp_fft_butterfly, on what the four
 * pairs left in the work area.
 */
__asm__(RT_HOT_SECTION("rt_dsp_load_pieces") /* clang-format off */
    "  .global rt_dsp_load_pieces\n"
    "  .type rt_dsp_load_pieces, %function\n"
    "  .thumb_func\n"
    "  .p2align 2\n"
    "rt_dsp_load_pieces:\n"
    "  push {r4-r7, lr}\n"
    "  mov r4, r8\n"
    "  mov r5, r9\n"
    "  mov r6, r10\n"
    "  mov r7, r11\n"
    "  push {r4-r7}\n"
    "  sub sp, #8\n"
    "  mov lr, r1\n"
    "  ldmia r0!, {r1-r7}\n"
    "  mov r8, r1\n"
    "  mov r9, r2\n"
    "  mov r10, r3\n"
    "  mov r11, r4\n"
    "  mov r12, r5\n"
    "  str r7, [sp, #4]\n"
    "  mov r7, r6\n"
    "  movs r1, #0\n"
    "3:\n"
    "  str r1, [sp]\n"
    "  lsls r0, r1, #30\n" /* base-4 digits of the group reversed, pairs of 4 bytes */
    "  lsrs r0, r0, #24\n"
    "  lsls r2, r1, #28\n"
    "  lsrs r2, r2, #30\n"
    "  lsls r2, r2, #4\n"
    "  adds r0, r0, r2\n"
    "  lsrs r1, r1, #4\n"
    "  lsls r1, r1, #2\n"
    "  adds r0, r0, r1\n"
    "  ldr r5, [sp, #4]\n"
    PAIR PAIR PAIR PAIR
    "  mov r2, lr\n"
    "  subs r2, r2, #32\n"
    "  ldr r0, [r2]\n"
    "  ldr r1, [r2, #16]\n"
    "  adds r3, r0, r1\n"
    "  subs r0, r0, r1\n" /* a - c, re */
    "  ldr r1, [r2, #8]\n"
    "  ldr r4, [r2, #24]\n"
    "  adds r6, r1, r4\n"
    "  subs r1, r1, r4\n" /* b - d, re */
    "  adds r4, r3, r6\n"
    "  str r4, [r2]\n"
    "  subs r3, r3, r6\n"
    "  str r3, [r2, #16]\n"
    "  ldr r3, [r2, #4]\n"
    "  ldr r4, [r2, #20]\n"
    "  adds r6, r3, r4\n"
    "  subs r3, r3, r4\n" /* a - c, im */
    "  ldr r4, [r2, #12]\n"
    "  ldr r5, [r2, #28]\n"
    "  adds r4, r4, r5\n"
    "  lsls r5, r5, #1\n"
    "  subs r5, r4, r5\n" /* b - d, im */
    "  adds r6, r6, r4\n"
    "  str r6, [r2, #4]\n"
    "  lsls r4, r4, #1\n"
    "  subs r6, r6, r4\n"
    "  str r6, [r2, #20]\n"
    "  adds r4, r0, r5\n"
    "  str r4, [r2, #8]\n"
    "  subs r4, r3, r1\n"
    "  str r4, [r2, #12]\n"
    "  subs r0, r0, r5\n"
    "  str r0, [r2, #24]\n"
    "  adds r3, r3, r1\n"
    "  str r3, [r2, #28]\n"
    "  ldr r1, [sp]\n"
    "  adds r1, r1, #1\n"
    "  cmp r1, #64\n"
    "  beq 4f\n"
    "  b 3b\n"
    "4:\n"
    "  add sp, #8\n"
    "  pop {r4-r7}\n"
    "  mov r8, r4\n"
    "  mov r9, r5\n"
    "  mov r10, r6\n"
    "  mov r11, r7\n"
    "  pop {r4-r7, pc}\n"
    "  .size rt_dsp_load_pieces, . - rt_dsp_load_pieces\n"
    "  .text\n");
/* clang-format on */

#endif
