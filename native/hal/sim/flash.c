/* The simulated flash: NOR rules, and a power cut in the middle of an operation. */
#include "hal/sim/state.h"

static uint8_t flash[RT_SIM_FLASH_BYTES];
static uint32_t operations, cut_at;

void rt_sim_flash_power_on(void) {
  for (uint32_t i = 0; i < RT_SIM_FLASH_BYTES; i++) flash[i] = 0xff;
  operations = cut_at = 0;
}

uint8_t *rt_sim_flash(void) { return flash; }
uint32_t rt_sim_flash_operations(void) { return operations; }
void rt_sim_cut_power_at(uint32_t nth) { cut_at = nth == 0 ? 0 : operations + nth; }

const uint8_t *rt_hal_flash_data(uint32_t offset) { return flash + offset; }

static uint32_t is_inside(uint32_t offset, uint32_t bytes) {
  return offset <= RT_SIM_FLASH_BYTES && bytes <= RT_SIM_FLASH_BYTES - offset;
}

/* How many of `bytes` bytes the operation that begins now reaches. */
static uint32_t reach(uint32_t bytes) {
  operations++;
  return operations == cut_at ? bytes / 2 : bytes;
}

static void end_operation(void) {
  if (operations == cut_at) rt_sim_stop(RT_SIM_POWER_CUT);
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  if (offset % RT_HAL_FLASH_SECTOR_BYTES != 0 || bytes % RT_HAL_FLASH_SECTOR_BYTES != 0) {
    return RT_ERROR_ARGUMENT;
  }
  if (!is_inside(offset, bytes)) return RT_ERROR_ARGUMENT;
  for (uint32_t at = offset; at < offset + bytes; at += RT_HAL_FLASH_SECTOR_BYTES) {
    const uint32_t count = reach(RT_HAL_FLASH_SECTOR_BYTES);
    for (uint32_t i = 0; i < count; i++) flash[at + i] = 0xff;
    end_operation();
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  if (offset % RT_HAL_FLASH_PAGE_BYTES != 0 || bytes % RT_HAL_FLASH_PAGE_BYTES != 0) {
    return RT_ERROR_ARGUMENT;
  }
  if (!is_inside(offset, bytes)) return RT_ERROR_ARGUMENT;
  for (uint32_t at = 0; at < bytes; at += RT_HAL_FLASH_PAGE_BYTES) {
    const uint32_t count = reach(RT_HAL_FLASH_PAGE_BYTES);
    for (uint32_t i = 0; i < count; i++) flash[offset + at + i] &= data[at + i];
    end_operation();
  }
  return RT_OK;
}
