/*
 * A board for measuring the VM by itself: no clock that interrupts, no links, nothing attached.
 * bench/vm/main.ts calls bench_start and bench_run on the emulated chip and counts their cycles.
 */
#include "bus/bus.h"
#include "firmware/firmware.h"
#include "hal/hal.h"
#include "services/service.h"
#include "vm/vm.h"

const rt_board_t rt_board = {.name = "bench",
                             .clock_hz = 125000000,
                             .led_pin = 25,
                             .button_pin = RT_BOARD_NO_PIN,
                             .microphone_pin = RT_BOARD_NO_PIN,
                             .program_bytes = 4096};

extern const rt_service_module_t rt_module_light_bulb;
const rt_service_module_t *const rt_service_modules[] = {&rt_module_light_bulb};
const uint16_t rt_service_module_count = 1;

static uint64_t now_us;
/* Sectors of 0xff, as erased flash reads: no program is deployed. */
static uint8_t flash[4096];

/* Stands still but for the sleeps that bench_run skips. */
uint64_t rt_hal_now_us(void) { return now_us; }
void rt_hal_spent(uint32_t cycles) { (void)cycles; }
uint32_t rt_hal_random(void) { return 4; }
uint64_t rt_hal_device_id(void) { return 0x1122334455667788u; }
rt_hal_reset_cause_t rt_hal_reset_cause(void) { return RT_HAL_RESET_POWER_ON; }
_Noreturn void rt_hal_reset(void) {
  for (;;) {
  }
}
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
const uint8_t *rt_hal_flash_data(uint32_t offset) {
  (void)offset;
  for (uint32_t i = 0; i < sizeof flash; i++) flash[i] = 0xff;
  return flash;
}
rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  (void)offset, (void)bytes;
  return RT_ERROR_STATE;
}
rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  (void)offset, (void)data, (void)bytes;
  return RT_ERROR_STATE;
}
rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  (void)pin, (void)mode;
  return RT_OK;
}
void rt_hal_pin_write(uint8_t pin, uint32_t level) { (void)pin, (void)level; }
uint32_t rt_hal_pin_read(uint8_t pin) { return pin & 0; }
rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  (void)pin, (void)duty;
  return RT_OK;
}
rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  (void)pin;
  *value = 0;
  return RT_OK;
}
rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_bytes) {
  (void)address, (void)write, (void)write_bytes, (void)read, (void)read_bytes;
  return RT_ERROR_EMPTY;
}
rt_status_t rt_hal_spi_configure(const rt_hal_spi_config_t *config) {
  (void)config;
  return RT_OK;
}
rt_status_t rt_hal_spi_transfer(const uint8_t *write, uint8_t *read, size_t bytes) {
  (void)write, (void)read, (void)bytes;
  return RT_OK;
}
rt_status_t rt_hal_led_strip_send(uint8_t pin, const uint8_t *bytes, size_t size) {
  (void)pin, (void)bytes, (void)size;
  return RT_OK;
}

/* Loads a program; 0, or the status of what refused it. */
uint32_t bench_start(void *heap, uint32_t heap_bytes, const uint8_t *image, uint32_t size) {
  const rt_firmware_config_t config = {.heap = heap,
                                       .heap_bytes = heap_bytes,
                                       .program = image,
                                       .program_bytes = size,
                                       .stays_stopped = 1};
  now_us = 0;
  return (uint32_t)rt_firmware_init(&config);
}

/* Runs until the program stops or has no fiber left; time moves when there is nothing to do. */
uint32_t bench_run(void) {
  uint64_t next_us = 0;
  do {
    if (next_us > now_us) now_us = next_us;
    next_us = rt_firmware_poll(now_us);
  } while (rt_vm_state() == RT_VM_RUNNING);
  return rt_vm_state();
}
