/*
 * Whom a board trusts: the public key of its owner, and whether programs need the owner's
 * signature. docs/security.md says what that protects and what it does not.
 *
 * The owner comes from one of two places:
 *   built in   the manifest's "trust" names a public key; the build writes it into the firmware,
 * and nothing that comes over a link changes it claimed    a board without an owner takes the first
 * key that claims it, and keeps it in the store; from then on only a statement that this owner has
 * signed changes it
 *
 * A statement is RT_TRUST_STATEMENT_BYTES long, little-endian, its last 64 bytes the Ed25519
 * signature of those before it. Two kinds, told apart by the first word, so that a signature of one
 * is never good for another (deltas begin with a third):
 *
 *   of a program "RTs1"                          of the owner "RTo1"
 *    0 u32 magic                                  0 u32 magic
 *    4 u32 bytes of the program                   4 u8 what: rt_trust_what_t
 *    8 u32 counter, at least 1                    5 u8 lock: 1 programs need a signature
 *   12 u32 0                                      6 u16 0
 *   16 u64 device, 0: any                         8 u64 device, never 0
 *   24 u8[32] SHA-256 of the program             16 u64 challenge that the board gave
 *   56 u8[64] signature by the owner             24 u8[32] public key: the present owner's, or the
 *                                                   new one's (claim, give)
 *                                                56 u8[64] signature by the present owner (claim:
 * by the key that claims)
 *
 * Memory: 56 bytes, static.
 */
#ifndef RT_STORE_TRUST_H
#define RT_STORE_TRUST_H

#include <stdint.h>

#include "engine/status.h"
#include "store/ed25519.h"

#define RT_TRUST_KEY_BYTES 32u
#define RT_TRUST_SIGNED_BYTES 56u
#define RT_TRUST_STATEMENT_BYTES 120u
#define RT_TRUST_PROGRAM_MAGIC 0x31735452u /* "RTs1" */
#define RT_TRUST_OWNER_MAGIC 0x316f5452u   /* "RTo1" */

/*
 * The record in the store is there twice, under RT_STORE_KEY_TRUST and the key after it, so that
 * one spoilt sector does not set the board free: 0 u8 version 1     1 u8 flags: 1 has an owner, 2
 * locked     2 u16 0 4 u32 highest counter of a program that was replaced     8 u8[32] the owner's
 * public key
 */
#define RT_TRUST_RECORD_BYTES 40u

/* What the build says; where it says nothing (trust.c has that setup), the board has no owner. */
typedef struct {
  const uint8_t *owner; /* RT_TRUST_KEY_BYTES, built in; NULL: none */
  uint8_t is_locked;    /* with `owner`: programs need its signature */
  /* rt_ed25519_verify; NULL where neither module nor manifest asks for signatures: such a firmware
   * does without its 20 KB, has no owner and cannot be claimed. */
  rt_status_t (*verify)(const uint8_t *signature, const rt_ed25519_part_t *parts, uint32_t count,
                        const uint8_t *key);
} rt_trust_setup_t;

const rt_trust_setup_t *rt_trust_setup(void);

typedef enum {
  RT_TRUST_UNSUPPORTED = 0, /* this firmware cannot check signatures */
  RT_TRUST_UNCLAIMED = 1,   /* nobody's yet: takes no delta, and any program */
  RT_TRUST_CLAIMED = 2,
  RT_TRUST_BUILT_IN = 3,
  RT_TRUST_DAMAGED =
      4, /* had an owner, the record is spoilt: takes nothing (see docs/security.md) */
} rt_trust_state_t;

typedef enum {
  RT_TRUST_CLAIM = 1,    /* an unclaimed board gets `key` as its owner */
  RT_TRUST_GIVE = 2,     /* `key` becomes the owner */
  RT_TRUST_SET_LOCK = 3, /* `lock` */
  RT_TRUST_RESET = 4,    /* the board starts again */
} rt_trust_what_t;

