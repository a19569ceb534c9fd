/*
 * Where deployed programs lie: the board's program region (rt_board.program_offset, program_bytes)
 * is two places, each half of it, so that a new program is written beside the one that runs. A
 * program that does not fit in half takes the whole region, and then there is no other meanwhile.
 *
 * A place begins with a header of one page, written last: without it there is no program.
 *    0 u32 magic "RTP2"               4 u32 bytes of the program     8 u32 CRC-32 of the program
 *   12 u8[32] SHA-256 of the program 44 u32 sequence, from 1: the higher is the newer
 *   48 u32[4] 0                      64 u8[120] the owner's statement (store/trust.h), or 0xff
 *  184 0xff                         252 u32 CRC-32 of bytes 0 to 251
 * The program follows at offset RT_PLACES_HEADER_BYTES and runs in place. A program of an earlier
 * firmware ("RTP1", CRC-32 of bytes 0 to 43 at 44, nothing behind) is still found, in the first
 * place. CRC-32 is that of zlib; the numbers are little-endian.
 *
 * No memory of its own.
 */
#ifndef RT_BUS_PLACES_H
#define RT_BUS_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"

#define RT_PLACES_HEADER_BYTES 256u

typedef struct {
  const uint8_t *program; /* in flash, 4-aligned; NULL: none */
  uint32_t program_bytes;
  const uint8_t *sha256;    /* in flash */
  const uint8_t *statement; /* in flash; NULL: unsigned */
  uint32_t sequence;        /* highest of any header, also when there is no program */
  uint8_t is_whole;         /* it takes the whole region */
  uint8_t was_refused;      /* a whole one was left out because the owner has not signed it */
} rt_places_program_t;

/*
 * The newest program that is whole; on a locked board (rt_trust_is_locked) only one that the owner
 * has signed, which takes a fifth of a second on an RP2040. Reads the headers, and of the program
 * every byte.
 */
void rt_places_find(rt_places_program_t *found);

/* A stretch of flash for a header and a program; `bytes` is 0 when the region is too small. */
typedef struct {
  uint32_t offset; /* from the start of the chip */
  uint32_t bytes;
  uint8_t is_whole; /* nothing else stays in the region */
} rt_place_t;

/* Where a program of `bytes` bytes goes: not where `present` is, if that can be. */
void rt_places_choose(const rt_places_program_t *present, uint32_t bytes, rt_place_t *place);

/* Fills `page` (a flash page) with the header of the program at `program`. `statement` may be NULL.
 */
void rt_places_write_header(uint8_t *page, const uint8_t *program, uint32_t bytes,
                            const uint8_t *sha256, uint32_t sequence, const uint8_t *statement);

/* Erases headers that must not be found later: in the second place what a program of the whole
 * region left there; both when `bytes` is 0, which stands for no program at all. */
rt_status_t rt_places_clear(const rt_place_t *place, uint32_t bytes);

/* Whether the program at `program` lies where `place` would be written. */
uint32_t rt_places_overlap(const rt_place_t *place, const uint8_t *program);

#endif
