#include "flash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

static struct {
  rt_power_image_t image;
  rt_power_trace_t *trace;
  uint32_t tag;
  rt_power_defect_t defect[RT_POWER_SECTORS_MOST];
  uint32_t reports;
  uint8_t programs_of[RT_POWER_PAGES_MOST];
  rt_power_counters_t counters;
} flash;

void rt_power_flash_make(uint32_t bytes) {
  if (bytes > RT_POWER_BYTES_MOST) abort();
  memset(&flash, 0, sizeof flash);
  flash.image.bytes = bytes;
  memset(flash.image.data, 0xff, bytes);
  rt_power_board_set(bytes);
}

rt_power_image_t *rt_power_flash_image(void) { return &flash.image; }
const rt_power_counters_t *rt_power_flash_counters(void) { return &flash.counters; }

void rt_power_image_copy(rt_power_image_t *to, const rt_power_image_t *from) {
  if (to == from) return;
  memcpy(to->data, from->data, from->bytes);
  if (from->has_weak) memcpy(to->weak, from->weak, from->bytes);
  to->bytes = from->bytes;
  to->has_weak = from->has_weak;
}

/* Nearly all weak cells one way, nearly all the other, or mixed: each is another trap. */
static void settle(rt_power_image_t *image, rt_power_random_t *random) {
  static const uint32_t shares[] = {0, 1, 8, 32, 128, 224, 255, 256};
  const uint32_t share = shares[rt_power_below(random, 8)];
  for (uint32_t i = 0; i < image->bytes; i++) {
    const uint32_t weak = image->weak[i];
    if (weak == 0) continue;
    uint32_t ones = 0;
    for (uint32_t bit = 1; bit < 256; bit <<= 1) {
      if (rt_power_below(random, 256) < share) ones |= bit;
    }
    image->data[i] = (uint8_t)((image->data[i] & ~weak) | (ones & weak));
  }
}

void rt_power_flash_start(const rt_power_image_t *image, rt_power_random_t *random) {
  rt_power_image_copy(&flash.image, image);
  if (flash.image.has_weak) settle(&flash.image, random);
}

void rt_power_image_apply(rt_power_image_t *image, const rt_power_operation_t *operation) {
  uint8_t *data = image->data + operation->at, *weak = image->weak + operation->at;
  if (operation->kind == RT_POWER_ERASE) {
    memset(data, 0xff, operation->bytes);
    if (image->has_weak) memset(weak, 0, operation->bytes);
    return;
  }
  for (uint32_t i = 0; i < operation->bytes; i++) data[i] &= operation->page[i];
  if (!image->has_weak) return;
  /* A cell programmed in full is a 0 for good. */
  for (uint32_t i = 0; i < operation->bytes; i++) weak[i] &= operation->page[i];
}

void rt_power_flash_record(rt_power_trace_t *trace) {
  flash.trace = trace;
  if (trace != NULL) trace->count = 0;
}

void rt_power_flash_tag(uint32_t tag) { flash.tag = tag; }

void rt_power_flash_break(uint32_t sector, rt_power_defect_t defect, uint32_t reports) {
  flash.defect[sector] = defect;
  flash.reports = reports;
}

/* ---- rt_hal_flash_* ---- */

const uint8_t *rt_hal_flash_data(uint32_t offset) {
  return flash.image.data + (offset - RT_POWER_STORE_OFFSET);
}

static rt_status_t check(uint32_t offset, uint32_t bytes, uint32_t unit) {
  const uint32_t at = offset - RT_POWER_STORE_OFFSET;
  if (offset % unit != 0 || bytes % unit != 0) return RT_ERROR_ARGUMENT;
  if (offset >= RT_POWER_STORE_OFFSET && at <= flash.image.bytes && bytes <= flash.image.bytes - at)
    return RT_OK;
  flash.counters.outside++;
  return RT_ERROR_ARGUMENT;
}

static void record(const rt_power_operation_t *operation) {
  rt_power_trace_t *trace = flash.trace;
  if (trace == NULL) return;
  if (trace->count == trace->capacity) {
    fprintf(stderr, "a run has more than %u flash operations\n", (unsigned)trace->capacity);
    exit(2);
  }
  trace->operation[trace->count++] = *operation;
}

static void count(const rt_power_operation_t *operation) {
  const uint32_t page = operation->at / RT_HAL_FLASH_PAGE_BYTES;
  if (operation->kind == RT_POWER_ERASE) {
    flash.counters.erases++;
    flash.counters.erases_of[operation->at / RT_HAL_FLASH_SECTOR_BYTES]++;
    memset(flash.programs_of + page, 0, RT_HAL_FLASH_SECTOR_BYTES / RT_HAL_FLASH_PAGE_BYTES);
    return;
  }
  flash.counters.programs++;
  if (flash.programs_of[page] < 255) flash.programs_of[page]++;
  if (flash.programs_of[page] > flash.counters.most_programs_of_a_page) {
    flash.counters.most_programs_of_a_page = flash.programs_of[page];
  }
}

/* Whether the operation did what it should, as the RP2040's HAL would find by reading back. */
static rt_status_t perform(const rt_power_operation_t *operation) {
  const uint32_t sector = operation->at / RT_HAL_FLASH_SECTOR_BYTES;
  const rt_power_defect_t defect = flash.defect[sector];
  count(operation);
  if (defect == RT_POWER_SOUND) {
    record(operation);
    rt_power_image_apply(&flash.image, operation);
    return RT_OK;
  }
  const uint32_t is_erase = operation->kind == RT_POWER_ERASE;
  if (defect != (is_erase ? RT_POWER_NO_ERASE : RT_POWER_NO_PROGRAM)) {
    rt_power_image_apply(&flash.image, operation);
  }
  if (defect == RT_POWER_STUCK_BIT && is_erase) {
    flash.image.data[sector * RT_HAL_FLASH_SECTOR_BYTES + 1234] &= (uint8_t)~0x10u;
  }
  if (!flash.reports) return RT_OK;
  const uint8_t *data = flash.image.data + operation->at;
  for (uint32_t i = 0; i < operation->bytes; i++) {
    const uint8_t expected = is_erase ? 0xff : operation->page[i];
    if ((data[i] & expected) != expected && is_erase) return RT_ERROR_STATE;
    if ((data[i] & ~expected) != 0) return RT_ERROR_STATE;
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  rt_status_t status = check(offset, bytes, RT_HAL_FLASH_SECTOR_BYTES);
  rt_power_operation_t operation = {
      .kind = RT_POWER_ERASE, .bytes = RT_HAL_FLASH_SECTOR_BYTES, .tag = flash.tag};
  for (uint32_t at = 0; at < bytes && status == RT_OK; at += RT_HAL_FLASH_SECTOR_BYTES) {
    operation.at = offset - RT_POWER_STORE_OFFSET + at;
    status = perform(&operation);
  }
  return status;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  rt_status_t status = check(offset, bytes, RT_HAL_FLASH_PAGE_BYTES);
  rt_power_operation_t operation = {
      .kind = RT_POWER_PROGRAM, .bytes = RT_HAL_FLASH_PAGE_BYTES, .tag = flash.tag};
  for (uint32_t at = 0; at < bytes && status == RT_OK; at += RT_HAL_FLASH_PAGE_BYTES) {
    operation.at = offset - RT_POWER_STORE_OFFSET + at;
    /* Copied first: `data` may lie in this flash, as on a board whose HAL copies as well. */
    memcpy(operation.page, data + at, RT_HAL_FLASH_PAGE_BYTES);
    status = perform(&operation);
  }
  return status;
}
