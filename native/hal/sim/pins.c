/* Pins, converter and buses of the simulated board. */
#include "hal/sim/state.h"

#define I2C_DEVICES 4u
#define STRIP_BYTES 1024u

static struct {
  uint8_t mode[RT_SIM_PINS], input[RT_SIM_PINS];
  uint16_t output[RT_SIM_PINS], analog[RT_SIM_PINS];
} pins;

typedef struct {
  uint8_t address, at;
  uint8_t registers[256];
} i2c_device_t;

static struct {
  uint32_t count;
  i2c_device_t device[I2C_DEVICES];
} i2c;

static struct {
  uint8_t pin;
  uint32_t bytes;
  uint8_t data[STRIP_BYTES];
} strip;

void rt_sim_pins_power_on(void) {
  for (uint32_t i = 0; i < RT_SIM_PINS; i++) {
    pins.mode[i] = RT_HAL_PIN_OFF;
    pins.input[i] = 1; /* nothing pulls it down: a button that is not pressed */
    pins.output[i] = pins.analog[i] = 0;
  }
  i2c.count = 0;
  strip.bytes = 0;
}

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  if (pin >= RT_SIM_PINS) return RT_ERROR_ARGUMENT;
  pins.mode[pin] = (uint8_t)mode;
  return RT_OK;
}

void rt_hal_pin_write(uint8_t pin, uint32_t level) {
  if (pin < RT_SIM_PINS) pins.output[pin] = level ? 65535u : 0;
}

uint32_t rt_hal_pin_read(uint8_t pin) {
  if (pin >= RT_SIM_PINS) return 0;
  if (pins.mode[pin] == RT_HAL_PIN_OUTPUT) return pins.output[pin] != 0;
  return pins.input[pin];
}

rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  if (pin >= RT_SIM_PINS) return RT_ERROR_ARGUMENT;
  pins.mode[pin] = RT_HAL_PIN_OUTPUT;
  pins.output[pin] = duty;
  return RT_OK;
}

void rt_sim_pin_input(uint8_t pin, uint32_t level) {
  if (pin < RT_SIM_PINS) pins.input[pin] = level != 0;
}

uint32_t rt_sim_pin_output(uint8_t pin) { return pin < RT_SIM_PINS ? pins.output[pin] : 0; }
uint32_t rt_sim_pin_mode(uint8_t pin) { return pin < RT_SIM_PINS ? pins.mode[pin] : 0; }

rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  if (pin < 26 || pin > 29) return RT_ERROR_ARGUMENT;
  *value = pins.analog[pin];
  return RT_OK;
}

void rt_sim_adc_value(uint8_t pin, uint16_t value) {
  if (pin < RT_SIM_PINS) pins.analog[pin] = value;
}

uint8_t *rt_sim_i2c_device(uint8_t address) {
  if (i2c.count == I2C_DEVICES) return NULL;
  i2c_device_t *device = &i2c.device[i2c.count++];
  device->address = address;
  device->at = 0;
  for (uint32_t i = 0; i < sizeof device->registers; i++) device->registers[i] = 0;
  return device->registers;
}

rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_bytes) {
  i2c_device_t *device = NULL;
  for (uint32_t i = 0; i < i2c.count; i++) {
    if (i2c.device[i].address == address) device = &i2c.device[i];
  }
  if (device == NULL) return RT_ERROR_EMPTY;
  if (write_bytes > 0) device->at = write[0];
  for (size_t i = 1; i < write_bytes; i++) device->registers[device->at++] = write[i];
  for (size_t i = 0; i < read_bytes; i++) read[i] = device->registers[device->at++];
  return RT_OK;
}

/* The two data pins are joined by a wire. */
rt_status_t rt_hal_spi_configure(const rt_hal_spi_config_t *config) {
  return config->mode > 3 || config->hz == 0 ? RT_ERROR_ARGUMENT : RT_OK;
}

rt_status_t rt_hal_spi_transfer(const uint8_t *write, uint8_t *read, size_t bytes) {
  for (size_t i = 0; i < bytes && read != NULL; i++) read[i] = write != NULL ? write[i] : 0;
  return RT_OK;
}

rt_status_t rt_hal_led_strip_send(uint8_t pin, const uint8_t *bytes, size_t size) {
  if (pin >= RT_SIM_PINS || size > STRIP_BYTES) return RT_ERROR_ARGUMENT;
  strip.pin = pin;
  strip.bytes = (uint32_t)size;
  for (size_t i = 0; i < size; i++) strip.data[i] = bytes[i];
  return RT_OK;
}

uint32_t rt_sim_led_strip(uint8_t *pin, uint8_t *bytes, uint32_t capacity) {
  const uint32_t count = strip.bytes < capacity ? strip.bytes : capacity;
  *pin = strip.pin;
  for (uint32_t i = 0; i < count; i++) bytes[i] = strip.data[i];
  return count;
}
