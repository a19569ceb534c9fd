#include "store/store.h"

#include <stddef.h>

#include "hal/hal.h"

#define MAGIC 0x31537452u /* "RtS1" in memory */
#define PLACES (2u * RT_STORE_SLOTS)
#define NO_PLACE 255u

static struct {
  uint32_t place_bytes;
  uint32_t newest_number;
  uint8_t current[RT_STORE_SLOTS]; /* place 0 or 1 of a slot's content, or NO_PLACE */
  uint8_t newest_slot;
} store;

typedef struct {
  uint32_t number;
  uint32_t bytes;
  uint32_t checksum;
} header_t;

typedef enum { PLACE_EMPTY, PLACE_DAMAGED, PLACE_GOOD } place_state_t;

/* CRC-32 of a nibble, reflected polynomial 0xEDB88320. */
static const uint32_t crc_table[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu,
                                       0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
                                       0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
                                       0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};

/* crc: 0 at the start, then what the call before returned. */
static uint32_t crc32_of(uint32_t crc, const uint8_t *bytes, uint32_t count) {
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
  }
  return ~crc;
}

static void put32(uint8_t *at, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *at) {
  return at[0] | ((uint32_t)at[1] << 8) | ((uint32_t)at[2] << 16) | ((uint32_t)at[3] << 24);
}

/* ---- places ---- */

static uint32_t place_offset(uint32_t slot, uint32_t place) {
  return rt_board.store_offset + (2u * slot + place) * store.place_bytes;
}

static place_state_t read_place(uint32_t slot, uint32_t place, header_t *header) {
  const uint8_t *at = rt_hal_flash_data(place_offset(slot, place));
  if (get32(at) != MAGIC) return PLACE_EMPTY;
  header->number = get32(at + 4);
  header->bytes = get32(at + 8);
  header->checksum = get32(at + 12);
  if (header->bytes > store.place_bytes - RT_STORE_HEADER_BYTES) return PLACE_DAMAGED;
  uint32_t crc = crc32_of(0, at + 4, 8);
  crc = crc32_of(crc, at + RT_STORE_HEADER_BYTES, header->bytes);
  return crc == header->checksum ? PLACE_GOOD : PLACE_DAMAGED;
}

/* ---- reading ---- */

static void scan_slot(uint32_t slot) {
  uint32_t best = 0;
  store.current[slot] = NO_PLACE;
  for (uint32_t place = 0; place < 2; place++) {
    header_t header;
    if (read_place(slot, place, &header) != PLACE_GOOD) continue;
    if (header.number <= best && store.current[slot] != NO_PLACE) continue;
    best = header.number;
    store.current[slot] = (uint8_t)place;
  }
  if (store.current[slot] == NO_PLACE) return;
  if (store.newest_slot != RT_STORE_NO_SLOT && best <= store.newest_number) return;
  store.newest_number = best;
  store.newest_slot = (uint8_t)slot;
}

rt_status_t rt_store_init(void) {
  const uint32_t sectors = rt_board.store_bytes / PLACES / RT_HAL_FLASH_SECTOR_BYTES;
  store.place_bytes = sectors * RT_HAL_FLASH_SECTOR_BYTES;
  store.newest_number = 0;
  store.newest_slot = RT_STORE_NO_SLOT;
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) store.current[slot] = NO_PLACE;
  if (store.place_bytes == 0) return RT_ERROR_ARENA_SIZE;
  for (uint32_t slot = 0; slot < RT_STORE_SLOTS; slot++) scan_slot(slot);
  return RT_OK;
}

uint32_t rt_store_place_bytes(void) { return store.place_bytes; }

uint32_t rt_store_newest(void) { return store.newest_slot; }

