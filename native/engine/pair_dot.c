#include "pair_dot.h"

#include "hot.h"

static inline uint32_t pair(int8_t first, int8_t second) {
  return (uint32_t)first + ((uint32_t)second << 16);
}

static inline int32_t upper(uint32_t product) { return (int32_t)(product + 0x8000u) >> 16; }

static void block(const uint32_t *packed, const int8_t *x, uint32_t quads, const int32_t *start,
                  int32_t *acc) {
  uint32_t sums[4] = {(uint32_t)start[0], (uint32_t)start[1], (uint32_t)start[2],
                      (uint32_t)start[3]};
  for (; quads > 0; quads--, x += 4, packed += 8) {
    const uint32_t even = pair(x[0], x[2]);
    const uint32_t odd = pair(x[1], x[3]);
    for (uint32_t r = 0; r < 4; r++) {
      sums[r] += (uint32_t)upper(packed[r] * even) + (uint32_t)upper(packed[4 + r] * odd);
    }
  }
  for (uint32_t r = 0; r < 4; r++) acc[r] = (int32_t)sums[r];
}

void rt_pair_run_portable(const rt_pair_job_t *jobs, uint32_t count, const int8_t *x,
                          uint32_t quads) {
  for (; count > 0; count--, jobs++) {
    const uint32_t *packed = jobs->packed;
    for (uint32_t r = 0; r < 4u * jobs->blocks; r += 4, packed += 8u * quads) {
      block(packed, x, quads, jobs->start + r, jobs->acc + r);
    }
  }
}

#if defined(__ARM_ARCH_6M__)
/*
 * r0-r3 accumulators, r4 packed words, r5 the activation word, r6 and r7 weight words; r8 start,
 * r9 acc, r10 end of acc, r11 where to enter the unrolled part, r12 the next job, lr the end of the
 * jobs. The activation words lie on the stack, where one instruction loads each without a pointer:
 * the last of them in the highest of the 32 words of the frame, so that a shorter piece enters
 * later. 20 cycles for 8 products.
 */
__asm__(RT_HOT_SECTION("rt_pair_run")
        "  .global rt_pair_run\n"
        "  .type rt_pair_run, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_pair_run:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  mov r12, r0\n"
        "  lsls r1, r1, #4\n"
        "  adds r1, r1, r0\n"
        "  mov lr, r1\n"
        "  sub sp, #128\n"
        /* Enter 2 * quads steps of 30 bytes before the end: 60 = 64 - 4. */
        "  lsls r4, r3, #6\n"
        "  lsls r3, r3, #2\n"
        "  subs r4, r4, r3\n"
        "  ldr r0, 3f\n"
        "  subs r0, r0, r4\n"
        "  mov r11, r0\n"
        /* Expand: words 8 * quads bytes below the end of the frame. */
        "  lsls r4, r3, #1\n"
        "  adds r3, r3, r2\n"
        "  mov r10, r3\n" /* end of x */
        "  add r7, sp, #128\n"
        "  subs r7, r7, r4\n"
        "  mov r1, r2\n"
        "  movs r3, #0x80\n"
        "  lsls r2, r3, #16\n"
        "  orrs r3, r2\n" /* 0x00800080 */
        "  lsls r0, r3, #8\n"
        "  orrs r0, r3\n" /* 0x80808080 */
        "  lsls r2, r3, #1\n"
        "  lsrs r4, r3, #7\n"
        "  subs r2, r2, r4\n" /* 0x00ff00ff */
        "0:\n"
        "  ldm r1!, {r5}\n"
        "  eors r5, r0\n"
        "  lsrs r6, r5, #8\n"
        "  ands r5, r2\n"
        "  subs r5, r5, r3\n"
        "  ands r6, r2\n"
        "  subs r6, r6, r3\n"
        "  stm r7!, {r5, r6}\n"
        "  cmp r1, r10\n"
        "  bne 0b\n"
        "  b 5f\n"
        "  .p2align 2\n"
        "3:\n"
        "  .word 2f + 1\n"
        "  .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
        "30,31\n"
        "  ldr r5, [sp, #4 * \\k]\n"
        "  ldm r4!, {r6, r7}\n"
        "  muls r6, r5, r6\n"
        "  asrs r6, r6, #16\n"
        "  adcs r0, r6\n"
        "  muls r7, r5, r7\n"
        "  asrs r7, r7, #16\n"
        "  adcs r1, r7\n"
        "  ldm r4!, {r6, r7}\n"
        "  muls r6, r5, r6\n"
        "  asrs r6, r6, #16\n"
        "  adcs r2, r6\n"
        "  muls r7, r5, r7\n"
        "  asrs r7, r7, #16\n"
        "  adcs r3, r7\n"
        "  .endr\n"
        "2:\n"
        "  mov r6, r9\n"
        "  stm r6!, {r0-r3}\n"
        "  mov r9, r6\n"
        "  cmp r6, r10\n"
        "  beq 4f\n"
        "1:\n"
        "  mov r6, r8\n"
        "  ldm r6!, {r0-r3}\n"
        "  mov r8, r6\n"
        "  bx r11\n"
        "4:\n"
        "  mov r6, r12\n"
        "  cmp r6, lr\n"
        "  beq 6f\n"
        "5:\n"
        "  mov r6, r12\n"
        "  ldm r6!, {r0-r3}\n"
        "  mov r12, r6\n"
        "  mov r4, r0\n"
        "  mov r8, r1\n"
        "  mov r9, r2\n"
        "  lsls r3, r3, #4\n"
        "  adds r3, r3, r2\n"
        "  mov r10, r3\n"
        "  b 1b\n"
        "6:\n"
        "  add sp, #128\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_pair_run, . - rt_pair_run\n"
        "  .text\n");
#elif !defined(__riscv) /* pair_rv32.c */
void rt_pair_run(const rt_pair_job_t *jobs, uint32_t count, const int8_t *x, uint32_t quads) {
  rt_pair_run_portable(jobs, count, x, quads);
}
#endif

RT_HOT void rt_pair_dot(const uint32_t *packed, const int8_t *x, uint32_t quads,
                        const int32_t *start, int32_t *acc, uint32_t blocks) {
  const rt_pair_job_t job = {packed, start, acc, blocks};
  rt_pair_run(&job, 1, x, quads);
}
