/*
 * Ed25519 signatures (RFC 8032, pure), verification only: ed25519.zig, from zig's standard library.
 *
 * Linked only where something refers to it. On an RP2040 it takes some 20 KB of flash, under 3 KB
 * of stack, no static memory, and about a fifth of a second; `npx retune bench delta` measures.
 */
#ifndef RT_STORE_ED25519_H
#define RT_STORE_ED25519_H

#include <stdint.h>

#include "engine/status.h"

#define RT_ED25519_SIGNATURE_BYTES 64u
#define RT_ED25519_KEY_BYTES 32u

/* A piece of the message; `bytes` is not NULL, also when `size` is 0. */
typedef struct {
  const uint8_t *bytes;
  uint32_t size;
} rt_ed25519_part_t;

/*
 * Whether `signature` (RT_ED25519_SIGNATURE_BYTES) is that of the key's owner over the parts, one
 * after the other. In a time that depends on the arguments: they are public.
 *
 * Errors: RT_ERROR_ARGUMENT (`key`, RT_ED25519_KEY_BYTES, is no public key, or one of small order,
 * for which everybody can sign), RT_ERROR_BLOB_CHECKSUM (the signature is not good).
 */
rt_status_t rt_ed25519_verify(const uint8_t *signature, const rt_ed25519_part_t *parts,
                              uint32_t count, const uint8_t *key);

#endif
