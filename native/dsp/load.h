// Samples of a frame times window, into the FFT's work area and through its first pass.
#ifndef RT_DSP_LOAD_H
#define RT_DSP_LOAD_H

#include <stdint.h>

#include "fft.h"

// Sample n of the frame is ring[(start + n) & ring_mask], n < count, count even. It becomes
// (sample * window[n] * up + half) >> down; up is 1 or down is 0.
typedef struct {
  const int16_t *ring;
  const uint16_t *window;
  uint32_t ring_mask;
  uint32_t start;
  uint32_t count;
  int32_t up;
  int32_t half;
  uint32_t down;
} rt_dsp_source_t;

// work [out]: as rt_dsp_fft_bins wants it.
void rt_dsp_load_portable(const rt_dsp_source_t *source, int32_t *work);

#if defined(__ARM_ARCH_6M__)
// The same source for the assembler of load_thumb.c, which scales down only: sample n is at byte
// 2 n of low, or from byte first_bytes on of high. No pair of an even and an odd sample is parted.
typedef struct {
  const int16_t *low;
  uint32_t first_bytes;
  const int16_t *high;
  uint32_t count_bytes;
  int32_t half;
  const uint16_t *window;
  uint32_t down;
} rt_dsp_pieces_t;

void rt_dsp_load_pieces(const rt_dsp_pieces_t *pieces, int32_t *work);
#endif

#endif
