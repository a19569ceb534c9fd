/* SHA-256 (FIPS 180-4), for the hash of the deployed program. */
#ifndef RT_BUS_SHA256_H
#define RT_BUS_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define RT_SHA256_BYTES 32u

/* Hash of `size` bytes (below 512 MB) into `hash` (RT_SHA256_BYTES bytes). */
void rt_sha256(const uint8_t *bytes, size_t size, uint8_t *hash);

#endif
