/*
 * How a delta comes into a slot: its pieces into the store's staging area, the checks in the order
 * of services/delta.md's Status, the adapter as the slot's newest version, fresh. Then, at the next
 * start, on trial, and after that kept if the script has confirmed it, else taken back.
 *
 * Nothing but the staging area is written before every check has passed. A power cut anywhere
 * leaves the slot as it was or with the whole delta in it, and the transfer where it can go on.
 *
 * The staging area: the file from its start, behind it, from the next sector on, the decoded blob.
 * RT_STORE_KEY_TRANSFER: 4 bytes size, 32 bytes SHA-256 of the file. RT_STORE_KEY_COUNTER: 4 bytes,
 * highest counter of all deltas.
 *
 * Memory: 56 bytes, static. Stack: 1.1 KB, but for the signature (store/ed25519.h). Not reentrant:
 * from the main loop only.
 */
#ifndef RT_STORE_DELTA_INSTALL_H
#define RT_STORE_DELTA_INSTALL_H

#include "engine/adapter.h"
#include "store/adapter_record.h"
#include "store/delta_file.h"

/* Bytes of a piece, at most: what fits a packet with its offset. */
#define RT_DELTA_PIECE_BYTES 224u

/*
 * Once at boot, after rt_store_init: takes back trials that nobody confirmed, puts fresh adapters
 * on trial, finds the highest counter. A second call without a start in between would take back
 * what the first put on trial.
 */
void rt_delta_boot(void);

/* Slots whose adapter rt_delta_boot took back, a bit each. */
uint32_t rt_delta_reverted(void);

/* Slots whose newest version is in this state, a bit each. Reads all of them: some milliseconds. */
uint32_t rt_delta_slots_in(rt_adapter_state_t state);

/* Highest counter of a delta that this board took; 0: none. */
uint32_t rt_delta_counter(void);

/* ---- transfer ---- */

/* The largest file; the decoded blob must find room behind it. */
uint32_t rt_delta_staging_bytes(void);

/*
 * Announces a file. out: `*offset`, how much of it is there already. Erases some sectors of 45 ms.
 * Errors: RT_DELTA_TOO_LARGE, RT_DELTA_NOT_A_DELTA (no bytes), RT_DELTA_FLASH_FAILED,
 * RT_DELTA_IS_BUSY.
 */
rt_delta_status_t rt_delta_begin(uint32_t size, const uint8_t *sha256, uint32_t *offset);

/*
 * A piece. out: `*offset`, where the next one begins. Errors: RT_DELTA_NOT_BEGUN,
 * RT_DELTA_WRONG_OFFSET (nothing was written, or the flash had kept something of before and its
 * sector was erased), RT_DELTA_TOO_LARGE (beyond the announced size, no bytes, or more than a piece
 * has), RT_DELTA_FLASH_FAILED, RT_DELTA_IS_BUSY.
 */
rt_delta_status_t rt_delta_data(uint32_t at, const uint8_t *bytes, uint32_t count,
                                uint32_t *offset);

/* Bytes that have arrived. */
uint32_t rt_delta_received(void);

/* ---- installation ---- */

/*
 * Begins to check and install in `slot` (RT_DELTA_ANY_SLOT: the one that the file names);
 * rt_delta_work does it. Errors: RT_DELTA_NOT_BEGUN, RT_DELTA_IS_BUSY, RT_DELTA_TRUNCATED (not all
 * has arrived: the transfer can go on).
 */
rt_delta_status_t rt_delta_finish(uint32_t slot);

/* 1 while an installation is under way. */
uint32_t rt_delta_is_installing(void);

/*
 * Does the next part of it; returns 1 when it is over. out then: `*status`, `*slot`. `adapter`:
 * what the delta must fit. The signature is one part, RT_TRUST_VERIFY_CYCLES; the others take some
 * ms and the flash's times.
 */
uint32_t rt_delta_work(const rt_adapter_t *adapter, rt_delta_status_t *status, uint32_t *slot);

/* Why, in words, for people. */
const char *rt_delta_reason(rt_delta_status_t status);

/* ---- afterwards ---- */

/* Keeps what is fresh or on trial. Errors: RT_DELTA_BAD_SLOT, RT_DELTA_EMPTY_SLOT,
 * RT_DELTA_NOTHING_ON_TRIAL, RT_DELTA_FLASH_FAILED. */
rt_delta_status_t rt_delta_confirm(uint32_t slot);

/* Takes it back: the slot holds what it held before. Errors: the same. */
rt_delta_status_t rt_delta_revert(uint32_t slot);

#endif
