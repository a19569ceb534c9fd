/*
 * Vector table, and the way from reset to main.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

extern uint32_t __data_start[], __data_end[], __bss_start[], __bss_end[];
extern const uint32_t __data_source[];
extern uint32_t __stack_bottom[], __stack_top[];

/* Stack that was never used still holds this. */
#define STACK_PAINT 0x5ca1ab1eu

int main(void);

static void unexpected(void) { rt_hal_halt(0x1bad0001u); }

/* The order is the chip's: stack, 15 exceptions, 26 interrupts. */
static const union {
  uint32_t *stack;
  void (*handler)(void);
} vectors[16 + 26] __attribute__((used, section(".vectors"))) = {
    [0] = {.stack = __stack_top},
    [1] = {.handler = rt_rp2040_reset},
    [2] = {.handler = unexpected},
    [3] = {.handler = rt_rp2040_hard_fault},
    [4 ... 15] = {.handler = unexpected},
    [16 + IRQ_TIMER_0] = {.handler = rt_rp2040_timer_interrupt},
    [16 + 1 ... 16 + 4] = {.handler = unexpected},
    [16 + IRQ_USBCTRL] = {.handler = rt_rp2040_usb_interrupt},
    [16 + 6 ... 16 + 12] = {.handler = unexpected},
    [16 + IRQ_IO_BANK0] = {.handler = rt_rp2040_pins_interrupt},
    [16 + 14 ... 16 + 19] = {.handler = unexpected},
    [16 + IRQ_UART0] = {.handler = rt_rp2040_uart_interrupt},
    [16 + IRQ_UART0 + 1] = {.handler = rt_rp2040_uart_interrupt},
    [16 + 22 ... 16 + 25] = {.handler = unexpected},
};

static void paint_stack(void) {
  uint32_t here;
  __asm__ volatile("mov %0, sp" : "=r"(here));
  /* Below what this function itself may use. */
  const volatile uint32_t *end = (const volatile uint32_t *)(here - 64u);
  for (volatile uint32_t *word = __stack_bottom; word < end; word++) *word = STACK_PAINT;
}

uint32_t rt_hal_stack_used_bytes(void) {
  const uint32_t *word = __stack_bottom;
  while (word < __stack_top && *word == STACK_PAINT) word++;
  return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

_Noreturn void rt_rp2040_reset(void) {
  /* Volatile: or the compiler makes calls of memcpy and memset of them. */
  const volatile uint32_t *source = __data_source;
  for (volatile uint32_t *word = __data_start; word < __data_end; word++) *word = *source++;
  for (volatile uint32_t *word = __bss_start; word < __bss_end; word++) *word = 0;
  paint_stack();
  main();
  rt_hal_reset();
}
