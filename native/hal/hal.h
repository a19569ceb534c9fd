/*
 * The seam between Retune and a board: everything above is the same on every board. One folder a
 * board family implements these functions: rp2040/, rv32virt/ (QEMU), host/ (tests, sanitizers) and
 * sim/ (WebAssembly in virtual time).
 *
 * Nothing here allocates. No function but those of the `rt_hal_sleep` family waits. Times are
 * microseconds since boot. Functions that can fail return a status; on failure nothing has changed
 * unless said otherwise.
 */
#ifndef RT_HAL_HAL_H
#define RT_HAL_HAL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"
#include "hal/board.h"

/* ---- Time and sleep ---- */

/* Brings up clocks, memory, interrupts and links. Called once, first. */
void rt_hal_init(void);

/* Microseconds since boot; never goes back, never stands still while code runs. */
uint64_t rt_hal_now_us(void);

/*
 * Sleeps until `deadline_us` or until something happens (a link byte, an audio block, a pin that is
 * watched), whichever is first. May return early without reason. The core's clock stops (WFI).
 */
void rt_hal_sleep_until(uint64_t deadline_us);

/*
 * Deep sleep: PLLs and the links off, woken by the timer or a watched pin. Boards without it do
 * what rt_hal_sleep_until does. Returns when awake again, clocks restored.
 */
void rt_hal_deep_sleep_until(uint64_t deadline_us);

/*
 * Tells that work of `cycles` processor cycles of the board was just done. A board does nothing:
 * its time has passed. The simulator moves virtual time by as much, and counts the energy.
 */
void rt_hal_spent(uint32_t cycles);

/* ---- Life ---- */

typedef enum {
  RT_HAL_RESET_POWER_ON = 0,
  RT_HAL_RESET_PIN = 1,
  RT_HAL_RESET_SOFTWARE = 2,
  RT_HAL_RESET_WATCHDOG = 3,
} rt_hal_reset_cause_t;

rt_hal_reset_cause_t rt_hal_reset_cause(void);

/* Starts the board again; does not return. */
_Noreturn void rt_hal_reset(void);

/* Stops for good after a defect, `code` in a place a debugger finds; the watchdog resets later. */
_Noreturn void rt_hal_halt(uint32_t code);

/* The board resets unless this is called again within `milliseconds`; 0 stops it. At most 8,000. */
void rt_hal_watchdog(uint32_t milliseconds);

/* An identifier that no other board has. */
uint64_t rt_hal_device_id(void);

/* 32 bits that are different after each boot; on the simulator from its seed. */
uint32_t rt_hal_random(void);

/* Most bytes of stack used since boot. 0 where it cannot be told. */
uint32_t rt_hal_stack_used_bytes(void);

/* ---- Links to a computer: bytes, framed by native/bus/link.c ---- */

typedef enum { RT_HAL_LINK_USB = 0, RT_HAL_LINK_UART = 1, RT_HAL_LINKS = 2 } rt_hal_link_t;

/* Whether someone listens at the other end. A UART cannot know and says 1. */
uint32_t rt_hal_link_is_open(rt_hal_link_t link);

/* Takes up to `capacity` received bytes; returns how many. */
size_t rt_hal_link_read(rt_hal_link_t link, uint8_t *bytes, size_t capacity);

/* Hands over bytes to send; returns how many were taken, 0 when the buffer is full. */
size_t rt_hal_link_write(rt_hal_link_t link, const uint8_t *bytes, size_t size);

/* ---- Flash: NOR rules. Offsets are from the start of the chip. ---- */

#define RT_HAL_FLASH_SECTOR_BYTES 4096u
#define RT_HAL_FLASH_PAGE_BYTES 256u

/* Where the flash at `offset` can be read like memory. */
const uint8_t *rt_hal_flash_data(uint32_t offset);

/* Sets whole sectors to 0xff. `offset` and `bytes` are multiples of the sector size. */
rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes);

/* Clears bits. `offset` and `bytes` are multiples of the page size; programs page by page. */
rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes);

/* ---- Pins; `pin` is the chip's own number ---- */

typedef enum {
  RT_HAL_PIN_OFF = 0,
  RT_HAL_PIN_OUTPUT = 1,
  RT_HAL_PIN_INPUT = 2,
  RT_HAL_PIN_INPUT_PULL_UP = 3,
  RT_HAL_PIN_INPUT_PULL_DOWN = 4,
} rt_hal_pin_mode_t;

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode);
void rt_hal_pin_write(uint8_t pin, uint32_t level);
uint32_t rt_hal_pin_read(uint8_t pin);

/* Pulse-width modulated output, duty 0 to 65,535. */
rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty);

/* ---- Analog ---- */

/* One conversion on a pin, scaled to 0..65,535. RT_ERROR_ARGUMENT when the pin has no converter. */
rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value);

/*
 * Samples `pin` at `rate_hz` (8,000 or 16,000) without the processor's help. Samples are signed,
 * the converter's middle is 0 and full scale 32,767 (a 12-bit converter gives multiples of 16).
 * RT_ERROR_STATE when it is already running.
 */
rt_status_t rt_hal_audio_start(uint8_t pin, uint32_t rate_hz);
void rt_hal_audio_stop(void);

/*
 * Takes up to `capacity` samples in order; returns how many. `*lost` (out) is increased by the
 * samples that were overwritten before anybody took them; the ring holds at least 100 ms.
 */
size_t rt_hal_audio_read(int16_t *samples, size_t capacity, uint32_t *lost);

/* ---- Buses ---- */

/*
 * Writes, then reads with a repeated start. `address` has 7 bits. RT_ERROR_EMPTY: nobody answered.
 */
rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_bytes);

typedef struct {
  uint8_t miso, mosi, sck; /* pins; 255: not connected */
  uint8_t mode;            /* 0 to 3: clock polarity and phase */
  uint32_t hz;
} rt_hal_spi_config_t;

rt_status_t rt_hal_spi_configure(const rt_hal_spi_config_t *config);

/* Full duplex; `write` or `read` may be NULL. */
rt_status_t rt_hal_spi_transfer(const uint8_t *write, uint8_t *read, size_t bytes);

/* Sends `bytes` bytes (GRB) to a WS2812 strip at `pin`. */
rt_status_t rt_hal_led_strip_send(uint8_t pin, const uint8_t *bytes, size_t size);

#endif
