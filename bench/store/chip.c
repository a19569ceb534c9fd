/*
 * A board for counting what the store computes: its region lies in flash where the Pico's does and
 * can be read only. bench/store.ts fills it and calls the store's functions on the emulated core.
 */
#include "hal/hal.h"

#define XIP 0x10000000u

const rt_board_t rt_board = {
    .name = "bench", .clock_hz = 125000000, .store_offset = 0x1c0000, .store_bytes = 0x40000};

const uint8_t *rt_hal_flash_data(uint32_t offset) {
  return (const uint8_t *)(uintptr_t)(XIP + offset);
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  (void)offset, (void)bytes;
  return RT_ERROR_STATE;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  (void)offset, (void)data, (void)bytes;
  return RT_ERROR_STATE;
}
