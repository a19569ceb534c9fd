/*
 * Labelled windows: int8 input tensors that the device was told the label of, in memory that the
 * caller owns. A window takes rt_windows_entry_bytes(model): a label, what it is for, the values.
 */
#ifndef RT_ENGINE_TRAIN_WINDOWS_H
#define RT_ENGINE_TRAIN_WINDOWS_H

#include "engine.h"

typedef enum {
  RT_WINDOW_TRAIN = 0,
  RT_WINDOW_HELD_OUT = 1, /* only for checking */
  RT_WINDOW_PURPOSES = 2
} rt_window_purpose_t;

typedef struct {
  const rt_engine_t *engine;
  uint8_t *memory; /* 4-aligned */
  uint32_t entry_bytes;
  uint32_t capacity;
  uint32_t count;
} rt_windows_t;

typedef struct {
  uint16_t label;
  uint16_t purpose; /* rt_window_purpose_t */
} rt_window_head_t;

uint32_t rt_windows_entry_bytes(const rt_model_t *model);

/* in: memory, 4-aligned; at most `most` windows are kept. Errors: RT_ERROR_ALIGNMENT,
 * RT_ERROR_ARENA_SIZE (not even one window fits). */
rt_status_t rt_windows_init(rt_windows_t *windows, const rt_engine_t *engine, void *memory,
                            uint32_t bytes, uint32_t most);

void rt_windows_forget(rt_windows_t *windows);

/* Keeps the values of the input tensor as they are now. Errors: RT_ERROR_FULL. */
rt_status_t rt_windows_remember(rt_windows_t *windows, uint32_t label, uint32_t purpose);

/* Changes what window `index` is for. */
rt_status_t rt_windows_assign(rt_windows_t *windows, uint32_t index, uint32_t purpose);

uint32_t rt_windows_count(const rt_windows_t *windows, uint32_t purpose);

static inline rt_window_head_t *rt_windows_head(const rt_windows_t *windows, uint32_t index) {
  return (rt_window_head_t *)(void *)(windows->memory + index * windows->entry_bytes);
}

static inline const int8_t *rt_windows_values(const rt_windows_t *windows, uint32_t index) {
  return (const int8_t *)(windows->memory + index * windows->entry_bytes +
                          sizeof(rt_window_head_t));
}

/* How a view of a window differs from it. The input tensor is read as rows over time, column 0 of a
 * row being its level (for MFCC the first coefficient). Deviations are a column's own over the
 * window's rows, so that the same numbers suit inputs of any scale. */
typedef struct {
  uint32_t shift_rows; /* moved by up to so many rows either way, */
  uint32_t tempo_q8; /* stretched about the middle by up to so many 256ths either way; the first and
                        the last row are repeated */
  uint32_t noise_q8; /* standard deviation of noise, 1/256 of the column's deviation */
  uint32_t gain_q8;  /* up to so many 256ths of its deviation either way on the level, not below the
                        window's own minimum */
  uint32_t erode_q8; /* probability in 256ths that what lies before the first and behind the last
                        loud row is replaced by the quietest row; loud is chosen at random between
                        0.15 and 0.6 of the way from the lowest to the highest level */
} rt_windows_jitter_t;

/* Writes a window into the input tensor, jittered; jitter NULL: as it is. in-out: random. */
void rt_windows_show(const rt_windows_t *windows, uint32_t index, const rt_windows_jitter_t *jitter,
                     uint32_t *random);

#endif
