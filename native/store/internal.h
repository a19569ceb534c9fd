/*
 * What the files of the store share: log.c keeps the entries (commit, mount, compaction), space.c
 * the sectors of payloads (allocation, wear), old_format.c reads what was there before, store.c is
 * the interface of store.h. The layout here is docs/store.md's; all targets are little-endian.
 */
#ifndef RT_STORE_INTERNAL_H
#define RT_STORE_INTERNAL_H

#include <stdint.h>

#include "hal/hal.h"
#include "store/store.h"

#define RT_STORE_MAGIC 0x32537452u /* "RtS2" in memory */
#define RT_STORE_FORMAT 1u
#define RT_STORE_SLOT_BYTES 64u
#define RT_STORE_SLOT_COUNT 64u    /* of a log sector */
#define RT_STORE_HEADER_SLOTS 2u   /* the header and its copy */
#define RT_STORE_CHECKED_BYTES 52u /* of a slot, by its CRC */
#define RT_STORE_PAYLOAD_SECTORS_MAX \
  (RT_STORE_SECTORS_MAX - RT_STORE_STAGING_SECTORS - RT_STORE_LOG_SECTORS)
#define RT_STORE_NO_SECTOR 0xffffu
#define RT_STORE_RETIRED 255u /* in `wear`: this sector is not used any more */

typedef enum {
  RT_STORE_INLINE = 1, /* a record whose payload lies in the entry */
  RT_STORE_EXTENT = 2, /* a record whose payload lies in sectors */
  RT_STORE_GONE = 3,   /* versions from first_gone on are gone */
  RT_STORE_WEAR = 4    /* erases of sectors, at the beginning of a log sector */
} rt_store_kind_t;

/* 64 bytes of a log sector. Those behind the CRC are programmed later, in their order. */
typedef struct {
  uint16_t key; /* WEAR: the first sector */
  uint8_t kind;
  uint8_t length;      /* INLINE: bytes; WEAR: sectors */
  uint32_t number;     /* of the version; WEAR: what is to be added to each count */
  uint32_t first_gone; /* versions of the key from this one up to number are gone */
  union {
    uint8_t bytes[RT_STORE_INLINE_BYTES];
    struct {
      uint32_t start; /* from the beginning of the region */
      uint32_t bytes;
      uint32_t crc;
    } extent;
  } body;
  uint32_t crc;
  uint32_t marker; /* rt_store_marker(crc) once it is committed */
  uint8_t seal;    /* not 0xff: the marker was complete before this was programmed */
  uint8_t unused[3];
} rt_store_slot_t;

_Static_assert(sizeof(rt_store_slot_t) == RT_STORE_SLOT_BYTES, "the format has no padding");

/* Slots 0 and 1 of a log sector, with the same end. */
typedef struct {
  uint32_t magic;
  uint32_t generation; /* of log sectors, from 1; the highest is in use */
  uint16_t format;
  uint16_t sectors;     /* for payloads */
  uint16_t first_entry; /* slots before it were written before the markers of the header */
  uint16_t reserved;
  uint32_t next_number;
  uint8_t unused[32];
  uint32_t crc;
  uint32_t marker;
  uint8_t seal;
  uint8_t unused_end[3];
} rt_store_header_t;

_Static_assert(sizeof(rt_store_header_t) == RT_STORE_SLOT_BYTES, "the format has no padding");

typedef struct {
  uint16_t sectors;    /* for payloads; 0: no region */
  uint32_t generation; /* of the log sector in use; 0: none yet */
  uint32_t next_number;
  uint32_t live[RT_STORE_SLOT_COUNT / 32];    /* slots whose record counts */
  uint32_t flipped[RT_STORE_SLOT_COUNT / 32]; /* of them, slots with a changed bit */
  uint8_t log_sector;                         /* in use: 0 to RT_STORE_LOG_SECTORS - 1 */
  uint8_t next_slot;                          /* where the next entry goes */
  uint8_t is_suspect; /* since mount nothing was written: the next slot may have been cut */
  uint8_t is_damaged; /* a changed bit was seen: the log is written anew before the next entry */
  /* The sector that was erased last and its next free page: for small records of this session. */
  uint16_t open_sector;
  uint8_t open_page;
  uint32_t wear_base; /* erases of a sector: wear_base + wear[sector] */
  uint8_t wear[RT_STORE_PAYLOAD_SECTORS_MAX];
  uint8_t mended[RT_STORE_INLINE_BYTES]; /* payload of an entry with a changed bit */
} rt_store_state_t;

