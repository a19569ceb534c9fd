#include "backward_emit.h"

#include "fixed.h"
#include "hot.h"
#include "simd.h"

/* ---- the gate ---- */

#if defined(__ARM_ARCH_6M__)
/* sums[i] = 0 where x[i] - lowest, unsigned, is span or more; 4 * fours of them, not 0. */
void rt_emit_gate_fours(int32_t *sums, uint32_t fours, const int8_t *x, int32_t lowest,
                        uint32_t span);

/*
 * r0 sums, r1 end of sums, r2 x, r3 lowest, r4 value, r5 span, r6 number of the value, r7 zero. 8
 * or 9 cycles a value.
 */
__asm__(RT_HOT_SECTION("rt_emit_gate_fours")
        "  .global rt_emit_gate_fours\n"
        "  .type rt_emit_gate_fours, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_emit_gate_fours:\n"
        "  push {r4-r7, lr}\n"
        "  ldr r5, [sp, #20]\n"
        "  lsls r1, r1, #4\n"
        "  adds r1, r1, r0\n"
        "  movs r7, #0\n"
        "  movs r6, #0\n"
        "1:\n"
        "  .irp at, 0, 4, 8, 12\n"
        "  ldrsb r4, [r2, r6]\n"
        "  subs r4, r4, r3\n"
        "  adds r6, #1\n"
        "  cmp r4, r5\n"
        "  blo .Lemit_passes\\at\n"
        "  str r7, [r0, #\\at]\n"
        ".Lemit_passes\\at:\n"
        "  .endr\n"
        "  adds r0, #16\n"
        "  cmp r0, r1\n"
        "  bne 1b\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_emit_gate_fours, . - rt_emit_gate_fours\n"
        "  .text\n");
#endif

static inline void gate_values(int32_t *sums, uint32_t count, const int8_t *x,
                               const rt_emit_gate_t *gate) {
  const int32_t lowest = gate->low + 1;
  const uint32_t span = gate->span - 1u;
  uint32_t i = 0;
#if defined(__ARM_ARCH_6M__)
  i = count & ~3u;
  if (i != 0) rt_emit_gate_fours(sums, i >> 2, x, lowest, span);
#endif
  for (; i < count; i++) {
    if ((uint32_t)(x[i] - lowest) >= span) sums[i] = 0;
  }
}

RT_HOT void rt_emit_gate(int32_t *sums, uint32_t count, uint32_t first,
                         const rt_emit_gate_t *gate) {
  if (gate->bits) {
    for (uint32_t i = 0, at = first; i < count; i++, at++) {
      if (((gate->bits[at >> 3] >> (at & 7u)) & 1u) == 0) sums[i] = 0;
    }
  } else if (gate->x) {
    gate_values(sums, count, gate->x + first, gate);
  }
}

/* Bytes of a word by the four bits of its number. */
static const uint32_t masks[16] = {
    0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
    0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff};

RT_HOT void rt_emit_mask(const uint8_t *bits, uint32_t count, int8_t *signal) {
  uint32_t table[16]; /* not in flash */
  for (uint32_t i = 0; i < 16; i++) table[i] = masks[i];
  uint32_t *words = (uint32_t *)(void *)signal;
  for (const uint8_t *end = bits + (count >> 3); bits != end; words += 2) {
    const uint32_t byte = *bits++;
    words[0] &= table[byte & 15u];
    words[1] &= table[byte >> 4];
  }
  signal = (int8_t *)(void *)words;
  for (uint32_t i = 0; i < (count & 7u); i++) {
    if (((*bits >> i) & 1u) == 0) signal[i] = 0;
  }
}

/* ---- rounding ---- */

RT_HOT uint32_t rt_emit_round_portable(const int32_t *sums, uint32_t count, int8_t *signal,
                                       uint32_t stride, uint32_t narrow, uint32_t *random) {
  uint32_t magnitude = 0, noise = 0;
  for (uint32_t n = 0; n < count; n++, signal += stride) {
    const int32_t sum = sums[n];
    if ((n & 3u) == 0) noise = rt_fixed_random(random);
    const uint32_t u = noise << (24u - 8u * (n & 3u));
    magnitude |= (uint32_t)(sum ^ (sum >> 31));
    int32_t value = narrow == 0 ? sum : (sum + (int32_t)(u >> (32u - narrow))) >> narrow;
    if (value > 127) value = 127;
    if (value < -128) value = -128;
    *signal = (int8_t)value;
  }
  return magnitude;
}

