#include "bus/places.h"

#include "bus/internal.h"
#include "bus/sha256.h"
#include "store/store.h"
#include "store/trust.h"

#define MAGIC 0x32505452u        /* "RTP2" */
#define MAGIC_BEFORE 0x31505452u /* "RTP1" */

#define AT_BYTES 4u
#define AT_PROGRAM_CRC 8u
#define AT_SHA 12u
#define AT_SEQUENCE 44u
#define AT_RESERVED 48u
#define AT_STATEMENT 64u
#define AT_CRC 252u
#define AT_CRC_BEFORE 44u

#define PLACES 2u

/* ---- Geometry ---- */

/* Bytes of a half; 0: the region cannot be halved. */
static uint32_t half_bytes(void) {
  const uint32_t sectors = rt_board.program_bytes / (PLACES * RT_HAL_FLASH_SECTOR_BYTES);
  return sectors * RT_HAL_FLASH_SECTOR_BYTES;
}

static const uint8_t *header_at(uint32_t place) {
  return rt_hal_flash_data(rt_board.program_offset + place * half_bytes());
}

static uint32_t fits(uint32_t bytes, uint32_t room) {
  return room > RT_PLACES_HEADER_BYTES && bytes <= room - RT_PLACES_HEADER_BYTES;
}

void rt_places_choose(const rt_places_program_t *present, uint32_t bytes, rt_place_t *place) {
  const uint32_t half = half_bytes();
  place->offset = rt_board.program_offset;
  place->bytes = fits(bytes, rt_board.program_bytes) ? rt_board.program_bytes : 0;
  place->is_whole = 1;
  if (!fits(bytes, half)) return;
  place->bytes = half;
  place->is_whole = present->program != NULL && present->is_whole;
  const uint32_t is_first =
      present->program == header_at(0) + RT_PLACES_HEADER_BYTES && !present->is_whole;
  if (is_first) place->offset += half;
}

uint32_t rt_places_overlap(const rt_place_t *place, const uint8_t *program) {
  const uint8_t *begin = rt_hal_flash_data(place->offset);
  /* A program that takes the whole region begins in the first place and reaches into the second. */
  if (place->is_whole) begin = rt_hal_flash_data(rt_board.program_offset);
  const uint32_t bytes = place->is_whole ? rt_board.program_bytes : place->bytes;
  return program >= begin && program < begin + bytes;
}

rt_status_t rt_places_clear(const rt_place_t *place, uint32_t bytes) {
  const uint32_t half = half_bytes();
  if (half == 0) return RT_OK;
  const uint32_t second = rt_board.program_offset + half;
  if (bytes == 0) {
    const rt_status_t status =
        rt_hal_flash_erase(rt_board.program_offset, RT_HAL_FLASH_SECTOR_BYTES);
    if (status != RT_OK) return status;
  } else if (!place->is_whole || !fits(bytes, half)) {
    return RT_OK;
  }
  return rt_hal_flash_erase(second, RT_HAL_FLASH_SECTOR_BYTES);
}

/* ---- Headers ---- */

/* Whether the header is one; `*sequence` (out) is 0 of an earlier firmware's. */
static uint32_t read_header(uint32_t place, uint32_t *sequence) {
  const uint8_t *header = header_at(place);
  const uint32_t magic = rt_bus_load32(header);
  *sequence = 0;
  if (magic == MAGIC_BEFORE && place == 0) {
    return rt_store_crc32(0, header, AT_CRC_BEFORE) == rt_bus_load32(header + AT_CRC_BEFORE);
  }
  if (magic != MAGIC) return 0;
  if (rt_store_crc32(0, header, AT_CRC) != rt_bus_load32(header + AT_CRC)) return 0;
  *sequence = rt_bus_load32(header + AT_SEQUENCE);
  return 1;
}

static uint32_t is_signed(const uint8_t *header) {
  return rt_bus_load32(header) == MAGIC &&
         rt_bus_load32(header + AT_STATEMENT) == RT_TRUST_PROGRAM_MAGIC;
}

