/* Several output pixels of a convolution at once, for RV32IM. */
#include "matmul.h"

#if defined(__riscv)

#include "pair_rv32.h"
#include "quick.h"
#include "settle.h"

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
RT_NOINLINE static uint32_t group(const patches_t *patches, const uint32_t *packed,
                                  const uint32_t **wide, uint32_t blocks, int32_t *acc) {
  rt_pair_pixels_t words;
  rt_pair_piece_t piece = {packed + 4u * blocks, *wide, &words, 0, blocks};
  const int32_t *bias = (const int32_t *)packed;
  for (uint32_t from = 0; from < patches->length; from += RT_PAIR_COLUMNS) {
    const uint32_t left = patches->length - from;
    const uint32_t length = left < RT_PAIR_COLUMNS ? left : RT_PAIR_COLUMNS;
    piece.quads = (length + 3u) >> 2;
    rt_pair_expand(patches->x + from, patches->step, patches->pixels, length, &words);
    rt_pair_dots(&piece, patches->pixels, bias, acc);
    piece.packed += 8u * piece.quads * blocks;
    piece.wide += blocks;
    bias = 0;
  }
  *wide = piece.wide;
  return (uint32_t)(piece.packed - packed);
}

/* rt_quick_output of `count` channels, each for all pixels in turn. in: y, where the first pixel's
 * first channel goes; first, that channel. */
RT_NOINLINE static void finish(const patches_t *patches, uint32_t first, uint32_t count,
                               const int32_t *acc, int8_t *y) {
  const rt_layer_t *l = patches->k->layer;
  const rt_tensor_t *output = patches->k->output;
  const int32_t channels = output->channels;
  const int32_t low = l->activation_min;
  const uint32_t bound = (uint32_t)l->quick[0];
  const int32_t *table = l->quick + RT_QUICK_HEADER + first * RT_QUICK_CHANNEL;
  for (uint32_t c = 0; c < count; c++, table += RT_QUICK_CHANNEL) {
    const int32_t from = table[0], last = table[1], slope = table[2], start = table[3];
    const int32_t *sum = acc + c;
    int8_t *out = y + c;
    for (const int32_t *end = sum + patches->pixels * RT_PAIR_ROWS; sum != end;
         sum += RT_PAIR_ROWS, out += channels) {
      int32_t q = low;
      if (*sum >= from) {
        const uint32_t d = (uint32_t)*sum - (uint32_t)from;
        const uint32_t p = d * (uint32_t)slope + (uint32_t)start;
        q = (int32_t)p >> 24;
        if (d > (uint32_t)last) {
          q = l->activation_max;
        } else if (p << 8 >= bound) {
          q = rt_output(*sum, l->multiplier[first + c], l->shift[first + c], output->zero_point,
                        low, l->activation_max);
        }
      }
      *out = (int8_t)q;
    }
  }
}

static void finish_slowly(const patches_t *patches, uint32_t first, uint32_t count,
                          const int32_t *acc, int8_t *y) {
  const rt_tensor_t *output = patches->k->output;
  for (uint32_t p = 0; p < patches->pixels; p++) {
    rt_requantise_pixel(patches->k->layer, output, (int32_t)first, (int32_t)count,
                        acc + p * RT_PAIR_ROWS, y + p * (uint32_t)output->channels);
  }
}

static void pixels_together(const patches_t *patches, int8_t *y) {
  int32_t acc[RT_PAIR_PIXELS * RT_PAIR_ROWS];
  const rt_layer_t *l = patches->k->layer;
  const uint32_t channels = (uint32_t)patches->k->output->channels;
  const uint32_t *packed = l->packed;
  const uint32_t *wide = packed + rt_pair_words(channels, patches->length);
  for (uint32_t first = 0; first < channels; first += RT_PAIR_ROWS) {
    const uint32_t left = channels - first;
    const uint32_t count = left < RT_PAIR_ROWS ? left : RT_PAIR_ROWS;
    packed += group(patches, packed, &wide, (count + 3u) >> 2, acc);
    if (l->quick) {
      finish(patches, first, count, acc, y + first);
    } else {
      finish_slowly(patches, first, count, acc, y + first);
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
