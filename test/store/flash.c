#include "flash.h"

/* The board is constant everywhere but here: tests choose its size. */
#define rt_board rt_board_elsewhere
#include "hal/hal.h"
#undef rt_board

rt_board_t rt_board = {.name = "test", .store_offset = 0, .store_bytes = TEST_FLASH_BYTES};

static uint8_t flash[TEST_FLASH_BYTES] __attribute__((aligned(4)));
static uint32_t cut_in, is_dark, random_state = 1;
static uint8_t is_stuck_at[TEST_FLASH_SECTORS];
static uint32_t erases, programs, erases_of[TEST_FLASH_SECTORS];

void test_set_sectors(uint32_t sectors) {
  rt_board.store_bytes = sectors * RT_HAL_FLASH_SECTOR_BYTES;
}

uint8_t *test_flash(void) { return flash; }

void test_cut_in(uint32_t operations, uint32_t seed) {
  cut_in = operations;
  random_state = seed | 1u;
}

uint32_t test_is_dark(void) { return is_dark; }

void test_power_on(void) { is_dark = cut_in = 0; }

void test_stick(uint32_t sector, uint32_t is_stuck) { is_stuck_at[sector] = (uint8_t)is_stuck; }

uint32_t test_erases(void) { return erases; }
uint32_t test_programs(void) { return programs; }
uint32_t test_erases_of(uint32_t sector) { return erases_of[sector]; }

void test_clear_counts(void) {
  erases = programs = 0;
  for (uint32_t i = 0; i < TEST_FLASH_SECTORS; i++) erases_of[i] = 0;
}

static uint32_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

/* How much of an operation takes place: nothing, everything, a prefix or bits at random. */
typedef enum { DONE_NOT, DONE_ALL, DONE_PREFIX, DONE_BITS } done_t;

static done_t begin_operation(void) {
  if (is_dark) return DONE_NOT;
  if (cut_in == 0 || --cut_in > 0) return DONE_ALL;
  is_dark = 1;
  return (done_t)(random_bits() % 4u);
}

static void change(uint32_t offset, const uint8_t *wanted, uint32_t bytes, done_t done) {
  const uint32_t end = done == DONE_PREFIX ? random_bits() % bytes : bytes;
  if (done == DONE_NOT || is_stuck_at[offset / RT_HAL_FLASH_SECTOR_BYTES]) return;
  for (uint32_t i = 0; i < end; i++) {
    uint8_t difference = (uint8_t)(flash[offset + i] ^ (wanted == NULL ? 0xffu : wanted[i]));
    if (wanted != NULL) difference &= flash[offset + i]; /* programming clears only */
    if (done == DONE_BITS) difference &= (uint8_t)(random_bits() >> 24);
    flash[offset + i] ^= difference;
  }
}

const uint8_t *rt_hal_flash_data(uint32_t offset) { return flash + offset; }

static uint32_t is_refused(uint32_t offset, uint32_t bytes, uint32_t unit) {
  return offset % unit != 0 || bytes % unit != 0 || offset > TEST_FLASH_BYTES ||
         bytes > TEST_FLASH_BYTES - offset;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  if (is_refused(offset, bytes, RT_HAL_FLASH_SECTOR_BYTES)) return RT_ERROR_ARGUMENT;
  for (const uint32_t end = offset + bytes; offset < end; offset += RT_HAL_FLASH_SECTOR_BYTES) {
    change(offset, NULL, RT_HAL_FLASH_SECTOR_BYTES, begin_operation());
    if (is_dark) return RT_ERROR_STATE;
    erases++;
    erases_of[offset / RT_HAL_FLASH_SECTOR_BYTES]++;
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  if (is_refused(offset, bytes, RT_HAL_FLASH_PAGE_BYTES)) return RT_ERROR_ARGUMENT;
  for (uint32_t at = 0; at < bytes; at += RT_HAL_FLASH_PAGE_BYTES) {
    change(offset + at, data + at, RT_HAL_FLASH_PAGE_BYTES, begin_operation());
    if (is_dark) return RT_ERROR_STATE;
    programs++;
  }
  return RT_OK;
}
