#include "bus/sha256.h"

#define BLOCK_BYTES 64u

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The same of the square roots of the first 8. */
static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotate(uint32_t word, uint32_t bits) { return word >> bits | word << (32u - bits); }

static uint32_t load_big(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The next word of the schedule, kept in a ring of 16. */
static uint32_t expand(uint32_t *word, uint32_t i) {
  const uint32_t a = word[(i + 1u) & 15u];
  const uint32_t b = word[(i + 14u) & 15u];
  const uint32_t sigma0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3;
  const uint32_t sigma1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;
  word[i & 15u] += sigma0 + word[(i + 9u) & 15u] + sigma1;
  return word[i & 15u];
}

static void add_block(uint32_t *state, const uint8_t *block) {
  uint32_t word[16], s[8];
  for (uint32_t i = 0; i < 16; i++) word[i] = load_big(block + 4u * i);
  for (uint32_t i = 0; i < 8; i++) s[i] = state[i];
  for (uint32_t i = 0; i < 64; i++) {
    const uint32_t w = i < 16 ? word[i] : expand(word, i);
    const uint32_t sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
    const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    const uint32_t first = s[7] + sum1 + choice + ROUND[i] + w;
    const uint32_t sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
    const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    for (uint32_t k = 7; k > 0; k--) s[k] = s[k - 1u];
    s[4] += first;
    s[0] = first + sum0 + majority;
  }
  for (uint32_t i = 0; i < 8; i++) state[i] += s[i];
}

/* The rest of the message, a one bit, zeros, and the length in bits at the end of a block. */
static void add_end(uint32_t *state, const uint8_t *rest, size_t rest_bytes, size_t size) {
  uint8_t block[2u * BLOCK_BYTES];
  const size_t end = rest_bytes + 9u > BLOCK_BYTES ? 2u * BLOCK_BYTES : BLOCK_BYTES;
  for (size_t i = 0; i < end; i++) block[i] = i < rest_bytes ? rest[i] : 0;
  block[rest_bytes] = 0x80;
  const uint32_t bits = (uint32_t)(size << 3);
  for (uint32_t i = 0; i < 4; i++) block[end - 1u - i] = (uint8_t)(bits >> (8u * i));
  for (size_t at = 0; at < end; at += BLOCK_BYTES) add_block(state, block + at);
}

void rt_sha256(const uint8_t *bytes, size_t size, uint8_t *hash) {
  uint32_t state[8];
  for (uint32_t i = 0; i < 8; i++) state[i] = START[i];
  size_t at = 0;
  for (; at + BLOCK_BYTES <= size; at += BLOCK_BYTES) add_block(state, bytes + at);
  add_end(state, bytes + at, size - at, size);
  for (uint32_t i = 0; i < 32; i++) hash[i] = (uint8_t)(state[i / 4u] >> (24u - 8u * (i % 4u)));
}
