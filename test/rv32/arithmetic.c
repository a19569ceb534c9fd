/* One instruction a function, for test/bench/rv32.test.ts; the compiler chooses none of them. */
#include <stdint.h>

#define BINARY(name)                                                       \
  int32_t rt_test_##name(int32_t a, int32_t b);                            \
  int32_t rt_test_##name(int32_t a, int32_t b) {                           \
    int32_t result;                                                        \
    __asm__ volatile(#name " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); \
    return result;                                                         \
  }

#define IMMEDIATE(name, value)                                          \
  int32_t rt_test_##name(int32_t a, int32_t b);                         \
  int32_t rt_test_##name(int32_t a, int32_t b) {                        \
    int32_t result;                                                     \
    (void)b;                                                            \
    __asm__ volatile(#name " %0, %1, " #value : "=r"(result) : "r"(a)); \
    return result;                                                      \
  }

#define BRANCH(name)                             \
  int32_t rt_test_##name(int32_t a, int32_t b);  \
  int32_t rt_test_##name(int32_t a, int32_t b) { \
    int32_t result;                              \
    __asm__ volatile("li %0, 1\n" #name          \
                     " %1, %2, 1f\n"             \
                     "li %0, 0\n"                \
                     "1:\n"                      \
                     : "=&r"(result)             \
                     : "r"(a), "r"(b));          \
    return result;                               \
  }

BINARY(add)
BINARY(sub)
BINARY(sll)
BINARY(slt)
BINARY(sltu)
BINARY(xor)
BINARY(srl)
BINARY(sra)
BINARY(or)
BINARY(and)
BINARY(mul)
BINARY(mulh)
BINARY(mulhsu)
BINARY(mulhu)
BINARY(div)
BINARY(divu)
BINARY(rem)
BINARY(remu)

IMMEDIATE(addi, -2048)
IMMEDIATE(slti, -5)
IMMEDIATE(sltiu, -5)
IMMEDIATE(xori, -1)
IMMEDIATE(ori, 0x555)
IMMEDIATE(andi, 0x7f0)
IMMEDIATE(slli, 31)
IMMEDIATE(srli, 7)
IMMEDIATE(srai, 7)

BRANCH(beq)
BRANCH(bne)
BRANCH(blt)
BRANCH(bge)
BRANCH(bltu)
BRANCH(bgeu)

/* Bytes and halves, signed and not, at an address; what is stored there comes back rotated. */
int32_t rt_test_memory(uint8_t *at, int32_t value);
int32_t rt_test_memory(uint8_t *at, int32_t value) {
  int32_t sum;
  __asm__ volatile(
      "sw %2, 0(%1)\n"
      "lb t0, 3(%1)\n"
      "lbu t1, 2(%1)\n"
      "lh t2, 0(%1)\n"
      "sh t2, 4(%1)\n"
      "lhu t3, 4(%1)\n"
      "sb t0, 7(%1)\n"
      "sb t1, 6(%1)\n"
      "lw t4, 4(%1)\n"
      "slli t0, t0, 1\n"
      "slli t1, t1, 3\n"
      "slli t2, t2, 5\n"
      "slli t3, t3, 7\n"
      "add %0, t0, t1\n"
      "add %0, %0, t2\n"
      "sub %0, %0, t3\n"
      "add %0, %0, t4\n"
      : "=&r"(sum)
      : "r"(at), "r"(value)
      : "t0", "t1", "t2", "t3", "t4", "memory");
  return sum;
}

/* Calls, the stack, a loop of compressed instructions: the sum of a[0..count). */
int32_t rt_test_sum(const int32_t *a, uint32_t count);
static __attribute__((noinline)) int32_t again(const int32_t *a, uint32_t count, int32_t sum) {
  volatile int32_t held = sum;
  return count == 0 ? held : again(a + 1, count - 1u, held + *a) + 0 * held;
}
int32_t rt_test_sum(const int32_t *a, uint32_t count) { return again(a, count, 0); }
