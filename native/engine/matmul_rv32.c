/* Several output pixels of a convolution at once, for RV32IM. */
#include "matmul.h"

#if defined(__riscv)

#include "pair_rv32.h"

/* Neighbouring pixels and where their patches lie. */
typedef struct {
  const rt_kernel_t *k;
  const int8_t *x;
  int32_t step;
  uint32_t length;
  uint32_t pixels;
} patches_t;

/* Accumulators of one group of RT_PAIR_ROWS channels: acc[RT_PAIR_ROWS * pixel + channel]. in-out:
 * wide, behind the words of the group. Returns its packed words. */
static uint32_t group(const patches_t *patches, const uint32_t *packed, const uint32_t **wide,
                      uint32_t blocks, int32_t *acc) {
  rt_pair_pixels_t words;
  const uint32_t *piece = packed + 4u * blocks;
  for (uint32_t p = 0; p < patches->pixels; p++) {
    __builtin_memcpy(acc + p * RT_PAIR_ROWS, packed, 16u * blocks);
  }
  for (uint32_t from = 0; from < patches->length; from += RT_PAIR_COLUMNS) {
    const uint32_t left = patches->length - from;
    const uint32_t length = left < RT_PAIR_COLUMNS ? left : RT_PAIR_COLUMNS;
    const uint32_t quads = (length + 3u) >> 2;
    rt_pair_expand(patches->x + from, patches->step, patches->pixels, length, &words);
    rt_pair_dots(piece, *wide, &words, patches->pixels, quads, blocks, acc);
    piece += 8u * quads * blocks;
    *wide += blocks;
  }
  return (uint32_t)(piece - packed);
}

static void pixels_together(const patches_t *patches, int8_t *y) {
  int32_t acc[RT_PAIR_PIXELS * RT_PAIR_ROWS];
  const rt_layer_t *l = patches->k->layer;
  const rt_tensor_t *output = patches->k->output;
  const uint32_t channels = (uint32_t)output->channels;
  const uint32_t *packed = l->packed;
  const uint32_t *wide = packed + rt_pair_words(channels, patches->length);
  for (uint32_t first = 0; first < channels; first += RT_PAIR_ROWS) {
    const uint32_t left = channels - first;
    const uint32_t count = left < RT_PAIR_ROWS ? left : RT_PAIR_ROWS;
    packed += group(patches, packed, &wide, (count + 3u) >> 2, acc);
    for (uint32_t p = 0; p < patches->pixels; p++) {
      rt_requantise_pixel(l, output, (int32_t)first, (int32_t)count, acc + p * RT_PAIR_ROWS,
                          y + p * channels + first);
    }
  }
}

void rt_matmul_pixels(const rt_kernel_t *k, uint32_t pixel, uint32_t count, int32_t length,
                      const int8_t *x, int32_t step) {
  const uint32_t channels = (uint32_t)k->output->channels;
  int8_t *y = k->y + pixel * channels;
  while (count > 0) {
    /* six as three and three: a single pixel takes longest */
    const uint32_t most = count == RT_PAIR_PIXELS + 1 ? count / 2 : RT_PAIR_PIXELS;
    const patches_t patches = {k, x, step, (uint32_t)length, count < most ? count : most};
    pixels_together(&patches, y);
    count -= patches.pixels;
    x += (int32_t)patches.pixels * step;
    y += patches.pixels * channels;
  }
}

#endif
