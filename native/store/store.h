/*
 * Keyed records in flash that survive a power cut at any moment: a log of 64-byte entries (each
 * with CRC-32 and a commit marker) in four sectors taken in turn, and the payloads of larger
 * records in sectors of their own, never overwritten while an entry refers to them. The format,
 * byte by byte, and why a cut can lose nothing: docs/store.md.
 *
 * The region is rt_board.store_offset, store_bytes (of it at most RT_STORE_SECTORS_MAX sectors):
 *
 *   records' payloads | staging area (RT_STORE_STAGING_SECTORS) | log (RT_STORE_LOG_SECTORS)
 *
 * Each call that writes is one atomic commit: after a cut either all of it is there or nothing.
 * There are no transactions over several calls; order them so that every prefix makes sense. Of
 * each key the newest RT_STORE_VERSIONS versions are kept.
 *
 * The store owns its memory (below 300 bytes). Not reentrant: call from the main loop only. Those
 * that write keep the processor for 45 ms an erased sector and 0.4 ms a page (typical W25Q16JV).
 */
#ifndef RT_STORE_STORE_H
#define RT_STORE_STORE_H

#include <stdint.h>

#include "engine/status.h"

#define RT_STORE_STAGING_SECTORS 4u
#define RT_STORE_LOG_SECTORS 4u
#define RT_STORE_SECTORS_MAX 128u /* of 4,096 bytes; what the board gives beyond stays unused */
#define RT_STORE_SECTORS_MIN 10u
#define RT_STORE_VERSIONS 2u /* of each key, the newest included */
/* Versions of all keys together. When they are that many, no key can be added, and one that has a
 * single version keeps only the new one when it is written. */
#define RT_STORE_RECORDS_MAX 44u
#define RT_STORE_INLINE_BYTES \
  40u /* up to here a record costs no sector, only an entry of the log */

/* Keys: 1 to 0xfffe. Who adds one adds it here. */
#define RT_STORE_KEY_ADAPTER 0x0100u       /* + slot: adapter_record.h */
#define RT_STORE_KEY_ADAPTER_STATE 0x0120u /* + slot: adapter_record.h, at most INLINE_BYTES */
#define RT_STORE_KEY_COUNTER 0x0200u       /* monotonic counters: + 0 deltas, + 1 programs */
#define RT_STORE_KEY_TRUST 0x0210u         /* the owner's public key, and whether it is locked */
#define RT_STORE_KEY_TRANSFER 0x0220u      /* what the staging area holds */
#define RT_STORE_KEY_PROGRAM 0x0230u       /* which half holds the program */
#define RT_STORE_KEY_SETTING 0x1000u       /* + anything up to 0xff */

#define RT_STORE_SLOTS 8u /* adapters */
#define RT_STORE_NO_SLOT 255u

/*
 * Mounts: finds what is there. Call once at boot before the others; again is allowed and starts
 * from flash anew. Writes only when a cut left a commit half done (then a page or two), and once to
 * take over a store of format "RtS1". RT_ERROR_ARENA_SIZE: the board's region has fewer than
 * RT_STORE_SECTORS_MIN sectors; then everything is empty and nothing can be written.
 */
rt_status_t rt_store_init(void);

/* A piece of a record. It may lie in flash: in the staging area, or in a record (rt_store_get). */
typedef struct {
  const void *data;
  uint32_t bytes;
} rt_store_part_t;

/*
 * Writes the `count` parts, one behind the other, as the newest version of `key`. On failure the
 * key is as it was. Errors: RT_ERROR_ARGUMENT (key), RT_ERROR_FULL (no room: drop something),
 * RT_ERROR_STATE (the flash does not take it: worn out, or no region).
 */
rt_status_t rt_store_put(uint16_t key, const rt_store_part_t *parts, uint32_t count);

/*
 * out: `*data`, the newest version that is undamaged, in flash and good until the next call that
 * writes, and its size. Errors: RT_ERROR_EMPTY (no such key), RT_ERROR_BLOB_CHECKSUM (every version
 * is damaged).
 */
rt_status_t rt_store_get(uint16_t key, const uint8_t **data, uint32_t *bytes);

/*
 * The same for one version: `back` 0 is the newest, 1 the one before it. Errors: RT_ERROR_EMPTY
 * (not there), RT_ERROR_BLOB_CHECKSUM (this one is damaged).
 */
rt_status_t rt_store_get_version(uint16_t key, uint32_t back, const uint8_t **data,
                                 uint32_t *bytes);

/*
 * Forgets the newest version: the one before it is the newest again. Errors: RT_ERROR_EMPTY (there
 * is none before it, or it is damaged: nothing has changed), RT_ERROR_STATE.
 */
rt_status_t rt_store_roll_back(uint16_t key);

/* Forgets every version of a key. Errors: RT_ERROR_EMPTY (no such key), RT_ERROR_STATE. */
rt_status_t rt_store_drop(uint16_t key);

typedef struct {
  uint16_t key;
  uint8_t versions; /* 1 to RT_STORE_VERSIONS */
  uint32_t number;  /* of the version; no two of any keys ever have the same */
  uint32_t bytes;   /* of the version */
} rt_store_entry_t;

/*
 * Lists the newest version of each key, in no particular order: `*cursor` is 0 at first and kept by
 * the caller; no write in between. RT_ERROR_EMPTY: that was all. Damage is not looked for here.
 */
rt_status_t rt_store_next(uint32_t *cursor, rt_store_entry_t *entry);

/* The same of one key, and of one version of it. Errors: RT_ERROR_EMPTY (not there). */
rt_status_t rt_store_find(uint16_t key, rt_store_entry_t *entry);
rt_status_t rt_store_find_version(uint16_t key, uint32_t back, rt_store_entry_t *entry);

typedef struct {
  uint16_t sectors;         /* for payloads */
  uint16_t free_sectors;    /* of them, without anything that is kept */
  uint16_t retired_sectors; /* of them, found broken */
  uint16_t records;         /* versions of all keys */
  uint16_t keys;
  uint16_t log_entries;            /* of the present log sector that are used, of 64 */
  uint32_t erases_min, erases_max; /* of a sector for payloads that is not retired */
  uint32_t log_erases;             /* of a log sector, rounded up */
  uint32_t commits;                /* number of the last version, ever counted on */
} rt_store_stats_t;

void rt_store_stats(rt_store_stats_t *stats);

/*
 * Bytes a record can have at present, at most: the longest run of free sectors. 0: not one more.
 */
uint32_t rt_store_room(void);

/*
 * The staging area: flash that the store never touches, for what comes in pieces. The user erases
 * and programs it (rt_hal_flash_*); what a cut leaves there is the user's to judge. Offset from the
 * start of the chip. RT_ERROR_ARENA_SIZE: as rt_store_init.
 */
rt_status_t rt_store_staging(uint32_t *offset, uint32_t *bytes);

/* The slot whose adapter was written last, RT_STORE_NO_SLOT when none was. */
uint32_t rt_store_newest(void);

/* CRC-32 (ISO-HDLC, as in zip). crc: 0 at the start, then what the call before returned. */
uint32_t rt_store_crc32(uint32_t crc, const void *bytes, uint32_t count);

#endif
