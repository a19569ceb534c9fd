#include "train_update.h"

#include "hot.h"
#include "settle.h"

RT_HOT uint32_t rt_update_outer_portable(int8_t *q, uint8_t *low, const int32_t *x, uint32_t count,
                                         int32_t factor, uint32_t phase) {
  int32_t sum = (int32_t)phase;
  for (uint32_t i = 0; i < count; i++) {
    sum = (sum & 0xffff) + factor * x[i];
    int32_t m = q[i] * 256 + low[i] - (sum >> 16);
    low[i] = (uint8_t)(m & 255);
    q[i] = (int8_t)(m >> 8);
  }
  return (uint32_t)sum & 0xffffu;
}

void rt_update_products_portable(const int32_t *factors, uint32_t rows, const int32_t *x,
                                 uint32_t columns, uint32_t right, int32_t *out) {
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t i = 0; i < columns; i++) *out++ = (factors[r] * x[i]) >> right;
  }
}

RT_HOT uint32_t rt_update_decay(int8_t *q, uint8_t *low, uint32_t count, int32_t share,
                                uint32_t phase) {
  int32_t sum = (int32_t)phase;
  for (uint32_t i = 0; i < count; i++) {
    int32_t m = q[i] * 256 + low[i];
    sum = (sum & 0xffff) + share * (m - RT_UPDATE_ZERO);
    m -= sum >> 16;
    low[i] = (uint8_t)(m & 255);
    q[i] = (int8_t)(m >> 8);
  }
  return (uint32_t)sum & 0xffffu;
}

RT_HOT uint32_t rt_update_momentum(int8_t *q, uint8_t *low, int16_t *v, const int16_t *g,
                                   uint32_t count, const rt_update_momentum_t *factors,
                                   uint32_t phases[2]) {
  const rt_update_momentum_t f = *factors;
  int32_t sum = (int32_t)phases[0];
  int32_t move = (int32_t)phases[1];
  int32_t bits = 0;
  for (uint32_t i = 0; i < count; i++) {
    int32_t m = q[i] * 256 + low[i] - RT_UPDATE_ZERO;
    sum = (sum & 0xffff) + f.keep * v[i] + f.take * g[i] + f.shrink * m;
    int32_t velocity = sum >> 16;
    v[i] = (int16_t)velocity;
    bits |= velocity ^ (velocity >> 31);
    move = (move & 0xffff) + f.step * velocity;
    m += RT_UPDATE_ZERO - (move >> 16);
    low[i] = (uint8_t)(m & 255);
    q[i] = (int8_t)(m >> 8);
  }
  phases[0] = (uint32_t)sum & 0xffffu;
  phases[1] = (uint32_t)move & 0xffffu;
  return (uint32_t)bits;
}

RT_HOT uint32_t rt_update_gradient(int16_t *g, const int32_t *x, uint32_t count, int32_t factor,
                                   uint32_t shift, uint32_t phase, uint32_t *bits) {
  const int32_t mask = (1 << shift) - 1;
  int32_t sum = (int32_t)phase;
  int32_t seen = (int32_t)*bits;
  for (uint32_t i = 0; i < count; i++) {
    sum = (sum & mask) + factor * x[i];
    int32_t value = g[i] + (sum >> shift);
    g[i] = (int16_t)value;
    seen |= value ^ (value >> 31);
  }
  *bits = (uint32_t)seen;
  return (uint32_t)(sum & mask);
}

#if defined(__ARM_ARCH_6M__)
/*
 * r0 q, r1 low, r2 x, r4 factor, r5 the diffused sum; r3, r6, r7 free; r8 where eights of x end, r9
 * how many parameters are left behind them. A step of 0 leaves the sum below 2^16 and all as it is;
 * most others leave q as it is: what goes past the low byte is added to it out of line. 6.5 cycles
 * a parameter for a step of 0, else 13.5, 8 more where q changes.
 */
#define ONE(k, x)       \
  "  muls " x           \
  ", r4\n"              \
  "  adds r5, r5, " x   \
  "\n"                  \
  "  asrs " x           \
  ", r5, #16\n"         \
  "  beq 1" k           \
  "f\n"                 \
  "  uxth r5, r5\n"     \
  "  ldrb r6, [r1, #" k \
  "]\n"                 \
  "  subs r6, r6, " x   \
  "\n"                  \
  "  strb r6, [r1, #" k \
  "]\n"                 \
  "  asrs r6, r6, #8\n" \
  "  bne 2" k           \
  "f\n"                 \
  "1" k ":\n"

#define CARRY(k, x)        \
  "2" k                    \
  ":\n"                    \
  "  ldrb " x ", [r0, #" k \
  "]\n"                    \
  "  adds r6, r6, " x      \
  "\n"                     \
  "  strb r6, [r0, #" k    \
  "]\n"                    \
  "  b 1" k "b\n"

