/*
 * A file on its way into the staging area. Its announcement is a record of the store, written after
 * the area was erased, so what lies in the area after a reset is of this file. How much of it is
 * told by the flash itself: what is behind the last byte that is not 0xff has not arrived, or is
 * 0xff.
 */
#include "store/delta_transfer.h"

#include "hal/hal.h"

#define SECTOR RT_HAL_FLASH_SECTOR_BYTES
#define PAGE RT_HAL_FLASH_PAGE_BYTES
/* Pages that do not read back until the flash is given up, in one go of a transfer. */
#define MISMATCHES_MAX 2u

rt_delta_transfer_t rt_delta_transfer;

typedef struct {
  uint32_t size;
  uint8_t sha256[RT_DELTA_HASH_BYTES];
} announcement_t;

_Static_assert(sizeof(announcement_t) <= RT_STORE_INLINE_BYTES, "costs no sector");

static uint32_t whole_sectors(uint32_t bytes) { return (bytes + SECTOR - 1u) / SECTOR * SECTOR; }

void rt_delta_transfer_init(void) {
  rt_delta_transfer_t *transfer = &rt_delta_transfer;
  transfer->size = transfer->received = 0;
  transfer->mismatches = 0;
  if (rt_store_staging(&transfer->staging, &transfer->area) != RT_OK) transfer->area = 0;
}

/* The last sector is kept for what the file is decoded to. */
uint32_t rt_delta_staging_bytes(void) {
  return rt_delta_transfer.area <= SECTOR ? 0 : rt_delta_transfer.area - SECTOR;
}

uint32_t rt_delta_received(void) { return rt_delta_transfer.received; }

const uint8_t *rt_delta_file(void) { return rt_hal_flash_data(rt_delta_transfer.staging); }

uint32_t rt_delta_decoded_offset(uint32_t bytes) {
  const rt_delta_transfer_t *transfer = &rt_delta_transfer;
  const uint32_t at = whole_sectors(transfer->size);
  return at + whole_sectors(bytes) <= transfer->area ? transfer->staging + at : 0;
}

void rt_delta_transfer_drop(void) {
  rt_delta_transfer.size = rt_delta_transfer.received = 0;
  rt_store_drop(RT_STORE_KEY_TRANSFER); /* there may be none */
}

rt_status_t rt_delta_program(uint32_t offset, const uint8_t *bytes, uint32_t count) {
  uint8_t page[PAGE];
  const uint32_t first = offset % PAGE;
  __builtin_memset(page, 0xff, sizeof page);
  __builtin_memcpy(page + first, bytes, count);
  const rt_status_t status = rt_hal_flash_program(offset - first, page, sizeof page);
  if (status != RT_OK) return status;
  const uint8_t *written = rt_hal_flash_data(offset);
  for (uint32_t i = 0; i < count; i++) {
    if (written[i] != bytes[i]) return RT_ERROR_STATE;
  }
  return RT_OK;
}

/* ---- begin ---- */

static uint32_t is_present(uint32_t size, const uint8_t *sha256) {
  const rt_delta_transfer_t *transfer = &rt_delta_transfer;
  return transfer->size == size &&
         __builtin_memcmp(transfer->sha256, sha256, sizeof transfer->sha256) == 0;
}

/* Up to where the area holds something, from the start of a page: of the last one perhaps only
 * some bits arrived. */
static uint32_t present_bytes(uint32_t size) {
  const uint8_t *file = rt_delta_file();
  while (size > 0 && file[size - 1u] == 0xff) size--;
  return size == 0 ? 0 : (size - 1u) / PAGE * PAGE;
}

/* A transfer of before the reset. */
static uint32_t is_resumed(uint32_t size, const uint8_t *sha256) {
  const uint8_t *data;
  uint32_t bytes;
  announcement_t announced;
  if (rt_store_get(RT_STORE_KEY_TRANSFER, &data, &bytes) != RT_OK) return 0;
  if (bytes != sizeof announced) return 0;
  __builtin_memcpy(&announced, data, sizeof announced);
  return announced.size == size &&
         __builtin_memcmp(announced.sha256, sha256, sizeof announced.sha256) == 0;
}

