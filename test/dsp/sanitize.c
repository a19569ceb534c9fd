// Drives native/dsp through everything it does, for address and undefined-behaviour sanitizers:
// all memory is as small as allowed and on the heap, so that one byte too far is noticed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/mfcc.h"

static uint32_t seed = 1;

static uint32_t draw(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

static void fill(int16_t *pcm, uint32_t count, uint32_t kind) {
  for (uint32_t n = 0; n < count; n++) {
    const int32_t noise = (int32_t)(draw() & 0xffff) - 32768;
    const int32_t square = n / 25 % 2 ? 32767 : -32768;
    const int32_t values[] = {noise, noise >> 8, noise >> 14, square, -32768, 32767, 0};
    pcm[n] = (int16_t)values[kind % 7];
  }
}

static rt_dsp_quant_t random_quant(void) {
  rt_dsp_quant_t quant;
  for (uint32_t k = 0; k < RT_DSP_COEFFS; k++) {
    quant.mean[k] = (int32_t)(draw() & 0x3ffffff) - 0x2000000 + 1;
    quant.multiplier[k] = (int32_t)(draw() << 7 & 0x7fffffff);
    quant.shift[k] = (int32_t)(1 + draw() % 30);
  }
  quant.zero_point = (int32_t)(draw() & 0xff) - 128;
  return quant;
}

static void check(int condition, const char *what) {
  if (!condition) {
    fprintf(stderr, "sanitize: %s\n", what);
    exit(1);
  }
}

static void stream(const rt_dsp_profile_t *profile, uint32_t kind) {
  const uint32_t bytes = rt_dsp_memory_bytes(profile, RT_DSP_RING_SAMPLES);
  rt_dsp_state_t *state = malloc(sizeof *state);
  void *memory = malloc(bytes);
  memset(memory, 0xa5, bytes);
  check(rt_dsp_init(state, profile, memory, bytes, RT_DSP_RING_SAMPLES) == RT_DSP_OK, "init");
  int8_t *window = malloc(RT_DSP_WINDOW_BYTES);
  int32_t *coefficients = malloc(RT_DSP_WINDOW_BYTES * sizeof *coefficients);
  for (uint32_t round = 0; round < 60; round++) {
    const uint32_t count = draw() % (2 * profile->clip_samples);
    int16_t *pcm = malloc(count * sizeof *pcm + 1);
    fill(pcm, count, kind);
    const rt_dsp_quant_t quant = random_quant();
    switch (draw() % 5) {
      case 0:
        check(rt_dsp_clip(state, pcm, count, &quant, window) >= 0, "clip");
        break;
      case 1:
        rt_dsp_feed(state, pcm, count % 1500);
        rt_dsp_run(state, draw() % 4);
        break;
      case 2:
        rt_dsp_discard(state);
        break;
      default:
        rt_dsp_push(state, pcm, count);
    }
    check(rt_dsp_window(state, &quant, window) >= 0, "window");
    check(rt_dsp_coefficients(state, coefficients) >= 0, "coefficients");
    check(rt_dsp_level(state) <= 0, "level");
    free(pcm);
  }
  free(coefficients);
  free(window);
  free(memory);
  free(state);
}

int main(void) {
  for (uint32_t kind = 0; kind < 7; kind++) {
    stream(&rt_dsp_profile_digits, kind);
    stream(&rt_dsp_profile_mlperf_kws, kind);
  }
  puts("sanitize: native/dsp is clean");
  return 0;
}
