// The FFT's inner loops for the Cortex-M0+; fft.c has the same in C, and test/dsp/rp2040.test.ts
// compares them. What the assembler wins: registers, of which the compiler runs out, and the count
// of significant bits by a table.
#include "../engine/hot.h"
#include "fft.h"
#include "tables_common.h"

#if defined(__ARM_ARCH_6M__)

#define FUNCTION(name)   \
  RT_HOT_SECTION(name)   \
  "  .global " name      \
  "\n"                   \
  "  .type " name        \
  ", %function\n"        \
  "  .thumb_func\n"      \
  "  .p2align 2\n" name  \
  ":\n"                  \
  "  push {r4-r7, lr}\n" \
  "  mov r4, r8\n"       \
  "  mov r5, r9\n"       \
  "  mov r6, r10\n"      \
  "  mov r7, r11\n"      \
  "  push {r4-r7}\n"
#define END(name)               \
  "  pop {r4-r7}\n"             \
  "  mov r8, r4\n"              \
  "  mov r9, r5\n"              \
  "  mov r10, r6\n"             \
  "  mov r11, r7\n"             \
  "  pop {r4-r7, pc}\n"         \
  "  .p2align 2\n"              \
  "  .ltorg\n"                  \
  "  .size " name ", . - " name \
  "\n"                          \
  "  .text\n"

// r3 + i r4 times a twiddle: r6 + i r5. r1: cosine, r2: minus sine, Q15. Uses r7, r12. 28 cycles.
#define TURN                                  \
  "  lsls r5, r3, #17\n"                      \
  "  lsrs r5, r5, #17\n" /* re, lower half */ \
  "  lsls r6, r4, #17\n"                      \
  "  lsrs r6, r6, #17\n" /* im, lower half */ \
  "  movs r7, r5\n"                           \
  "  muls r7, r1, r7\n"                       \
  "  mov r12, r7\n"                           \
  "  muls r5, r2, r5\n"                       \
  "  movs r7, r6\n"                           \
  "  muls r7, r2, r7\n"                       \
  "  muls r6, r1, r6\n"                       \
  "  adds r5, r5, r6\n"                       \
  "  asrs r5, r5, #15\n"                      \
  "  mov r6, r12\n"                           \
  "  subs r6, r6, r7\n"                       \
  "  asrs r6, r6, #15\n"                      \
  "  asrs r3, r3, #15\n" /* upper halves */   \
  "  asrs r4, r4, #15\n"                      \
  "  movs r7, r3\n"                           \
  "  muls r7, r1, r7\n"                       \
  "  adds r6, r6, r7\n"                       \
  "  movs r7, r4\n"                           \
  "  muls r7, r2, r7\n"                       \
  "  subs r6, r6, r7\n"                       \
  "  muls r3, r2, r3\n"                       \
  "  adds r5, r5, r3\n"                       \
  "  muls r4, r1, r4\n"                       \
  "  adds r5, r5, r4\n"

// The twiddle at the stack's offset n into r1, r2, the point at r0 into r3, r4.
#define TWIDDLE_AND_POINT(n) \
  "  ldr r7, [sp, #" n       \
  "]\n"                      \
  "  sxth r1, r7\n"          \
  "  asrs r2, r7, #16\n"     \
  "  ldr r3, [r0]\n"         \
  "  ldr r4, [r0, #4]\n"

/*
 * r0 point, lr step in bytes. On the stack: three twiddles, 12: where the points end, 16: the first
 * point, 20: offset of the first twiddle in bytes, 24: what it grows by, 28: the last first point,
 * 32: twiddles. 178 cycles a butterfly.
 */
