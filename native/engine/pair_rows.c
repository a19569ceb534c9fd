#include "pair_rows.h"

/* Columns `column` .. + 3 of four rows that are all there: the usual case. Returns 0 when a pair is
 * too large. */
static inline uint32_t pack_quad(const int8_t *w, uint32_t columns, uint32_t *out) {
  uint32_t sound = 1;
  for (uint32_t r = 0; r < 4; r++, w += columns) {
    if (w[0] == -128 && w[2] == -128) sound = 0;
    if (w[1] == -128 && w[3] == -128) sound = 0;
    out[r] = (uint32_t)w[2] + ((uint32_t)w[0] << 16);
    out[4 + r] = (uint32_t)w[3] + ((uint32_t)w[1] << 16);
  }
  return sound;
}

/* Where rows or columns are missing: as many as there are. */
static uint32_t pack_part(const int8_t *w, uint32_t stride, uint32_t rows, uint32_t columns,
                          uint32_t *out) {
  int8_t quad[16];
  __builtin_memset(quad, 0, sizeof quad);
  for (uint32_t r = 0; r < rows && r < 4; r++) {
    for (uint32_t c = 0; c < columns && c < 4; c++) quad[4 * r + c] = w[r * stride + c];
  }
  return pack_quad(quad, 4, out);
}

uint32_t rt_pair_pack(const int8_t *weights, const int32_t *bias, uint32_t rows, uint32_t columns,
                      uint32_t *packed) {
  const uint32_t padded = (rows + 3u) & ~3u;
  uint32_t sound = 1;
  for (uint32_t r = 0; r < padded; r++) *packed++ = r < rows ? (uint32_t)bias[r] : 0u;
  for (uint32_t piece = 0; piece < columns; piece += RT_PAIR_COLUMNS) {
    const uint32_t end = columns - piece < RT_PAIR_COLUMNS ? columns : piece + RT_PAIR_COLUMNS;
    for (uint32_t row = 0; row < padded; row += 4) {
      for (uint32_t c = piece; c < end; c += 4, packed += 8) {
        const int8_t *w = weights + row * columns + c;
        const int whole = rows - row >= 4 && columns - c >= 4;
        sound &= whole ? pack_quad(w, columns, packed)
                       : pack_part(w, columns, rows - row, columns - c, packed);
      }
    }
  }
  return sound;
}

void rt_pair_rows(const uint32_t *packed, uint32_t rows, const int8_t *x, uint32_t columns,
                  int32_t *acc) {
  const uint32_t blocks = (rows + 3u) >> 2;
  rt_pair_job_t job = {packed + 4u * blocks, (const int32_t *)packed, acc, blocks};
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
    rt_pair_run(&job, 1, piece, quads);
    job.packed += 8u * quads * blocks;
    job.start = acc;
  }
}
