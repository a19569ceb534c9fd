/*
 * Format "RtS1", which boards had before: four slots of two places, each place an eighth of the
 * region in whole sectors, with a header of 16 bytes (magic, number of the write, bytes, CRC-32 of
 * these two and the content) before an adapter's blob. Its contents become versions of the
 * adapters' keys where they lie; the first commit of the new log takes all of them over at once.
 */
#include "store/internal.h"

#define OLD_MAGIC 0x31537452u /* "RtS1" in memory */
#define OLD_HEADER_BYTES 16u

typedef struct {
  uint32_t magic, number, bytes, crc;
} old_header_t;

static uint32_t place_bytes(void) {
  const uint32_t sectors = rt_board.store_bytes / RT_STORE_OLD_PLACES / RT_HAL_FLASH_SECTOR_BYTES;
  return sectors * RT_HAL_FLASH_SECTOR_BYTES;
}

rt_status_t rt_store_old_entry(uint32_t place, rt_store_slot_t *entry) {
  old_header_t header;
  const uint32_t start = place * place_bytes();
  /* The log would overwrite what lies in its place. */
  const uint32_t end =
      rt_store_payload_bytes() + RT_STORE_STAGING_SECTORS * RT_HAL_FLASH_SECTOR_BYTES;
  if (place_bytes() == 0 || start + OLD_HEADER_BYTES > end) return RT_ERROR_EMPTY;
  const uint8_t *at = rt_store_flash(start);
  __builtin_memcpy(&header, at, sizeof header);
  if (header.magic != OLD_MAGIC || header.bytes > place_bytes() - OLD_HEADER_BYTES ||
      header.bytes > end - start - OLD_HEADER_BYTES || header.number > UINT32_MAX / 2u) {
    return RT_ERROR_EMPTY;
  }
  uint32_t crc = rt_store_crc32(0, at + 4, 8);
  crc = rt_store_crc32(crc, at + OLD_HEADER_BYTES, header.bytes);
  if (crc != header.crc) return RT_ERROR_EMPTY;
  __builtin_memset(entry, 0xff, sizeof *entry);
  entry->key = (uint16_t)(RT_STORE_KEY_ADAPTER + place / 2u);
  entry->kind = RT_STORE_EXTENT;
  entry->number = header.number;
  entry->body.extent.start = start + OLD_HEADER_BYTES;
  entry->body.extent.bytes = header.bytes;
  entry->body.extent.crc = rt_store_crc32(0, at + OLD_HEADER_BYTES, header.bytes);
  return RT_OK;
}
