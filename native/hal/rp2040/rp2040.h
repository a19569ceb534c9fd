/*
 * What the files of this HAL share. One core; interrupts only move bytes and set flags.
 */
#ifndef RT_HAL_RP2040_RP2040_H
#define RT_HAL_RP2040_RP2040_H

#include <stddef.h>
#include <stdint.h>

#include "hal/rp2040/registers.h"

/* Code that runs while the flash cannot be read, or that is worth the RAM. */
#define RT_RAM_CODE(name) __attribute__((noinline, section(".ramcode." name)))

static inline uint32_t rt_rp2040_lock(void) {
  uint32_t before;
  __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
  return before;
}

static inline void rt_rp2040_unlock(uint32_t before) {
  __asm__ volatile("msr primask, %0" ::"r"(before) : "memory");
}

static inline void rt_rp2040_enable_irq(uint32_t irq) {
  RT_REGISTER(PPB_NVIC_ICPR) = 1u << irq;
  RT_REGISTER(PPB_NVIC_ISER) = 1u << irq;
}

/* Something happened that the main loop wants to see: the next sleep ends at once. */
extern volatile uint32_t rt_rp2040_has_event;

/* ---- clocks.c ---- */

/* From the ring oscillator to crystal and PLLs, rt_board.clock_hz (a multiple of 1 MHz, 63 to 133).
 */
void rt_rp2040_clocks_init(void);
/* Takes blocks out of reset, put into it before. */
void rt_rp2040_reset_blocks(uint32_t blocks);
/* Everything on the 12 MHz crystal, PLLs off; and back. */
void rt_rp2040_clocks_slow(void);
void rt_rp2040_clocks_fast(void);
/* Stops the crystal until a pin that is watched wakes it; clocks must be slow. */
void rt_rp2040_dormant(void);

/* ---- sleep.c ---- */
void rt_rp2040_sleep_init(void);
void rt_rp2040_timer_interrupt(void);

/* ---- life.c ---- */
void rt_rp2040_life_init(void);
void rt_rp2040_hard_fault(void);

/* ---- flash.c ---- */

/* The flash chip's own 64-bit number. Reads in place stop meanwhile. */
void rt_rp2040_flash_unique_id(uint8_t id[8]);
/* Ends the firmware and starts the boot ROM's USB drive. */
_Noreturn void rt_rp2040_usb_boot(void);

/* ---- pins.c ---- */
void rt_rp2040_pins_init(void);
void rt_rp2040_pin_function(uint32_t pin, uint32_t function, uint32_t pad);
/* Before and after a sleep: edges on input pins and on the button raise an event. */
void rt_rp2040_pins_watch(uint32_t is_dormant);
void rt_rp2040_pins_unwatch(void);
uint32_t rt_rp2040_pins_watched(void);
void rt_rp2040_pins_interrupt(void);

/* ---- uart.c ---- */
void rt_rp2040_uart_init(void);
void rt_rp2040_uart_interrupt(void);
size_t rt_rp2040_uart_read(uint8_t *bytes, size_t capacity);
size_t rt_rp2040_uart_write(const uint8_t *bytes, size_t size);

/* ---- usb.c ---- */
void rt_rp2040_usb_init(void);
/* Off the bus, as if unplugged. */
void rt_rp2040_usb_stop(void);
void rt_rp2040_usb_interrupt(void);
uint32_t rt_rp2040_usb_is_open(void);
size_t rt_rp2040_usb_read(uint8_t *bytes, size_t capacity);
size_t rt_rp2040_usb_write(const uint8_t *bytes, size_t size);

/* ---- usb_cdc.c: what the host asks for over endpoint 0 ---- */

/* A device descriptor or the like; `*bytes` is 0 when there is none. */
const uint8_t *rt_rp2040_usb_descriptor(uint32_t type, uint32_t index, size_t *bytes);

/* ---- adc.c ---- */
/* When the audio ring wants to be read, microseconds since boot; UINT64_MAX: no audio. */
uint64_t rt_rp2040_audio_due_us(uint64_t now_us);

/* Entry of the image (vectors.c), called by the boot's second stage. */
_Noreturn void rt_rp2040_reset(void);

#endif
