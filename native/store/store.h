/*
 * Slots in flash that survive a power cut: each has two places and is written to the older one, so
 * that what was saved before stays until the new content is complete.
 *
 * A place is a whole number of sectors and holds, little-endian:
 *
 *   offset  bytes
 *        0      4  magic "RtS1"
 *        4      4  number of the write, counted over all slots; the highest is the newest
 *        8      4  bytes of the content
 *       12      4  CRC-32 (ISO-HDLC) of offsets 4 to 11, then the content
 *       16         content
 *
 * The first page is programmed last. The region is rt_board.store_offset, store_bytes; place p of
 * slot s begins at (2 s + p) * rt_store_place_bytes().
 */
#ifndef RT_STORE_STORE_H
#define RT_STORE_STORE_H

#include <stdint.h>

#include "engine/status.h"

#define RT_STORE_SLOTS 4u
#define RT_STORE_NO_SLOT 255u
#define RT_STORE_HEADER_BYTES 16u

/* Reads what is there. Call once, before the others. RT_ERROR_ARENA_SIZE: the board's region is too
 * small for RT_STORE_SLOTS slots; then every slot is empty and nothing can be written. */
rt_status_t rt_store_init(void);

/* Bytes of one place, the header included; 0 when there is no room. */
uint32_t rt_store_place_bytes(void);

/*
 * Writes `head`, then `body`, as the new content of a slot. On failure the slot is as it was.
 * Errors: RT_ERROR_ARGUMENT (no such slot), RT_ERROR_FULL (too large), and what the flash reports.
 */
rt_status_t rt_store_write(uint32_t slot, const void *head, uint32_t head_bytes, const void *body,
                           uint32_t body_bytes);

/*
 * out: `*data`, the content in flash (good until the next write), and its size. Errors:
 * RT_ERROR_ARGUMENT (no such slot), RT_ERROR_EMPTY (nothing was saved), RT_ERROR_BLOB_CHECKSUM
 * (what was saved is damaged).
 */
rt_status_t rt_store_read(uint32_t slot, const uint8_t **data, uint32_t *bytes);

/* The slot written last, RT_STORE_NO_SLOT when none was. */
uint32_t rt_store_newest(void);

#endif
