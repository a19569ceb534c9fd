/*
 * Start, reset, watchdog, halt, identity, chance.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

/* In the watchdog's scratch registers: they outlive a reset, and a debugger finds them. */
#define SCRATCH_HALT_CODE 0u
#define SCRATCH_HALT_PC 1u

/* All power domains but the ring oscillator and the crystal. */
#define WATCHDOG_RESETS 0x1fffcu
#define LONGEST_WATCHDOG_MS 8000u
/* The counter loses 2 a microsecond (erratum RP2040-E1). */
#define WATCHDOG_TICKS_PER_MS 2000u

static struct {
  uint64_t device_id;
  uint32_t random;
  uint8_t reset_cause;
} life;

static rt_hal_reset_cause_t find_reset_cause(void) {
  const uint32_t reason = RT_REGISTER(WATCHDOG_REASON);
  if ((reason & 2u) != 0) return RT_HAL_RESET_SOFTWARE;
  if ((reason & 1u) != 0) return RT_HAL_RESET_WATCHDOG;
  const uint32_t run_pin = RT_REGISTER(CHIP_RESET) & CHIP_RESET_HAD_RUN;
  return run_pin != 0 ? RT_HAL_RESET_PIN : RT_HAL_RESET_POWER_ON;
}

/* 32 bits of the ring oscillator, each from a pair that differs (von Neumann), or after many tries.
 */
static uint32_t oscillator_noise(void) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < 32; i++) {
    uint32_t first = 0;
    for (uint32_t attempt = 0; attempt < 64; attempt++) {
      first = RT_REGISTER(ROSC_RANDOMBIT) & 1u;
      /* Some cycles apart, or both are the same phase. */
      for (volatile uint32_t pause = 0; pause < 4; pause++) {
      }
      if (first != (RT_REGISTER(ROSC_RANDOMBIT) & 1u)) break;
    }
    bits = (bits << 1) | first;
  }
  return bits;
}

void rt_rp2040_life_init(void) {
  life.reset_cause = (uint8_t)find_reset_cause();
  uint8_t id[8];
  rt_rp2040_flash_unique_id(id);
  for (uint32_t i = 0; i < 8; i++) life.device_id |= (uint64_t)id[i] << (8 * i);
  life.random = oscillator_noise() ^ (uint32_t)life.device_id;
  if (life.random == 0) life.random = 1;
}

void rt_hal_init(void) {
  /* A watchdog that caused this start must not run on. */
  RT_REGISTER(WATCHDOG_CTRL) = 0;
  rt_rp2040_clocks_init();
  rt_rp2040_reset_blocks(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER);
  rt_rp2040_life_init();
  rt_rp2040_pins_init();
  rt_rp2040_sleep_init();
  rt_rp2040_uart_init();
  rt_rp2040_usb_init();
  rt_rp2040_unlock(0);
}

uint64_t rt_hal_device_id(void) { return life.device_id; }

rt_hal_reset_cause_t rt_hal_reset_cause(void) { return (rt_hal_reset_cause_t)life.reset_cause; }

/* Xorshift from a seed of noise: many calls cost little. */
uint32_t rt_hal_random(void) {
  uint32_t x = life.random;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  life.random = x;
  return x;
}

void rt_hal_watchdog(uint32_t milliseconds) {
  if (milliseconds == 0) {
    RT_REGISTER(WATCHDOG_CTRL) = 0;
    return;
  }
  if (milliseconds > LONGEST_WATCHDOG_MS) milliseconds = LONGEST_WATCHDOG_MS;
  RT_REGISTER(PSM_WDSEL) = WATCHDOG_RESETS;
  RT_REGISTER(WATCHDOG_LOAD) = milliseconds * WATCHDOG_TICKS_PER_MS;
  RT_REGISTER(WATCHDOG_CTRL) = WATCHDOG_ENABLE | WATCHDOG_PAUSES;
}

_Noreturn void rt_hal_reset(void) {
  rt_rp2040_lock();
  RT_REGISTER(PSM_WDSEL) = WATCHDOG_RESETS;
  RT_REGISTER(WATCHDOG_CTRL) = WATCHDOG_TRIGGER;
  for (;;) {
  }
}

_Noreturn void rt_hal_halt(uint32_t code) {
  rt_rp2040_lock();
  RT_REGISTER(WATCHDOG_SCRATCH(SCRATCH_HALT_CODE)) = code;
  rt_hal_watchdog(LONGEST_WATCHDOG_MS);
  RT_REGISTER(PPB_NVIC_ICER) = UINT32_MAX;
  for (;;) __asm__ volatile("wfi");
}

/* `frame`: what the core pushed; the seventh word is where it happened. */
__attribute__((used)) static _Noreturn void report_fault(const uint32_t *frame) {
  RT_REGISTER(WATCHDOG_SCRATCH(SCRATCH_HALT_PC)) = frame[6];
  rt_hal_halt(0x1bad0003u);
}

__attribute__((naked)) void rt_rp2040_hard_fault(void) {
  __asm__ volatile(
      "mrs r0, msp\n"
      "ldr r1, =report_fault\n"
      "bx r1\n"
      ".pool\n");
}
