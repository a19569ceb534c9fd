/*
 * Hardware that the machine does not have. Pins remember what was written and read their pull, the
 * bus has one device with registers, and SPI hears itself, as in the HAL for hosts, so that the
 * same programs print the same.
 */
#include "hal/hal.h"

#define PINS 32u
#define I2C_ADDRESS 0x42u
#define I2C_REGISTERS 256u
#define FIRST_ADC_PIN 26u
#define LAST_ADC_PIN 28u

static struct {
  uint16_t output[PINS];
  uint8_t mode[PINS];
  uint8_t registers[I2C_REGISTERS];
} absent;

/* ---- Pins ---- */

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  if (pin >= PINS) return RT_ERROR_ARGUMENT;
  absent.mode[pin] = (uint8_t)mode;
  return RT_OK;
}

void rt_hal_pin_write(uint8_t pin, uint32_t level) {
  if (pin < PINS) absent.output[pin] = level ? 0xffff : 0;
}

uint32_t rt_hal_pin_read(uint8_t pin) {
  if (pin >= PINS) return 0;
  if (absent.mode[pin] == RT_HAL_PIN_OUTPUT) return absent.output[pin] != 0;
  return absent.mode[pin] == RT_HAL_PIN_INPUT_PULL_UP;
}

rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  if (pin >= PINS) return RT_ERROR_ARGUMENT;
  absent.output[pin] = duty;
  return RT_OK;
}

/* ---- Analog: a converter that sees half of its range, no microphone ---- */

rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  if (pin < FIRST_ADC_PIN || pin > LAST_ADC_PIN) return RT_ERROR_ARGUMENT;
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

/* ---- Buses ---- */

rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_bytes) {
  if (address != I2C_ADDRESS) return RT_ERROR_EMPTY;
  const size_t first = write_bytes > 0 ? write[0] : 0;
  for (size_t i = 1; i < write_bytes; i++) {
    absent.registers[(first + i - 1) % I2C_REGISTERS] = write[i];
  }
  for (size_t i = 0; i < read_bytes; i++) read[i] = absent.registers[(first + i) % I2C_REGISTERS];
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
  return pin < PINS ? RT_OK : RT_ERROR_ARGUMENT;
}
