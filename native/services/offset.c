#include "services/offset.h"

typedef struct {
  int32_t mean;
  int16_t least, most;
} block_t;

static block_t look(const int16_t *samples, uint32_t count) {
  block_t block = {0, samples[0], samples[0]};
  int32_t sum = 0;
  for (uint32_t n = 0; n < count; n++) {
    sum += samples[n];
    if (samples[n] < block.least) block.least = samples[n];
    if (samples[n] > block.most) block.most = samples[n];
  }
  block.mean = sum / (int32_t)count;
  return block;
}

static int32_t magnitude(int32_t x) { return x < 0 ? -x : x; }

/* A value near the middle is silence as far as anybody can tell. */
static void watch_stuck(rt_offset_t *offset, const block_t *block) {
  if (block->least != block->most || magnitude(block->mean) <= RT_OFFSET_LIMIT) {
    offset->same = 0;
  } else if (offset->same > 0 && offset->value == block->least) {
    if (offset->same < RT_OFFSET_SECOND) offset->same++;
  } else {
    offset->same = 1;
    offset->value = block->least;
  }
  offset->is_stuck = offset->same == RT_OFFSET_SECOND;
}

/* A microphone that was plugged in, or a fault that has ended: no need to walk all the way. */
static void watch_jump(rt_offset_t *offset, int32_t mean) {
  const int32_t distance = mean - offset->estimate;
  const int32_t side = distance > RT_OFFSET_FAR ? 1 : distance < -RT_OFFSET_FAR ? -1 : 0;
  if (side == 0 || offset->far_count * side < 0) {
    offset->far_sum = 0;
    offset->far_count = 0;
  }
  if (side == 0) return;
  offset->far_sum += mean;
  offset->far_count = (int8_t)(offset->far_count + side);
  if (magnitude(offset->far_count) < (int32_t)RT_OFFSET_SECOND) return;
  const int32_t found = offset->far_sum / (int32_t)RT_OFFSET_SECOND;
  if (magnitude(found) <= RT_OFFSET_LIMIT) offset->estimate = (int16_t)found;
  offset->far_sum = 0;
  offset->far_count = 0;
}

static void follow(rt_offset_t *offset, int32_t mean) {
  if (mean > offset->estimate && offset->estimate < RT_OFFSET_LIMIT) offset->estimate++;
  if (mean < offset->estimate && offset->estimate > -RT_OFFSET_LIMIT) offset->estimate--;
}

static void take_away(int16_t *samples, uint32_t count, int32_t applied) {
  for (uint32_t n = 0; n < count; n++) {
    const int32_t sample = samples[n] - applied;
    samples[n] = (int16_t)(sample > INT16_MAX   ? INT16_MAX
                           : sample < INT16_MIN ? INT16_MIN
                                                : sample);
  }
}

void rt_offset_take(rt_offset_t *offset, int16_t *samples, uint32_t count) {
  const block_t block = look(samples, count);
  watch_stuck(offset, &block);
  if (offset->same == 0) { /* what a broken converter gives says nothing of the microphone */
    watch_jump(offset, block.mean);
    follow(offset, block.mean);
  }
  const int32_t estimate = offset->estimate;
  offset->applied = (int16_t)(magnitude(estimate) < RT_OFFSET_LEAST ? 0 : estimate);
  if (offset->applied != 0) take_away(samples, count, offset->applied);
}