__asm__(FUNCTION("rt_dsp_fft_pass") /* clang-format off */
    "  sub sp, #36\n"
    "  ldr r3, =rt_dsp_twiddles\n"
    "  str r3, [sp, #32]\n"
    "  lsls r2, r2, #2\n"
    "  str r2, [sp, #24]\n"
    "  lsls r1, r1, #3\n"
    "  mov lr, r1\n"
    "  adds r1, r1, r0\n"
    "  subs r1, r1, #8\n"
    "  str r1, [sp, #28]\n"
    "  movs r1, #0\n"
    "1:\n"
    "  adds r0, r0, #8\n"
    "  str r0, [sp, #16]\n"
    "  adds r1, r1, r2\n"
    "  str r1, [sp, #20]\n"
    "  ldr r3, [sp, #32]\n"
    "  adds r3, r3, r1\n"
    "  ldr r4, [r3]\n"
    "  adds r3, r3, r1\n"
    "  ldr r5, [r3]\n"
    "  adds r3, r3, r1\n"
    "  ldr r6, [r3]\n"
    "  movs r7, #128\n"
    "  lsls r7, r7, #4\n" /* 256 points of 8 bytes */
    "  adds r7, r7, r0\n"
    "  mov r3, sp\n"
    "  stmia r3!, {r4-r7}\n"
    "2:\n"
    "  add r0, lr\n"
    "  add r0, lr\n"
    "  add r0, lr\n"
    TWIDDLE_AND_POINT("8") TURN
    "  mov r8, r6\n"
    "  mov r9, r5\n"
    "  mov r7, lr\n"
    "  subs r0, r0, r7\n"
    "  subs r0, r0, r7\n"
    TWIDDLE_AND_POINT("0") TURN
    "  mov r3, r8\n"
    "  mov r4, r9\n"
    "  subs r3, r6, r3\n" /* b - d */
    "  subs r4, r5, r4\n"
    "  add r8, r6\n" /* b + d */
    "  add r9, r5\n"
    "  mov r10, r3\n"
    "  mov r11, r4\n"
    "  add r0, lr\n"
    TWIDDLE_AND_POINT("4") TURN
    "  mov r7, lr\n"
    "  subs r0, r0, r7\n"
    "  subs r0, r0, r7\n"
    "  ldr r3, [r0]\n"
    "  ldr r4, [r0, #4]\n"
    "  subs r1, r3, r6\n" /* a - c */
    "  subs r2, r4, r5\n"
    "  adds r6, r3, r6\n" /* a + c */
    "  adds r5, r4, r5\n"
    "  mov r3, r8\n"
    "  mov r4, r9\n"
    "  adds r7, r6, r3\n"
    "  str r7, [r0]\n"
    "  adds r7, r5, r4\n"
    "  str r7, [r0, #4]\n"
    "  subs r6, r6, r3\n"
    "  subs r5, r5, r4\n"
    "  add r0, lr\n"
    "  mov r7, r11\n"
    "  adds r3, r1, r7\n"
    "  str r3, [r0]\n"
    "  subs r1, r1, r7\n"
    "  mov r7, r10\n"
    "  subs r4, r2, r7\n"
    "  str r4, [r0, #4]\n"
    "  adds r2, r2, r7\n"
    "  add r0, lr\n"
    "  str r6, [r0]\n"
    "  str r5, [r0, #4]\n"
    "  add r0, lr\n"
    "  str r1, [r0]\n"
    "  str r2, [r0, #4]\n"
    "  add r0, lr\n"
    "  ldr r7, [sp, #12]\n"
    "  cmp r0, r7\n"
    "  beq 3f\n"
    "  b 2b\n"
    "3:\n"
    "  ldr r0, [sp, #16]\n"
    "  ldr r1, [sp, #20]\n"
    "  ldr r2, [sp, #24]\n"
    "  ldr r3, [sp, #28]\n"
    "  cmp r0, r3\n"
    "  beq 4f\n"
    "  b 1b\n"
    "4:\n"
    "  add sp, #36\n" /* clang-format on */
        END("rt_dsp_fft_pass"));

