/*
 * A board for measuring the VM by itself: no clock that interrupts, no links, nothing attached.
 * bench/vm/main.ts calls bench_start and bench_run on the emulated chip and counts their cycles.
 */

#include "hal/hal.h"
#include "services/service.h"
#include "vm/heap.h"
#include "vm/vm.h"

const rt_board_t rt_board = {.name = "bench", .clock_hz = 125000000};
const rt_service_module_t *const rt_service_modules[1];
const uint16_t rt_service_module_count = 0;

static uint64_t now_us;
static uint32_t lines;

/* Stands still but for the sleeps that bench_run skips. */
uint64_t rt_hal_now_us(void) { return now_us; }
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
  return (const uint8_t *)&rt_board;
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

/* Loads a program; 0, or the byte at which it was refused plus one. */
uint32_t bench_start(void *heap, uint32_t heap_bytes, const uint8_t *image, uint32_t size) {
  const rt_vm_config_t config = {
      .heap = heap, .heap_bytes = heap_bytes, .now_us = rt_hal_now_us, .random = rt_hal_random};
  rt_image_fault_t fault;
  lines = 0;
  return rt_vm_start(&config, image, size, &fault) == RT_OK ? 0 : fault.offset + 1u;
}

/* Runs until the program stops or waits for ever; returns its state (rt_vm_state_t). */
uint32_t bench_run(void) {
  for (;;) {
    const uint64_t next_us = rt_vm_run(now_us, UINT32_MAX);
    if (rt_vm_state() != RT_VM_RUNNING || next_us == UINT64_MAX) return rt_vm_state();
    if (next_us > now_us) now_us = next_us;
  }
}