#if defined(__ARM_ARCH_6M__)
/* count a multiple of 4, not 0. */
uint32_t rt_emit_round_fours(const int32_t *sums, uint32_t count, int8_t *signal, uint32_t stride,
                             uint32_t narrow, uint32_t *random);

/*
 * r0 sums, r1 sum, r2 random word, r3 temporary, r4 narrow, r5 32 - narrow, r6 magnitudes, r7
 * signal; r8 stride, r9 end of the sums, r10 state of the generator. 20 cycles a value, 11 a 0.
 */
__asm__(RT_HOT_SECTION("rt_emit_round_fours")
        "  .global rt_emit_round_fours\n"
        "  .type rt_emit_round_fours, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_emit_round_fours:\n"
        "  push {r4-r7, lr}\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r4, r8\n"
        "  push {r4-r6}\n"
        "  mov r8, r3\n"
        "  lsls r1, r1, #2\n"
        "  adds r1, r1, r0\n"
        "  mov r9, r1\n"
        "  mov r7, r2\n"
        "  ldr r4, [sp, #32]\n" /* narrow */
        "  movs r5, #32\n"
        "  subs r5, r5, r4\n"
        "  ldr r1, [sp, #36]\n" /* random */
        "  ldr r1, [r1]\n"
        "  mov r10, r1\n"
        "  movs r6, #0\n"
        "1:\n"
        "  mov r2, r10\n"
        "  lsls r3, r2, #13\n"
        "  eors r2, r3\n"
        "  lsrs r3, r2, #17\n"
        "  eors r2, r3\n"
        "  lsls r3, r2, #5\n"
        "  eors r2, r3\n"
        "  mov r10, r2\n"
        "  .irp left, 24, 16, 8, 0\n"
        "  ldm r0!, {r1}\n"
        "  cmp r1, #0\n"
        "  beq .Lemit_store\\left\n"
        "  asrs r3, r1, #31\n"
        "  eors r3, r1\n"
        "  orrs r6, r3\n"
        "  .if \\left\n"
        "  lsls r3, r2, #\\left\n"
        "  .else\n"
        "  mov r3, r2\n"
        "  .endif\n"
        "  lsrs r3, r5\n"
        "  adds r1, r1, r3\n"
        "  asrs r1, r4\n"
        "  sxtb r3, r1\n"
        "  cmp r3, r1\n"
        "  bne .Lemit_saturate\\left\n"
        ".Lemit_store\\left:\n"
        "  strb r1, [r7]\n"
        "  add r7, r8\n"
        "  .endr\n"
        "  cmp r0, r9\n"
        "  bne 1b\n"
        "  ldr r1, [sp, #36]\n"
        "  mov r2, r10\n"
        "  str r2, [r1]\n"
        "  mov r0, r6\n"
        "  pop {r4-r6}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  pop {r4-r7, pc}\n"
        "  .irp left, 24, 16, 8, 0\n"
        ".Lemit_saturate\\left:\n"
        "  asrs r1, r1, #31\n"
        "  movs r3, #127\n"
        "  eors r1, r3\n"
        "  b .Lemit_store\\left\n"
        "  .endr\n"
        "  .size rt_emit_round_fours, . - rt_emit_round_fours\n"
        "  .text\n");

RT_HOT uint32_t rt_emit_round(const int32_t *sums, uint32_t count, int8_t *signal, uint32_t stride,
                              uint32_t narrow, uint32_t *random) {
  const uint32_t fours = count & ~3u;
  uint32_t magnitude = 0;
  if (fours != 0) {
    magnitude = rt_emit_round_fours(sums, fours, signal, stride, narrow, random);
  }
  return magnitude | rt_emit_round_portable(sums + fours, count - fours, signal + fours * stride,
                                            stride, narrow, random);
}
#elif !RT_SIMD /* backward_simd.c */
uint32_t rt_emit_round(const int32_t *sums, uint32_t count, int8_t *signal, uint32_t stride,
                       uint32_t narrow, uint32_t *random) {
  return rt_emit_round_portable(sums, count, signal, stride, narrow, random);
}
#endif