extern rt_store_state_t rt_store;

/* Bit `index` of `live` or `flipped`. */
static inline uint32_t rt_store_is_set(const uint32_t *set, uint32_t index) {
  return (set[index / 32u] >> (index % 32u)) & 1u;
}

static inline uint32_t rt_store_payload_bytes(void) {
  return rt_store.sectors * RT_HAL_FLASH_SECTOR_BYTES;
}

/* From the beginning of the region to memory. */
static inline const uint8_t *rt_store_flash(uint32_t offset) {
  return rt_hal_flash_data(rt_board.store_offset + offset);
}

/* Whether the payload of an extent lies where one can: what a log says is believed, but not
 * blindly. */
static inline uint32_t rt_store_is_inside(const rt_store_slot_t *entry) {
  const uint32_t staging_bytes = RT_STORE_STAGING_SECTORS * RT_HAL_FLASH_SECTOR_BYTES;
  const uint32_t end = rt_store_payload_bytes() + staging_bytes;
  const uint32_t start = entry->body.extent.start;
  return start <= end && entry->body.extent.bytes <= end - start;
}

/* Erases one sector and looks whether it is blank. `offset` from the beginning of the region. */
rt_status_t rt_store_erase_sector(uint32_t offset);
/* Programs one page and compares. */
rt_status_t rt_store_program_page(uint32_t offset, const uint8_t *page);

/* ---- log.c ---- */

/* Finds the log sector in use and what it says; settles what a cut left half done. */
void rt_store_log_mount(void);

/* Makes room for an entry; afterwards the next append does not write the log anew. */
rt_status_t rt_store_log_reserve(void);

/* Commits an entry: its CRC, marker and seal are filled in here, and `live` follows. */
rt_status_t rt_store_log_append(rt_store_slot_t *entry);

/*
 * Copies a slot and mends one changed bit. `*is_mended` (out): it did. RT_ERROR_BLOB_CHECKSUM: no
 * committed entry.
 */
rt_status_t rt_store_log_read(uint32_t slot, rt_store_slot_t *copy, uint32_t *is_mended);

typedef struct {
  uint16_t key;
  uint32_t number;
} rt_store_id_t;

/* Whose record a live slot holds. Faster than reading it: looks at the CRC only where need be. */
void rt_store_log_identify(uint32_t slot, rt_store_id_t *id);

/* Where a slot's payload lies. */
const uint8_t *rt_store_log_payload(uint32_t slot);

/* ---- space.c ---- */

/* Content of a record. */
typedef struct {
  const rt_store_part_t *parts;
  uint32_t count;
  uint32_t bytes;
} rt_store_content_t;

/*
 * Writes a record's payload into free sectors. `victim`: number of the version that dies with this
 * commit, whose sectors may be used when there are no others; 0: none. out: the extent.
 */
rt_status_t rt_store_space_write(const rt_store_content_t *content, uint32_t victim,
                                 rt_store_slot_t *entry);

/* Moves one record if it keeps a little-worn sector from use. RT_ERROR_EMPTY: there is none. */
rt_status_t rt_store_space_level(void);

/* Moves one record that lies outside the payloads' sectors. RT_ERROR_EMPTY: there is none. */
rt_status_t rt_store_space_rescue(void);

/* Counts the erases of an entry that was found in the log at mount. */
void rt_store_space_count(const rt_store_slot_t *entry);

#define RT_STORE_USED_BYTES ((RT_STORE_PAYLOAD_SECTORS_MAX + 7u) / 8u)

/* Sectors that hold nothing that is kept; `*longest` (out): the longest run of them. */
uint32_t rt_store_space_free(uint32_t *longest);

/* ---- old_format.c ---- */

#define RT_STORE_OLD_PLACES 8u

/* Fills in an entry for what a place of format "RtS1" holds. RT_ERROR_EMPTY: nothing good. */
rt_status_t rt_store_old_entry(uint32_t place, rt_store_slot_t *entry);

#endif