/* Answers to statements; told to the other side as a byte. */
typedef enum {
  RT_TRUST_OK = 0,
  RT_TRUST_ERROR_UNSUPPORTED = 1, /* this firmware cannot check signatures */
  RT_TRUST_ERROR_FORMAT = 2,      /* wrong size, magic, kind or reserved bytes */
  RT_TRUST_ERROR_UNCLAIMED = 3,   /* the board has no owner who could sign */
  RT_TRUST_ERROR_OWNED = 4,       /* a claim, but the board has an owner */
  RT_TRUST_ERROR_BUILT_IN = 5,    /* the owner is built in: flash another firmware */
  RT_TRUST_ERROR_DEVICE = 6,      /* made for another board */
  RT_TRUST_ERROR_CHALLENGE = 7,   /* not made for this moment: an old one played again */
  RT_TRUST_ERROR_SIGNATURE = 8,   /* not signed by the owner */
  RT_TRUST_ERROR_COUNTER = 9,     /* a program older than the one before */
  RT_TRUST_ERROR_STORE = 10,      /* the flash took no record */
  RT_TRUST_ERROR_DAMAGED = 11,    /* the record of the owner is spoilt */
  RT_TRUST_ERROR_SIZE = 12,       /* the program is larger than its place, or not as announced */
  RT_TRUST_ERROR_HASH = 13,       /* other bytes came than were signed */
  RT_TRUST_ERROR_PERMIT = 14,     /* no statement came before the program */
  RT_TRUST_ERROR_FLASH = 15,      /* the flash took no program */
  RT_TRUST_ERROR_LINK = 16,       /* the transfer broke off, or one is under way */
  RT_TRUST_ERROR_BUSY = 17,       /* another was refused just now: try again in a second */
} rt_trust_answer_t;

/* Mounts the store and reads the record. First in rt_firmware_init, before the bus's services. */
void rt_trust_init(void);

rt_trust_state_t rt_trust_state(void);

/* There are traces of an owner, though there is no record: an unclaimed board is RT_TRUST_DAMAGED
 * then, not anybody's. */
void rt_trust_miss_owner(void);

/* The owner's public key, RT_TRUST_KEY_BYTES; NULL: none. Good until the next statement. */
const uint8_t *rt_trust_owner(void);

/* 1: programs need the owner's signature, and links may not command modules (see
 * rt_service_module_t.guards_itself). */
uint32_t rt_trust_is_locked(void);

/* What checking a signature takes an RP2040, for the simulator's clock (`retune bench delta`). */
#define RT_TRUST_VERIFY_CYCLES 26500000u

/*
 * Checks the owner's signature (64 bytes) of a message in parts; RT_TRUST_VERIFY_CYCLES.
 * RT_ERROR_STATE: there is no owner; RT_ERROR_BLOB_CHECKSUM: not the owner's.
 */
rt_status_t rt_trust_verify(const uint8_t *signature, const rt_ed25519_part_t *parts,
                            uint32_t count);

/* The challenge of the next owner statement; another one after each statement and each boot. */
uint64_t rt_trust_challenge(void);

/*
 * An owner statement of `size` bytes: checks it and does what it says. `*is_reset` (out): 1, the
 * board is to start again after having answered. On failure nothing has changed.
 */
rt_trust_answer_t rt_trust_take(const uint8_t *statement, uint32_t size, uint32_t *is_reset);

/*
 * Checks a program's statement of RT_TRUST_STATEMENT_BYTES: form, device, signature. The fields are
 * then those of rt_trust_program_*.
 */
rt_trust_answer_t rt_trust_check_program(const uint8_t *statement, uint32_t size);

/* Fields of a statement of a program. */
uint32_t rt_trust_program_bytes(const uint8_t *statement);
uint32_t rt_trust_program_counter(const uint8_t *statement);
const uint8_t *rt_trust_program_sha256(const uint8_t *statement);

/* The counter that the store keeps: no program with a lower one is taken. 0: any. */
uint32_t rt_trust_counter(void);

/* Keeps a higher counter in the store, before the flash that has it is erased. */
rt_trust_answer_t rt_trust_keep_counter(uint32_t counter);

#endif
