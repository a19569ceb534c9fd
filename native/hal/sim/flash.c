/* The simulated flash: NOR rules, and a power cut in the middle of an operation. */
#include "hal/sim/state.h"

static uint8_t flash[RT_SIM_FLASH_BYTES];
static uint32_t operations, cut_at;
static uint32_t torn; /* state of the random bits of a torn operation; 0: it stops half-way */

void rt_sim_flash_power_on(void) {
  for (uint32_t i = 0; i < RT_SIM_FLASH_BYTES; i++) flash[i] = 0xff;
  operations = cut_at = torn = 0;
}

uint8_t *rt_sim_flash(void) { return flash; }
uint32_t rt_sim_flash_operations(void) { return operations; }

void rt_sim_cut_power_at(uint32_t nth) {
  cut_at = nth == 0 ? 0 : operations + nth;
  torn = 0;
}

void rt_sim_tear_at(uint32_t nth, uint32_t seed) {
  rt_sim_cut_power_at(nth);
  torn = seed == 0 ? 1 : seed;
}

const uint8_t *rt_hal_flash_data(uint32_t offset) { return flash + offset; }

static uint32_t is_inside(uint32_t offset, uint32_t bytes) {
  return offset <= RT_SIM_FLASH_BYTES && bytes <= RT_SIM_FLASH_BYTES - offset;
}

/* Eight bits, each set in one of two cases (xorshift32, Marsaglia 2003). */
static uint8_t random_bits(void) {
  torn ^= torn << 13;
  torn ^= torn >> 17;
  torn ^= torn << 5;
  return (uint8_t)(torn >> 24);
}

/*
 * Takes `wanted` in place of what lies in the flash; the operation in which the power is cut stops
 * half-way, or everywhere at once with some bits changed and others not.
 */
static void change(uint8_t *at, uint8_t wanted, uint32_t is_second_half) {
  if (operations != cut_at) {
    *at = wanted;
  } else if (torn != 0) {
    *at ^= (uint8_t)((*at ^ wanted) & random_bits());
  } else if (!is_second_half) {
    *at = wanted;
  }
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
    operations++;
    for (uint32_t i = 0; i < RT_HAL_FLASH_SECTOR_BYTES; i++) {
      change(flash + at + i, 0xff, i >= RT_HAL_FLASH_SECTOR_BYTES / 2);
    }
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
    operations++;
    for (uint32_t i = 0; i < RT_HAL_FLASH_PAGE_BYTES; i++) {
      uint8_t *byte = flash + offset + at + i;
      change(byte, *byte & data[at + i], i >= RT_HAL_FLASH_PAGE_BYTES / 2);
    }
    end_operation();
  }
  return RT_OK;
}