rt_status_t rt_store_read(uint32_t slot, const uint8_t **data, uint32_t *bytes) {
  if (slot >= RT_STORE_SLOTS) return RT_ERROR_ARGUMENT;
  if (store.place_bytes == 0) return RT_ERROR_EMPTY;
  header_t header;
  if (store.current[slot] == NO_PLACE) {
    const uint32_t damaged = read_place(slot, 0, &header) == PLACE_DAMAGED ||
                             read_place(slot, 1, &header) == PLACE_DAMAGED;
    return damaged ? RT_ERROR_BLOB_CHECKSUM : RT_ERROR_EMPTY;
  }
  const uint32_t place = store.current[slot];
  if (read_place(slot, place, &header) != PLACE_GOOD) return RT_ERROR_BLOB_CHECKSUM;
  *data = rt_hal_flash_data(place_offset(slot, place)) + RT_STORE_HEADER_BYTES;
  *bytes = header.bytes;
  return RT_OK;
}

/* ---- writing ---- */

/* Header, head and body one behind the other, as a place holds them. */
typedef struct {
  const uint8_t *part[3];
  uint32_t bytes[3];
} content_t;

/* Copies the `RT_HAL_FLASH_PAGE_BYTES` from `offset` on; behind the end stays erased. */
static void gather_page(const content_t *content, uint32_t offset, uint8_t *page) {
  uint32_t filled = 0;
  for (uint32_t i = 0; i < 3; i++) {
    uint32_t length = content->bytes[i];
    if (offset >= length) {
      offset -= length;
      continue;
    }
    length -= offset;
    if (length > RT_HAL_FLASH_PAGE_BYTES - filled) length = RT_HAL_FLASH_PAGE_BYTES - filled;
    __builtin_memcpy(page + filled, content->part[i] + offset, length);
    filled += length;
    offset = 0;
  }
  for (; filled < RT_HAL_FLASH_PAGE_BYTES; filled++) page[filled] = 0xff;
}

static rt_status_t program_page(const content_t *content, uint32_t at, uint32_t offset) {
  uint8_t page[RT_HAL_FLASH_PAGE_BYTES];
  gather_page(content, offset, page);
  return rt_hal_flash_program(at + offset, page, RT_HAL_FLASH_PAGE_BYTES);
}

static rt_status_t program_place(const content_t *content, uint32_t at) {
  const uint32_t total = content->bytes[0] + content->bytes[1] + content->bytes[2];
  const uint32_t sectors = (total + RT_HAL_FLASH_SECTOR_BYTES - 1) / RT_HAL_FLASH_SECTOR_BYTES;
  rt_status_t status = rt_hal_flash_erase(at, sectors * RT_HAL_FLASH_SECTOR_BYTES);
  for (uint32_t offset = RT_HAL_FLASH_PAGE_BYTES; offset < total && status == RT_OK;
       offset += RT_HAL_FLASH_PAGE_BYTES) {
    status = program_page(content, at, offset);
  }
  return status == RT_OK ? program_page(content, at, 0) : status;
}

rt_status_t rt_store_write(uint32_t slot, const void *head, uint32_t head_bytes, const void *body,
                           uint32_t body_bytes) {
  if (slot >= RT_STORE_SLOTS) return RT_ERROR_ARGUMENT;
  if (store.place_bytes == 0) return RT_ERROR_FULL;
  const uint32_t room = store.place_bytes - RT_STORE_HEADER_BYTES;
  if (head_bytes > room || body_bytes > room - head_bytes) return RT_ERROR_FULL;

  const uint32_t number = store.newest_number + 1u;
  uint8_t header[RT_STORE_HEADER_BYTES];
  put32(header, MAGIC);
  put32(header + 4, number);
  put32(header + 8, head_bytes + body_bytes);
  uint32_t crc = crc32_of(0, header + 4, 8);
  crc = crc32_of(crc, head, head_bytes);
  crc = crc32_of(crc, body, body_bytes);
  put32(header + 12, crc);

  const content_t content = {.part = {header, head, body},
                             .bytes = {sizeof header, head_bytes, body_bytes}};
  const uint32_t place = store.current[slot] == 0 ? 1 : 0;
  rt_status_t status = program_place(&content, place_offset(slot, place));
  if (status != RT_OK) return status;
  header_t written;
  if (read_place(slot, place, &written) != PLACE_GOOD || written.number != number) {
    return RT_ERROR_BLOB_CHECKSUM;
  }
  store.current[slot] = (uint8_t)place;
  store.newest_slot = (uint8_t)slot;
  store.newest_number = number;
  return RT_OK;
}