static rt_delta_status_t announce(uint32_t size, const uint8_t *sha256) {
  announcement_t announced = {.size = size};
  __builtin_memcpy(announced.sha256, sha256, sizeof announced.sha256);
  const rt_store_part_t part = {&announced, sizeof announced};
  /* Erased behind no announcement, announced when erased: see above. */
  rt_delta_transfer_drop();
  if (rt_hal_flash_erase(rt_delta_transfer.staging, whole_sectors(size)) != RT_OK) {
    return RT_DELTA_FLASH_FAILED;
  }
  return rt_store_put(RT_STORE_KEY_TRANSFER, &part, 1) == RT_OK ? RT_DELTA_OK
                                                                : RT_DELTA_FLASH_FAILED;
}

rt_delta_status_t rt_delta_begin(uint32_t size, const uint8_t *sha256, uint32_t *offset) {
  rt_delta_transfer_t *transfer = &rt_delta_transfer;
  *offset = transfer->received;
  if (rt_delta_is_installing()) return RT_DELTA_IS_BUSY;
  if (size == 0) return RT_DELTA_NOT_A_DELTA;
  if (size > rt_delta_staging_bytes()) return RT_DELTA_TOO_LARGE;
  if (is_present(size, sha256)) return RT_DELTA_OK;
  uint32_t received = 0;
  if (is_resumed(size, sha256)) {
    received = present_bytes(size);
  } else {
    const rt_delta_status_t status = announce(size, sha256);
    *offset = 0;
    if (status != RT_DELTA_OK) return status;
  }
  transfer->size = size;
  transfer->received = *offset = received;
  transfer->mismatches = 0;
  __builtin_memcpy(transfer->sha256, sha256, sizeof transfer->sha256);
  return RT_DELTA_OK;
}

/* ---- data ---- */

/* The piece's part in one page did not become what it should: its sector begins anew. */
static rt_delta_status_t restart_sector(uint32_t at) {
  rt_delta_transfer_t *transfer = &rt_delta_transfer;
  const uint32_t sector = at - at % SECTOR;
  transfer->received = sector;
  if (++transfer->mismatches >= MISMATCHES_MAX ||
      rt_hal_flash_erase(transfer->staging + sector, SECTOR) != RT_OK) {
    rt_delta_transfer_drop();
    return RT_DELTA_FLASH_FAILED;
  }
  return RT_DELTA_WRONG_OFFSET;
}

static rt_delta_status_t write_piece(uint32_t at, const uint8_t *bytes, uint32_t count) {
  rt_delta_transfer_t *transfer = &rt_delta_transfer;
  while (count > 0) {
    const uint32_t room = PAGE - at % PAGE;
    const uint32_t chunk = count < room ? count : room;
    if (rt_delta_program(transfer->staging + at, bytes, chunk) != RT_OK) return restart_sector(at);
    at += chunk;
    bytes += chunk;
    count -= chunk;
    transfer->received = at;
  }
  return RT_DELTA_OK;
}

rt_delta_status_t rt_delta_data(uint32_t at, const uint8_t *bytes, uint32_t count,
                                uint32_t *offset) {
  rt_delta_transfer_t *transfer = &rt_delta_transfer;
  rt_delta_status_t status = RT_DELTA_OK;
  if (transfer->size == 0) {
    status = RT_DELTA_NOT_BEGUN;
  } else if (rt_delta_is_installing()) {
    status = RT_DELTA_IS_BUSY;
  } else if (at != transfer->received) {
    status = RT_DELTA_WRONG_OFFSET;
  } else if (count == 0 || count > RT_DELTA_PIECE_BYTES || count > transfer->size - at) {
    status = RT_DELTA_TOO_LARGE;
  } else {
    status = write_piece(at, bytes, count);
  }
  *offset = transfer->received;
  return status;
}