/*
 * r0 point k up to lr, r10 point 256 - k, r11 twiddle, r8 and r9 the even part. 72 cycles a pair.
 */
__asm__(FUNCTION("rt_dsp_fft_split") /* clang-format off */
    "  movs r1, #1\n"
    "  lsls r1, r1, #10\n" /* 128 points of 8 bytes */
    "  adds r2, r0, r1\n"
    "  mov lr, r2\n"
    "  adds r2, r2, r1\n"
    "  subs r2, r2, #8\n"
    "  mov r10, r2\n"
    "  adds r0, r0, #8\n"
    "  ldr r1, =rt_dsp_twiddles + 4\n"
    "  mov r11, r1\n"
    "1:\n"
    "  mov r7, r10\n"
    "  ldr r5, [r7]\n"
    "  ldr r6, [r7, #4]\n"
    "  ldr r1, [r0]\n"
    "  ldr r2, [r0, #4]\n"
    "  subs r4, r5, r1\n"
    "  adds r5, r5, r1\n"
    "  asrs r4, r4, #1\n"
    "  asrs r5, r5, #1\n"
    "  mov r8, r5\n"
    "  adds r3, r2, r6\n"
    "  subs r2, r2, r6\n"
    "  asrs r3, r3, #1\n"
    "  asrs r2, r2, #1\n"
    "  mov r9, r2\n"
    "  mov r7, r11\n"
    "  ldmia r7!, {r2}\n"
    "  mov r11, r7\n"
    "  sxth r1, r2\n"
    "  asrs r2, r2, #16\n"
    TURN
    "  mov r3, r8\n"
    "  mov r4, r9\n"
    "  adds r1, r3, r6\n"
    "  adds r2, r4, r5\n"
    "  subs r3, r3, r6\n"
    "  subs r4, r4, r5\n"
    "  stmia r0!, {r1, r2}\n"
    "  mov r7, r10\n"
    "  str r3, [r7]\n"
    "  str r4, [r7, #4]\n"
    "  subs r7, r7, #8\n"
    "  mov r10, r7\n"
    "  cmp r0, lr\n"
    "  bne 1b\n" /* clang-format on */
        END("rt_dsp_fft_split"));

/*
 * r0 point, r1 bin up to r8, r7 significant bits of a byte, r9 the exponent's constant. tail makes
 * the bin of r2 = re^2 + im^2 with re and im shifted right by r6 (or left by -r6).
 */
