#include "quick.h"

#include "hot.h"

void rt_quick_pixel_portable(const int32_t *channels, const int32_t *acc, int8_t *y, int32_t count,
                             const rt_quick_t *quick) {
  for (int32_t i = 0; i < count; i++, channels += RT_QUICK_CHANNEL) {
    y[i] = rt_quick_output(acc[i], channels, quick, quick->multiplier[i], quick->shift[i]);
  }
}

#if defined(__ARM_ARCH_6M__)

RT_HOT int32_t rt_quick_decide(const rt_quick_t *quick, const int32_t *acc) {
  const uint32_t i = (uint32_t)(acc - quick->acc);
  return rt_output(*acc, quick->multiplier[i], quick->shift[i], quick->zero_point, quick->low,
                   quick->high);
}

/*
 * r0 channels, r1 acc, r2 y, r3-r6 the channel's words, r7 the accumulator; r8 low, r9 high, r10
 * the bound, r11 the end of y, r12 quick. Four outputs a round; other counts enter in its middle.
 * 21 cycles an output, 15 at activation_min.
 */
#define OUTPUT(n)                       \
  "10" n                                \
  ":\n"                                 \
  "  ldmia r0!, {r3-r6}\n"              \
  "  ldmia r1!, {r7}\n"                 \
  "  subs r7, r7, r3\n"                 \
  "  mov r3, r8\n"                      \
  "  blt 11" n                          \
  "f\n" /* of the difference, signed */ \
  "  cmp r7, r4\n"                      \
  "  bhi 12" n                          \
  "f\n"                                 \
  "  muls r5, r7, r5\n"                 \
  "  adds r5, r5, r6\n"                 \
  "  lsls r4, r5, #8\n"                 \
  "  cmp r4, r10\n"                     \
  "  bhs 13" n                          \
  "f\n"                                 \
  "  asrs r3, r5, #24\n"                \
  "11" n                                \
  ":\n"                                 \
  "  strb r3, [r2, #" n "]\n"

#define ELSEWHERE(n) \
  "12" n             \
  ":\n"              \
  "  mov r3, r9\n"   \
  "  b 11" n         \
  "b\n"              \
  "13" n             \
  ":\n"              \
  "  bl 14f\n"       \
  "  b 11" n "b\n"

__asm__(RT_HOT_SECTION("rt_quick_pixel")
        "  .global rt_quick_pixel\n"
        "  .type rt_quick_pixel, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_quick_pixel:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  ldr r7, [sp, #36]\n" /* quick */
        "  mov r12, r7\n"
        "  ldmia r7!, {r4-r6}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  adds r4, r2, r3\n"
        "  mov r11, r4\n"
        "  movs r4, #3\n"
        "  ands r3, r4\n"
        "  beq 100f\n"
        "  subs r4, r3, #4\n"
        "  adds r2, r2, r4\n" /* as if the outputs before had been written */
        "  cmp r3, #2\n"
        "  bhi 101f\n"
        "  beq 102f\n"
        "  b 103f\n" /* clang-format off */
        OUTPUT("0") OUTPUT("1") OUTPUT("2") OUTPUT("3") /* clang-format on */
        "  adds r2, r2, #4\n"
        "  cmp r2, r11\n"
        "  bne 100b\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n" /* clang-format off */
        ELSEWHERE("0") ELSEWHERE("1") ELSEWHERE("2") ELSEWHERE("3") /* clang-format on */
        "14:\n"
        "  push {r0-r2, lr}\n"
        "  mov r0, r12\n"
        "  push {r0, r1}\n" /* the second for the stack's alignment */
        "  subs r1, r1, #4\n"
        "  bl rt_quick_decide\n"
        "  mov r3, r0\n"
        "  pop {r0, r1}\n"
        "  mov r12, r0\n"
        "  pop {r0-r2, pc}\n"
        "  .size rt_quick_pixel, . - rt_quick_pixel\n"
        "  .text\n");

#else

void rt_quick_pixel(const int32_t *channels, const int32_t *acc, int8_t *y, int32_t count,
                    const rt_quick_t *quick) {
  rt_quick_pixel_portable(channels, acc, y, count, quick);
}

#endif
