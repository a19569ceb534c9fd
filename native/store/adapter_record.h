/*
 * What a slot holds: where an adapter comes from and how good it is, then the adapter itself as
 * engine/adapter_blob.h writes it, unchanged. Stored under RT_STORE_KEY_ADAPTER + slot.
 * Little-endian:
 *
 *   offset  bytes
 *        0      4  magic "RtM1"
 *        4      2  format, 1
 *        6      2  bytes before the blob, 72; a reader of format 1 takes more and skips them
 *        8      4  model hash (rt_model_t.hash)
 *       12      4  layout hash (rt_adapter_plan_t.hash)
 *       16      1  method (rt_adapter_method_t)
 *       17      1  rank
 *       18      1  source (rt_adapter_source_t)
 *       19      1  state when it was written (rt_adapter_state_t)
 *       20      2  held-out words it was checked on; 0: not checked
 *       22      2  of them right without it, or with what was active before
 *       24      2  of them right with it
 *       26      2  0
 *       28      4  saves of this slot, this one included
 *       32      4  bursts that trained it
 *       36      4  counter of the delta it comes from; 0: trained here
 *       40     24  name, UTF-8, zeros behind it (no zero when it has 24 bytes)
 *       64      4  bytes of the blob
 *       68      4  0
 *       72         blob
 *
 * A record that begins with a blob (RT_BLOB_MAGIC) instead is one of the store before format
 * "RtS2": it is read as an adapter without a name, of state kept.
 */
#ifndef RT_STORE_ADAPTER_RECORD_H
#define RT_STORE_ADAPTER_RECORD_H

#include <stdint.h>

#include "engine/status.h"
#include "store/store.h"

#define RT_ADAPTER_RECORD_MAGIC 0x314d7452u /* "RtM1" in memory */
#define RT_ADAPTER_RECORD_FORMAT 1u
#define RT_ADAPTER_RECORD_BYTES 72u /* before the blob */
#define RT_ADAPTER_NAME_BYTES 24u

typedef enum { RT_ADAPTER_TRAINED = 0, RT_ADAPTER_DELTA = 1 } rt_adapter_source_t;

/*
 * A delta is installed fresh, becomes a trial when it is loaded at the next boot, and is kept when
 * the script has confirmed it. A boot that finds a trial rolls it back.
 */
typedef enum { RT_ADAPTER_KEPT = 0, RT_ADAPTER_FRESH = 1, RT_ADAPTER_TRIAL = 2 } rt_adapter_state_t;

typedef struct {
  uint32_t model_hash, layout_hash;
  uint8_t method, rank;
  uint8_t source; /* rt_adapter_source_t */
  uint8_t state;  /* rt_adapter_state_t */
  uint16_t held_out, right_before, right_after;
  uint32_t saves, bursts, delta_counter;
  uint8_t name[RT_ADAPTER_NAME_BYTES + 1]; /* ends with 0 */
  uint32_t blob_bytes;
} rt_adapter_record_t;

/* The 72 bytes that go before the blob. A name that is not UTF-8 is cut before the first bad byte.
 */
void rt_adapter_record_pack(const rt_adapter_record_t *record,
                            uint8_t bytes[RT_ADAPTER_RECORD_BYTES]);

/*
 * Reads a record. out: `*record`, and `*blob` in `data`, record->blob_bytes long. Errors:
 * RT_ERROR_BLOB_FORMAT (not a record, or of a format to come). The blob is not looked at, but for
 * the magic of a record without metadata.
 */
rt_status_t rt_adapter_record_parse(const uint8_t *data, uint32_t bytes,
                                    rt_adapter_record_t *record, const uint8_t **blob);

/*
 * Writes a slot: record and blob (its parts, `count` of them, at most RT_ADAPTER_RECORD_PARTS) as
 * one commit. record->blob_bytes is set from the parts. Errors: as rt_store_put.
 */
#define RT_ADAPTER_RECORD_PARTS 3u
rt_status_t rt_adapter_record_put(uint32_t slot, rt_adapter_record_t *record,
                                  const rt_store_part_t *parts, uint32_t count);

/*
 * Reads version `back` (0: the newest) of a slot. record->state of the newest is what
 * rt_adapter_record_set_state said last. Errors: RT_ERROR_ARGUMENT (slot), RT_ERROR_EMPTY,
 * RT_ERROR_BLOB_CHECKSUM, RT_ERROR_BLOB_FORMAT.
 */
rt_status_t rt_adapter_record_get(uint32_t slot, uint32_t back, rt_adapter_record_t *record,
                                  const uint8_t **blob);

/*
 * Changes the state of a slot's newest version without writing the adapter again: a commit of one
 * entry that names the version, so that it says nothing about any other. Errors: RT_ERROR_ARGUMENT,
 * RT_ERROR_EMPTY, and as rt_store_put.
 */
rt_status_t rt_adapter_record_set_state(uint32_t slot, rt_adapter_state_t state);

#endif