#define BINS(name, constants, tail)                          \
  FUNCTION(name)                                             \
  "  lsls r3, r1, #3\n"                                      \
  "  lsls r1, r1, #2\n"                                      \
  "  lsls r2, r2, #2\n"                                      \
  "  adds r1, r1, r0\n"                                      \
  "  adds r2, r2, r0\n"                                      \
  "  mov r8, r2\n"                                           \
  "  adds r0, r0, r3\n" constants                            \
  "  ldr r7, =9f\n"                                          \
  "1:\n"                                                     \
  "  ldmia r0!, {r2, r3}\n"                                  \
  "  asrs r4, r2, #31\n"                                     \
  "  eors r2, r4\n"                                          \
  "  subs r2, r2, r4\n"                                      \
  "  asrs r4, r3, #31\n"                                     \
  "  eors r3, r4\n"                                          \
  "  subs r3, r3, r4\n"                                      \
  "  movs r4, r2\n"                                          \
  "  orrs r4, r3\n"                                          \
  "  lsrs r5, r4, #16\n"                                     \
  "  beq 4f\n"                                               \
  "  lsrs r6, r5, #8\n"                                      \
  "  bne 3f\n"                                               \
  "  ldrb r6, [r7, r5]\n"                                    \
  "  adds r6, r6, #1\n"                                      \
  "2:\n"                                                     \
  "  lsrs r2, r6\n"                                          \
  "  lsrs r3, r6\n"                                          \
  "7:\n"                                                     \
  "  muls r2, r2, r2\n"                                      \
  "  muls r3, r3, r3\n"                                      \
  "  adds r2, r2, r3\n" tail                                 \
  "8:\n"                                                     \
  "  stmia r1!, {r2}\n"                                      \
  "  cmp r1, r8\n"                                           \
  "  bne 1b\n"                                               \
  "  b 10f\n"                                                \
  "3:\n"                                                     \
  "  ldrb r6, [r7, r6]\n"                                    \
  "  adds r6, r6, #9\n"                                      \
  "  b 2b\n"                                                 \
  "4:\n"                                                     \
  "  lsrs r5, r4, #8\n"                                      \
  "  beq 5f\n"                                               \
  "  ldrb r6, [r7, r5]\n"                                    \
  "  subs r6, r6, #7\n"                                      \
  "  bgt 2b\n"                                               \
  "  b 6f\n"                                                 \
  "5:\n"                                                     \
  "  ldrb r6, [r7, r4]\n"                                    \
  "  subs r6, r6, #15\n"                                     \
  "  cmp r4, #0\n" /* neither part: r2 is 0 as the bin is */ \
  "  beq 8b\n"                                               \
  "6:\n"                                                     \
  "  rsbs r5, r6, #0\n"                                      \
  "  lsls r2, r5\n"                                          \
  "  lsls r3, r5\n"                                          \
  "  b 7b\n"                                                 \
  "  .p2align 2\n"                                           \
  "  .ltorg\n"                                               \
  "9:\n"                                                     \
  "  .byte 0, 1\n"                                           \
  "  .fill 2, 1, 2\n"                                        \
  "  .fill 4, 1, 3\n"                                        \
  "  .fill 8, 1, 4\n"                                        \
  "  .fill 16, 1, 5\n"                                       \
  "  .fill 32, 1, 6\n"                                       \
  "  .fill 64, 1, 7\n"                                       \
  "  .fill 128, 1, 8\n"                                      \
  "10:\n" END(name)

/* clang-format off */
// Exponent 64 + r6 of the amplitude, 16 of the mantissa, r6 more for the square. 36 cycles a bin.
__asm__(BINS("rt_dsp_fft_powers",
    "  movs r3, #80\n"
    "  lsls r3, r3, #16\n"
    "  mov r9, r3\n"
    "  movs r3, #128\n"
    "  lsls r3, r3, #8\n"
    "  mov r10, r3\n",
    "  add r2, r10\n"
    "  lsrs r2, r2, #16\n"
    "  lsls r6, r6, #17\n"
    "  adds r2, r2, r6\n"
    "  add r2, r9\n"));

// The root by rt_dsp_sqrt_table, as rt_dsp_sqrt does it. 52 cycles a bin.
__asm__(BINS("rt_dsp_fft_magnitudes",
    "  movs r3, #64\n"
    "  lsls r3, r3, #16\n"
    "  mov r9, r3\n"
    "  ldr r3, =rt_dsp_sqrt_table - 64\n"
    "  mov r10, r3\n",
    "  lsrs r4, r2, #30\n"
    "  bne 11f\n"
    "  lsls r2, r2, #2\n"
    "  subs r6, r6, #1\n"
    "11:\n"
    "  lsrs r4, r2, #25\n"
    "  lsls r4, r4, #1\n"
    "  add r4, r10\n"
    "  ldrh r5, [r4]\n"
    "  ldrh r4, [r4, #2]\n"
    "  subs r4, r4, r5\n"
    "  lsls r2, r2, #7\n"
    "  lsrs r2, r2, #19\n"
    "  muls r2, r4, r2\n"
    "  lsrs r2, r2, #13\n"
    "  adds r2, r2, r5\n"
    "  lsls r6, r6, #16\n"
    "  adds r2, r2, r6\n"
    "  add r2, r9\n"));
/* clang-format on */

#endif
