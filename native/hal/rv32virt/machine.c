/* The HAL on QEMU's riscv32 `virt` machine. */
#include <string.h>

#include "hal/hal.h"
#include "hal/rv32virt/rv32virt.h"

/* Devices, as QEMU's documentation of the machine has them. */
#define TEST_EXIT (*(volatile uint32_t *)0x00100000u)
#define TIMER_COMPARE_LOW (*(volatile uint32_t *)0x02004000u)
#define TIMER_COMPARE_HIGH (*(volatile uint32_t *)0x02004004u)
#define TIMER_LOW (*(volatile uint32_t *)0x0200bff8u)
#define TIMER_HIGH (*(volatile uint32_t *)0x0200bffcu)
#define INTERRUPT_PRIORITY ((volatile uint32_t *)0x0c000000u)
#define INTERRUPT_ENABLE (*(volatile uint32_t *)0x0c002000u)
#define INTERRUPT_CLAIM (*(volatile uint32_t *)0x0c200004u)
#define UART_DATA (*(volatile uint8_t *)0x10000000u)
#define UART_INTERRUPT_ENABLE (*(volatile uint8_t *)0x10000001u)
#define UART_FIFO_CONTROL (*(volatile uint8_t *)0x10000002u)
#define UART_STATUS (*(volatile uint8_t *)0x10000005u)

#define TIMER_TICKS_PER_US 10u
#define UART_HAS_DATA 0x01u
#define UART_CAN_TAKE 0x20u
#define UART_HAS_SENT 0x40u
#define TEST_PASS 0x5555u
#define TEST_FAIL 0x3333u
#define UART_INTERRUPT 10u
#define TIMER_WAKES 0x80u
#define DEVICES_WAKE 0x800u

static struct {
  uint8_t flash[RT_RV32VIRT_FLASH_BYTES];
  uint32_t random;
} machine;

/* ---- Life ---- */

void rt_rv32virt_put(char c) {
  while (!(UART_STATUS & UART_CAN_TAKE)) {
  }
  UART_DATA = (uint8_t)c;
}

_Noreturn void rt_rv32virt_exit(uint32_t code) {
  while (!(UART_STATUS & UART_HAS_SENT)) {
  }
  TEST_EXIT = code == 0 ? TEST_PASS : (code & 0xffu) << 16 | TEST_FAIL;
  for (;;) {
  }
}

void rt_hal_init(void) {
  UART_FIFO_CONTROL = 1;
  UART_INTERRUPT_ENABLE = UART_HAS_DATA;
  INTERRUPT_PRIORITY[UART_INTERRUPT] = 1;
  INTERRUPT_ENABLE = 1u << UART_INTERRUPT;
  memset(machine.flash, 0xff, sizeof machine.flash);
}

rt_hal_reset_cause_t rt_hal_reset_cause(void) { return RT_HAL_RESET_POWER_ON; }
_Noreturn void rt_hal_reset(void) { rt_rv32virt_exit(0xfdu); }
_Noreturn void rt_hal_halt(uint32_t code) { rt_rv32virt_exit(code == 0 ? 0xffu : code); }
void rt_hal_watchdog(uint32_t milliseconds) { (void)milliseconds; }
uint64_t rt_hal_device_id(void) { return 0x9f9148ee0ea3461du; }

/* mulberry32 (public domain). */
uint32_t rt_hal_random(void) {
  machine.random += 0x6d2b79f5u;
  uint32_t t = machine.random;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return t ^ t >> 14;
}

/* ---- Time ---- */

static uint64_t timer_ticks(void) {
  for (;;) {
    const uint32_t high = TIMER_HIGH, low = TIMER_LOW;
    if (high == TIMER_HIGH) return (uint64_t)high << 32 | low;
  }
}

uint64_t rt_hal_now_us(void) { return timer_ticks() / TIMER_TICKS_PER_US; }

/* Waits for the timer or a byte: interrupts that, all being masked, wake the core and no more. */
static void wait_until(uint64_t ticks) {
  TIMER_COMPARE_HIGH = UINT32_MAX;
  TIMER_COMPARE_LOW = (uint32_t)ticks;
  TIMER_COMPARE_HIGH = (uint32_t)(ticks >> 32);
  __asm__ volatile(
      ".option push\n"
      ".option arch, +zicsr\n"
      "csrw mie, %0\n"
      "wfi\n"
      "csrw mie, zero\n"
      ".option pop\n" ::"r"(TIMER_WAKES | DEVICES_WAKE)
      : "memory");
  const uint32_t interrupt = INTERRUPT_CLAIM;
  if (interrupt != 0) INTERRUPT_CLAIM = interrupt;
}

void rt_hal_sleep_until(uint64_t deadline_us) {
  const uint64_t most_us = UINT64_MAX / TIMER_TICKS_PER_US;
  if (rt_hal_now_us() >= deadline_us || UART_STATUS & UART_HAS_DATA) return;
  wait_until(deadline_us > most_us ? UINT64_MAX : deadline_us * TIMER_TICKS_PER_US);
}

void rt_hal_deep_sleep_until(uint64_t deadline_us) { rt_hal_sleep_until(deadline_us); }
void rt_hal_spent(uint32_t cycles) { (void)cycles; }

/* ---- Links ---- */

uint32_t rt_hal_link_is_open(rt_hal_link_t link) {
  return link == RT_HAL_LINK_UART && (RT_RV32VIRT_START->flags & RT_RV32VIRT_LINK) != 0;
}

size_t rt_hal_link_read(rt_hal_link_t link, uint8_t *bytes, size_t capacity) {
  size_t count = 0;
  if (!rt_hal_link_is_open(link)) return 0;
  while (count < capacity && UART_STATUS & UART_HAS_DATA) bytes[count++] = UART_DATA;
  return count;
}

size_t rt_hal_link_write(rt_hal_link_t link, const uint8_t *bytes, size_t size) {
  if (!rt_hal_link_is_open(link)) return size;
  for (size_t i = 0; i < size; i++) rt_rv32virt_put((char)bytes[i]);
  return size;
}

/* ---- Flash: memory that keeps to the rules ---- */

const uint8_t *rt_hal_flash_data(uint32_t offset) { return machine.flash + offset; }

static rt_status_t check_flash(uint32_t offset, uint32_t bytes, uint32_t unit) {
  if (offset % unit != 0 || bytes % unit != 0) return RT_ERROR_ARGUMENT;
  if (offset > RT_RV32VIRT_FLASH_BYTES || bytes > RT_RV32VIRT_FLASH_BYTES - offset) {
    return RT_ERROR_ARGUMENT;
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  const rt_status_t status = check_flash(offset, bytes, RT_HAL_FLASH_SECTOR_BYTES);
  if (status == RT_OK) memset(machine.flash + offset, 0xff, bytes);
  return status;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  const rt_status_t status = check_flash(offset, bytes, RT_HAL_FLASH_PAGE_BYTES);
  for (uint32_t i = 0; status == RT_OK && i < bytes; i++) machine.flash[offset + i] &= data[i];
  return status;
}
