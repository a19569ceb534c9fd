/*
 * Calls functions of the image as a list in memory says, on QEMU's riscv32 `virt` machine, and
 * prints their results and how many instructions they took (minstret), then the memory asked for.
 * The counterpart of bench/rv32/machine.ts.
 */
#include <stdint.h>

#define CALLS ((const calls_t *)0x80700000u)
#define UART_DATA (*(volatile uint8_t *)0x10000000u)
#define UART_STATUS (*(volatile uint8_t *)0x10000005u)
#define UART_CAN_TAKE 0x20u
#define UART_HAS_SENT 0x40u
#define TEST_EXIT (*(volatile uint32_t *)0x00100000u)
#define TEST_PASS 0x5555u
#define TEST_FAIL 0x3333u

typedef struct {
  uint32_t function;
  uint32_t arguments[8];
} call_t;

typedef struct {
  uint32_t count;
  const uint8_t *memory; /* what to print in the end */
  uint32_t memory_bytes;
  call_t calls[];
} calls_t;

void rt_calls_reset(void);
void rt_calls_trap(void);
void rt_calls_main(void);
uint64_t rt_calls_count(const call_t *call);

__attribute__((naked, section(".reset"))) void rt_calls_reset(void) {
  __asm__ volatile(
      ".option push\n"
      ".option arch, +zicsr\n"
      "li sp, 0x803ffff0\n"
      "la t0, rt_calls_trap\n"
      "csrw mtvec, t0\n"
      ".option pop\n"
      "j rt_calls_main\n");
}

__attribute__((aligned(4))) void rt_calls_trap(void) {
  TEST_EXIT = 1u << 16 | TEST_FAIL;
  for (;;) {
  }
}

/* a0: what the function returns, a1: its instructions, without the jump to it and the reading of
 * the counter: what the counter says before the first csrr is what it will say, two less, after. */
__attribute__((naked)) uint64_t rt_calls_count(const call_t *call) {
  __asm__ volatile(
      ".option push\n"
      ".option arch, +zicsr\n"
      "addi sp, sp, -16\n"
      "sw ra, 0(sp)\n"
      "sw s0, 4(sp)\n"
      "mv t1, a0\n"
      "lw t0, 0(t1)\n"
      "lw a0, 4(t1)\n"
      "lw a1, 8(t1)\n"
      "lw a2, 12(t1)\n"
      "lw a3, 16(t1)\n"
      "lw a4, 20(t1)\n"
      "lw a5, 24(t1)\n"
      "lw a6, 28(t1)\n"
      "lw a7, 32(t1)\n"
      "csrr s0, minstret\n"
      "jalr t0\n"
      "csrr a1, minstret\n"
      "sub a1, a1, s0\n"
      "addi a1, a1, -2\n"
      "lw s0, 4(sp)\n"
      "lw ra, 0(sp)\n"
      "addi sp, sp, 16\n"
      "ret\n"
      ".option pop\n");
}

static void put(char c) {
  while (!(UART_STATUS & UART_CAN_TAKE)) {
  }
  UART_DATA = (uint8_t)c;
}

static void put_hex(uint32_t value, uint32_t digits) {
  while (digits-- > 0) put("0123456789abcdef"[(value >> (4u * digits)) & 15u]);
}

void rt_calls_main(void) {
  for (uint32_t i = 0; i < CALLS->count; i++) {
    const uint64_t counted = rt_calls_count(&CALLS->calls[i]);
    put_hex((uint32_t)counted, 8);
    put(' ');
    put_hex((uint32_t)(counted >> 32), 8);
    put('\n');
  }
  for (uint32_t i = 0; i < CALLS->memory_bytes; i++) put_hex(CALLS->memory[i], 2);
  put('\n');
  while (!(UART_STATUS & UART_HAS_SENT)) {
  }
  TEST_EXIT = TEST_PASS;
  for (;;) {
  }
}
