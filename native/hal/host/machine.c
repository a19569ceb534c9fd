/* The board's hardware on a computer: virtual time, flash in memory, pins that remember. */
#include <string.h>

#include "hal/host/host.h"

/* An endless loop that only looks at the clock must end: each look takes this long. */
#define LOOK_US 1u
#define I2C_ADDRESS 0x42u
#define I2C_REGISTERS 256u

static struct {
  uint64_t now_us;
  uint32_t cycles; /* of the current microsecond */
  uint32_t random;
  uint8_t flash[RT_HOST_FLASH_BYTES];
  uint16_t output[RT_HOST_PINS];
  uint8_t mode[RT_HOST_PINS];
  uint8_t registers[I2C_REGISTERS];
} host;

void rt_host_power_on(uint32_t seed) {
  memset(&host, 0, sizeof host);
  memset(host.flash, 0xff, sizeof host.flash);
  host.random = seed;
}

void rt_host_advance(uint64_t now_us) {
  if (now_us > host.now_us) host.now_us = now_us;
}

/* ---- Time and life ---- */

void rt_hal_init(void) {}

uint64_t rt_hal_now_us(void) {
  host.now_us += LOOK_US;
  return host.now_us;
}

void rt_hal_sleep_until(uint64_t deadline_us) { rt_host_advance(deadline_us); }
void rt_hal_deep_sleep_until(uint64_t deadline_us) { rt_host_advance(deadline_us); }

void rt_hal_spent(uint32_t cycles) {
  const uint32_t per_us = rt_board.clock_hz / 1000000u;
  const uint64_t total = (uint64_t)host.cycles + cycles;
  host.now_us += total / per_us;
  host.cycles = (uint32_t)(total % per_us);
}

rt_hal_reset_cause_t rt_hal_reset_cause(void) { return RT_HAL_RESET_POWER_ON; }
_Noreturn void rt_hal_reset(void) { rt_host_leave(); }

_Noreturn void rt_hal_halt(uint32_t code) {
  (void)code;
  rt_host_leave();
}

void rt_hal_watchdog(uint32_t milliseconds) { (void)milliseconds; }
uint64_t rt_hal_device_id(void) { return 0x9f9148ee0ea3461du; }

/* mulberry32 (public domain). */
uint32_t rt_hal_random(void) {
  host.random += 0x6d2b79f5u;
  uint32_t t = host.random;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return t ^ t >> 14;
}

uint32_t rt_hal_stack_used_bytes(void) { return 0; }

/* ---- Links: nobody is there; the log is heard through rt_bus_tap_log ---- */

uint32_t rt_hal_link_is_open(rt_hal_link_t link) {
  (void)link;
  return 0;
}

size_t rt_hal_link_read(rt_hal_link_t link, uint8_t *bytes, size_t capacity) {
  (void)link, (void)bytes, (void)capacity;
  return 0;
}

size_t rt_hal_link_write(rt_hal_link_t link, const uint8_t *bytes, size_t size) {
  (void)link, (void)bytes;
  return size;
}

/* ---- Flash ---- */

const uint8_t *rt_hal_flash_data(uint32_t offset) { return host.flash + offset; }

static rt_status_t check_flash(uint32_t offset, uint32_t bytes, uint32_t unit) {
  if (offset % unit != 0 || bytes % unit != 0) return RT_ERROR_ARGUMENT;
  if (offset > sizeof host.flash || bytes > sizeof host.flash - offset) return RT_ERROR_ARGUMENT;
  return RT_OK;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  const rt_status_t status = check_flash(offset, bytes, RT_HAL_FLASH_SECTOR_BYTES);
  if (status == RT_OK) memset(host.flash + offset, 0xff, bytes);
  return status;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  const rt_status_t status = check_flash(offset, bytes, RT_HAL_FLASH_PAGE_BYTES);
  if (status != RT_OK) return status;
  for (uint32_t i = 0; i < bytes; i++) host.flash[offset + i] &= data[i];
  return RT_OK;
}

/* ---- Pins ---- */

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  if (pin >= RT_HOST_PINS) return RT_ERROR_ARGUMENT;
  host.mode[pin] = (uint8_t)mode;
  return RT_OK;
}

void rt_hal_pin_write(uint8_t pin, uint32_t level) {
  if (pin < RT_HOST_PINS) host.output[pin] = level ? 0xffff : 0;
}

/* An output reads back what was written, an input its pull. */
uint32_t rt_hal_pin_read(uint8_t pin) {
  if (pin >= RT_HOST_PINS) return 0;
  if (host.mode[pin] == RT_HAL_PIN_OUTPUT) return host.output[pin] != 0;
  return host.mode[pin] == RT_HAL_PIN_INPUT_PULL_UP;
}

rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  if (pin >= RT_HOST_PINS) return RT_ERROR_ARGUMENT;
  host.output[pin] = duty;
  return RT_OK;
}

/* ---- Analog: a converter that sees half of its range, no microphone ---- */

rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  if (pin < 26 || pin > 28) return RT_ERROR_ARGUMENT;
  *value = 0x8000;
  return RT_OK;
}

rt_status_t rt_hal_audio_start(uint8_t pin, uint32_t rate_hz) {
  (void)pin, (void)rate_hz;
  return RT_ERROR_STATE;
}

void rt_hal_audio_stop(void) {}

size_t rt_hal_audio_read(int16_t *samples, size_t capacity, uint32_t *lost) {
  (void)samples, (void)capacity, (void)lost;
  return 0;
}

/* ---- Buses: one I2C device with registers; what SPI sends comes back ---- */

rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_bytes) {
  if (address != I2C_ADDRESS) return RT_ERROR_EMPTY;
  const size_t first = write_bytes > 0 ? write[0] : 0;
  for (size_t i = 1; i < write_bytes; i++) {
    host.registers[(first + i - 1) % I2C_REGISTERS] = write[i];
  }
  for (size_t i = 0; i < read_bytes; i++) read[i] = host.registers[(first + i) % I2C_REGISTERS];
  return RT_OK;
}

rt_status_t rt_hal_spi_configure(const rt_hal_spi_config_t *config) {
  (void)config;
  return RT_OK;
}

rt_status_t rt_hal_spi_transfer(const uint8_t *write, uint8_t *read, size_t bytes) {
  for (size_t i = 0; i < bytes && read != NULL; i++) read[i] = write != NULL ? write[i] : 0;
  return RT_OK;
}

rt_status_t rt_hal_led_strip_send(uint8_t pin, const uint8_t *bytes, size_t size) {
  (void)bytes, (void)size;
  return pin < RT_HOST_PINS ? RT_OK : RT_ERROR_ARGUMENT;
}