__asm__(RT_HOT_SECTION("rt_update_outer")
        "  .global rt_update_outer\n"
        "  .type rt_update_outer, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_update_outer:\n"
        "  push {r4-r7, lr}\n"
        "  mov r6, r8\n"
        "  mov r7, r9\n"
        "  push {r6, r7}\n"
        "  ldr r4, [sp, #28]\n" /* factor */
        "  ldr r5, [sp, #32]\n" /* phase */
        "  movs r6, #7\n"
        "  ands r6, r3\n"
        "  mov r9, r6\n"
        "  subs r3, r3, r6\n"
        "  lsls r3, r3, #2\n"
        "  adds r3, r3, r2\n"
        "  mov r8, r3\n"
        "  b 2f\n"
        "  .p2align 2\n"
        "1:\n"
        "  ldmia r2!, {r3, r7}\n" ONE("0", "r3") ONE("1", "r7")
        "  ldmia r2!, {r3, r7}\n" ONE("2", "r3") ONE("3", "r7")
        "  ldmia r2!, {r3, r7}\n" ONE("4", "r3") ONE("5", "r7")
        "  ldmia r2!, {r3, r7}\n" ONE("6", "r3") ONE("7", "r7")
        "  adds r0, #8\n"
        "  adds r1, #8\n"
        "2:\n"
        "  cmp r2, r8\n"
        "  bne 1b\n"
        "  mov r7, r9\n"
        "  lsls r7, r7, #2\n"
        "  beq 4f\n"
        "  adds r7, r7, r2\n"
        "  mov r8, r7\n"
        "  b 3f\n" /* clang-format off */
        CARRY("0", "r3") CARRY("1", "r7") CARRY("2", "r3") CARRY("3", "r7")
        CARRY("4", "r3") CARRY("5", "r7") CARRY("6", "r3") CARRY("7", "r7") /* clang-format on */
        "3:\n"
        "  ldmia r2!, {r3}\n" ONE("0", "r3")
        "  adds r0, #1\n"
        "  adds r1, #1\n"
        "  cmp r2, r8\n"
        "  bne 3b\n"
        "4:\n"
        "  mov r0, r5\n"
        "  pop {r2, r3}\n"
        "  mov r8, r2\n"
        "  mov r9, r3\n"
        "  pop {r4-r7, pc}\n" /* clang-format off */
        CARRY("0", "r3") /* clang-format on */
        "  .size rt_update_outer, . - rt_update_outer\n"
        "  .text\n");

/* r0 factors, r9 their end; r2 x from r8 to r3, r4 the factor, r1 and r5 two values, r6 right, r7
 * out; r10 not 0: columns are odd, and the first goes alone. 6.5 cycles a product. */
__asm__(RT_HOT_SECTION("rt_update_products")
        "  .global rt_update_products\n"
        "  .type rt_update_products, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_update_products:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  push {r4-r6}\n"
        "  lsls r1, r1, #2\n"
        "  adds r1, r1, r0\n"
        "  mov r9, r1\n"
        "  mov r8, r2\n"
        "  lsls r3, r3, #2\n"
        "  movs r4, #4\n"
        "  ands r4, r3\n"
        "  mov r10, r4\n"
        "  adds r3, r3, r2\n"
        "  ldr r6, [sp, #32]\n"
        "  ldr r7, [sp, #36]\n"
        "1:\n"
        "  ldmia r0!, {r4}\n"
        "  mov r2, r8\n"
        "  mov r1, r10\n"
        "  cmp r1, #0\n"
        "  beq 2f\n"
        "  ldmia r2!, {r5}\n"
        "  muls r5, r4\n"
        "  asrs r5, r6\n"
        "  stmia r7!, {r5}\n"
        "  cmp r2, r3\n"
        "  beq 3f\n"
        "2:\n"
        "  ldmia r2!, {r1, r5}\n"
        "  muls r1, r4\n"
        "  muls r5, r4\n"
        "  asrs r1, r6\n"
        "  asrs r5, r6\n"
        "  stmia r7!, {r1, r5}\n"
        "  cmp r2, r3\n"
        "  bne 2b\n"
        "3:\n"
        "  cmp r0, r9\n"
        "  bne 1b\n"
        "  pop {r4-r6}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_update_products, . - rt_update_products\n"
        "  .text\n");
#else
void rt_update_products(const int32_t *factors, uint32_t rows, const int32_t *x, uint32_t columns,
                        uint32_t right, int32_t *out) {
  rt_update_products_portable(factors, rows, x, columns, right, out);
}

uint32_t rt_update_outer(int8_t *q, uint8_t *low, const int32_t *x, uint32_t count, int32_t factor,
                         uint32_t phase) {
  return rt_update_outer_portable(q, low, x, count, factor, phase);
}
#endif
