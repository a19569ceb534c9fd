/* From reset to main; what goes wrong in between. */
#include "hal/hal.h"
#include "hal/rv32virt/rv32virt.h"

extern uint32_t __bss_start[], __bss_end[], __stack_bottom[], __stack_top[];

/* Stack that was never used still holds this. */
#define STACK_PAINT 0x5ca1ab1eu

int main(void);
void rt_rv32virt_reset(void);
void rt_rv32virt_trap(void);
void rt_rv32virt_start(void);

__attribute__((naked, section(".reset"))) void rt_rv32virt_reset(void) {
  __asm__ volatile(
      ".option push\n"
      ".option arch, +zicsr\n"
      "la sp, __stack_top\n"
      "la t0, rt_rv32virt_trap\n"
      "csrw mtvec, t0\n"
      ".option pop\n"
      "j rt_rv32virt_start\n");
}

/* Nothing enables interrupts, so that this is a defect of ours: an instruction or an address. */
__attribute__((aligned(4))) void rt_rv32virt_trap(void) { rt_hal_halt(0xfeu); }

static void paint_stack(void) {
  uint32_t here;
  const volatile uint32_t *end = &here - 16;
  for (volatile uint32_t *word = __stack_bottom; word < end; word++) *word = STACK_PAINT;
}

uint32_t rt_hal_stack_used_bytes(void) {
  const uint32_t *word = __stack_bottom;
  while (word < __stack_top && *word == STACK_PAINT) word++;
  return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

void rt_rv32virt_start(void) {
  /* Volatile: or the compiler makes a call of memset of it. */
  for (volatile uint32_t *word = __bss_start; word < __bss_end; word++) *word = 0;
  paint_stack();
  rt_rv32virt_exit((uint32_t)main());
}