static uint32_t is_equal(const uint8_t *a, const uint8_t *b, uint32_t bytes) {
  uint32_t i = 0;
  while (i < bytes && a[i] == b[i]) i++;
  return i == bytes;
}

/* Whether the owner has signed these very bytes. */
static uint32_t is_trusted(const uint8_t *header, uint32_t bytes) {
  if (!rt_trust_is_locked()) return 1;
  /* Nobody can tell, and over a link nobody could write it: rather run it than stand still. */
  if (rt_trust_state() == RT_TRUST_DAMAGED) return 1;
  if (!is_signed(header)) return 0;
  const uint8_t *statement = header + AT_STATEMENT;
  uint8_t sha256[RT_SHA256_BYTES];
  rt_sha256(header + RT_PLACES_HEADER_BYTES, bytes, sha256);
  return rt_trust_program_bytes(statement) == bytes &&
         is_equal(rt_trust_program_sha256(statement), sha256, sizeof sha256) &&
         rt_trust_check_program(statement, RT_TRUST_STATEMENT_BYTES) == RT_TRUST_OK;
}

/* Takes the program of a place with a good header, if it is whole; returns whether it did. */
static uint32_t take(uint32_t place, rt_places_program_t *found) {
  const uint8_t *header = header_at(place);
  const uint32_t bytes = rt_bus_load32(header + AT_BYTES);
  const uint32_t room = place == 0 ? rt_board.program_bytes : half_bytes();
  if (bytes == 0 || !fits(bytes, room)) return 0;
  const uint8_t *program = header + RT_PLACES_HEADER_BYTES;
  if (rt_store_crc32(0, program, bytes) != rt_bus_load32(header + AT_PROGRAM_CRC)) return 0;
  if (!is_trusted(header, bytes)) {
    found->was_refused = 1;
    return 0;
  }
  found->program = program;
  found->program_bytes = bytes;
  found->sha256 = header + AT_SHA;
  found->statement = is_signed(header) ? header + AT_STATEMENT : NULL;
  found->is_whole = !fits(bytes, half_bytes());
  return 1;
}

void rt_places_find(rt_places_program_t *found) {
  uint32_t sequence[PLACES] = {0}, is_there[PLACES] = {0};
  *found = (rt_places_program_t){0};
  if (rt_board.program_bytes <= RT_PLACES_HEADER_BYTES) return;
  is_there[0] = read_header(0, &sequence[0]);
  /* What lies in the second place may be the middle of a program that takes both. */
  const uint32_t is_whole =
      is_there[0] && !fits(rt_bus_load32(header_at(0) + AT_BYTES), half_bytes());
  if (half_bytes() != 0 && !is_whole) is_there[1] = read_header(1, &sequence[1]);
  const uint32_t newest = is_there[1] && (!is_there[0] || sequence[1] > sequence[0]);
  found->sequence = sequence[newest];
  if (is_there[newest] && take(newest, found)) return;
  if (is_there[!newest]) take(!newest, found);
}

void rt_places_write_header(uint8_t *page, const uint8_t *program, uint32_t bytes,
                            const uint8_t *sha256, uint32_t sequence, const uint8_t *statement) {
  for (uint32_t i = 0; i < RT_PLACES_HEADER_BYTES; i++) page[i] = 0xff;
  rt_bus_store32(page, MAGIC);
  rt_bus_store32(page + AT_BYTES, bytes);
  rt_bus_store32(page + AT_PROGRAM_CRC, rt_store_crc32(0, program, bytes));
  rt_bus_copy(page + AT_SHA, sha256, RT_SHA256_BYTES);
  rt_bus_store32(page + AT_SEQUENCE, sequence);
  for (uint32_t at = AT_RESERVED; at < AT_STATEMENT; at += 4u) rt_bus_store32(page + at, 0);
  if (statement != NULL) rt_bus_copy(page + AT_STATEMENT, statement, RT_TRUST_STATEMENT_BYTES);
  rt_bus_store32(page + AT_CRC, rt_store_crc32(0, page, AT_CRC));
}
