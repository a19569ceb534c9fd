#include "pair_rows.h"

typedef struct {
  const int8_t *weights;
  uint32_t rows, columns;
} matrix_t;

static int32_t weight(const matrix_t *m, uint32_t row, uint32_t column) {
  return row < m->rows && column < m->columns ? m->weights[row * m->columns + column] : 0;
}

/* Columns `column` and column + 2 of four rows. */
static uint32_t pack_words(const matrix_t *m, uint32_t row, uint32_t column, uint32_t *out) {
  uint32_t sound = 1;
  for (uint32_t r = 0; r < 4; r++) {
    const int32_t upper = weight(m, row + r, column);
    const int32_t lower = weight(m, row + r, column + 2u);
    if (upper == -128 && lower == -128) sound = 0;
    out[r] = (uint32_t)lower + ((uint32_t)upper << 16);
  }
  return sound;
}

uint32_t rt_pair_pack(const int8_t *weights, const int32_t *bias, uint32_t rows, uint32_t columns,
                      uint32_t *packed) {
  const matrix_t m = {weights, rows, columns};
  const uint32_t padded = (rows + 3u) & ~3u;
  uint32_t sound = 1;
  for (uint32_t r = 0; r < padded; r++) *packed++ = r < rows ? (uint32_t)bias[r] : 0u;
  for (uint32_t piece = 0; piece < columns; piece += RT_PAIR_COLUMNS) {
    const uint32_t end = columns - piece < RT_PAIR_COLUMNS ? columns : piece + RT_PAIR_COLUMNS;
    for (uint32_t row = 0; row < padded; row += 4) {
      for (uint32_t c = piece; c < end; c += 4, packed += 8) {
        sound &= pack_words(&m, row, c, packed);
        sound &= pack_words(&m, row, c + 1u, packed + 4);
      }
    }
  }
  return sound;
}

void rt_pair_rows(const uint32_t *packed, uint32_t rows, const int8_t *x, uint32_t columns,
                  int32_t *acc) {
  const uint32_t blocks = (rows + 3u) >> 2;
  const int32_t *start = (const int32_t *)packed;
  packed += 4u * blocks;
  for (uint32_t from = 0; from < columns; from += RT_PAIR_COLUMNS) {
    uint32_t words[RT_PAIR_COLUMNS / 4];
    const uint32_t left = columns - from;
    const uint32_t count = left < RT_PAIR_COLUMNS ? left : RT_PAIR_COLUMNS;
    const uint32_t quads = (count + 3u) >> 2;
    const int8_t *piece = x + from;
    if ((((uintptr_t)piece | count) & 3u) != 0) {
      words[quads - 1u] = 0;
      __builtin_memcpy(words, piece, count);
      piece = (const int8_t *)words;
    }
    rt_pair_dot(packed, piece, quads, start, acc, blocks);
    packed += 8u * quads * blocks;
    start = acc;
  }
}
