#include "outcome.h"

#include <string.h>

#define BITS_MOST (8u * RT_HAL_FLASH_SECTOR_BYTES)

static const struct {
  const char *name;
  uint8_t is_of_erase, is_of_program, is_random;
} outcomes[RT_POWER_OUTCOMES] = {
    [RT_POWER_NOT_BEGUN] = {"not begun", 1, 1, 0},
    [RT_POWER_DONE] = {"done", 1, 1, 0},
    [RT_POWER_PREFIX] = {"prefix", 1, 1, 1},
    [RT_POWER_RANDOM_BITS] = {"random bits", 1, 1, 1},
    [RT_POWER_ONE_BIT_LEFT] = {"one bit left", 1, 1, 1},
    [RT_POWER_ONE_BIT_DONE] = {"one bit done", 1, 1, 1},
    [RT_POWER_WEAK] = {"weak", 1, 1, 1},
    [RT_POWER_WEAK_PREFIX] = {"weak prefix", 1, 1, 1},
    [RT_POWER_PREPROGRAMMED] = {"preprogrammed", 1, 0, 1},
    [RT_POWER_HALF_ERASED] = {"half erased", 1, 0, 1},
};

const char *rt_power_outcome_name(rt_power_outcome_t outcome) { return outcomes[outcome].name; }

uint32_t rt_power_outcome_is_of(rt_power_outcome_t outcome, rt_power_kind_t kind) {
  return kind == RT_POWER_ERASE ? outcomes[outcome].is_of_erase : outcomes[outcome].is_of_program;
}

uint32_t rt_power_outcome_is_random(rt_power_outcome_t outcome) {
  return outcomes[outcome].is_random;
}

/* An operation at work: the bytes it changes, and what they would be in the end. */
typedef struct {
  uint8_t *data, *weak;
  uint8_t after[RT_HAL_FLASH_SECTOR_BYTES];
  uint32_t bytes;
  rt_power_random_t *random;
} work_t;

/* A byte of random bits, each 1 with the probability share / 256. */
static uint32_t random_byte(rt_power_random_t *random, uint32_t share) {
  uint32_t byte = 0;
  for (uint32_t bit = 1; bit < 256; bit <<= 1) {
    if (rt_power_below(random, 256) < share) byte |= bit;
  }
  return byte;
}

/* A share between nearly none and nearly all, the ends as likely as the middle. */
static uint32_t random_share(rt_power_random_t *random) {
  static const uint32_t shares[] = {1, 4, 16, 64, 128, 192, 240, 252, 255};
  return shares[rt_power_below(random, sizeof shares / sizeof shares[0])];
}

static void change(work_t *work, uint32_t i, uint32_t mask) {
  const uint32_t changing = work->data[i] ^ work->after[i];
  work->data[i] ^= (uint8_t)(changing & mask);
}

/* Of the bits that change, number `nth`: its place, or none when there are fewer. */
static uint32_t changing_bit(const work_t *work, uint32_t nth) {
  uint32_t seen = 0;
  for (uint32_t i = 0; i < work->bytes; i++) {
    const uint32_t changing = work->data[i] ^ work->after[i];
    if (changing == 0) continue;
    for (uint32_t bit = 0; bit < 8; bit++) {
      if ((changing >> bit & 1u) != 0 && seen++ == nth) return 8 * i + bit;
    }
  }
  return BITS_MOST;
}

static uint32_t count_changing(const work_t *work) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < work->bytes; i++) {
    const uint32_t changing = work->data[i] ^ work->after[i];
    if (changing != 0) count += (uint32_t)__builtin_popcount(changing);
  }
  return count;
}

static uint32_t random_changing_bit(const work_t *work) {
  const uint32_t count = count_changing(work);
  return count == 0 ? BITS_MOST : changing_bit(work, rt_power_below(work->random, count));
}

/* Ends within the bytes that change, where there are such. */
static uint32_t random_prefix(const work_t *work) {
  const uint32_t bit = random_changing_bit(work);
  return bit == BITS_MOST ? rt_power_below(work->random, work->bytes) : bit / 8;
}

static void one_bit(work_t *work, uint32_t is_done) {
  const uint32_t chosen = random_changing_bit(work);
  for (uint32_t i = 0; i < work->bytes; i++) {
    const uint32_t mask = chosen / 8 == i ? 1u << chosen % 8 : 0;
    change(work, i, is_done ? mask : ~mask);
  }
}

static void weaken(work_t *work, uint32_t count) {
  const uint32_t share = random_share(work->random);
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t changing = work->data[i] ^ work->after[i];
    if (changing == 0) continue;
    change(work, i, 0xff);
    work->weak[i] |= (uint8_t)(changing & random_byte(work->random, share));
  }
}

static void random_bits(work_t *work, uint32_t from, uint32_t to) {
  const uint32_t share = random_share(work->random);
  for (uint32_t i = from; i < to; i++) change(work, i, random_byte(work->random, share));
}

static void clear_bits(work_t *work, uint32_t from, uint32_t to) {
  const uint32_t share = random_share(work->random);
  for (uint32_t i = from; i < to; i++) {
    work->data[i] &= (uint8_t)~random_byte(work->random, share);
  }
}

static void half_erase(work_t *work) {
  uint32_t first = rt_power_below(work->random, work->bytes);
  uint32_t second = rt_power_below(work->random, work->bytes);
  if (first > second) {
    const uint32_t swapped = first;
    first = second;
    second = swapped;
  }
  memset(work->data, 0xff, first);
  random_bits(work, first, second);
  clear_bits(work, second, work->bytes);
}

static void begin(work_t *work, rt_power_image_t *image, const rt_power_operation_t *operation,
                  rt_power_random_t *random) {
  work->data = image->data + operation->at;
  work->weak = image->weak + operation->at;
  work->bytes = operation->bytes;
  work->random = random;
  for (uint32_t i = 0; i < work->bytes; i++) {
    work->after[i] =
        operation->kind == RT_POWER_ERASE ? 0xff : (uint8_t)(work->data[i] & operation->page[i]);
  }
}

void rt_power_outcome_apply(rt_power_outcome_t outcome, rt_power_image_t *image,
                            const rt_power_operation_t *operation, rt_power_random_t *random) {
  if (outcome == RT_POWER_NOT_BEGUN) return;
  if (outcome == RT_POWER_DONE) {
    rt_power_image_apply(image, operation);
    return;
  }
  work_t work;
  begin(&work, image, operation, random);
  const uint32_t is_weak = outcome == RT_POWER_WEAK || outcome == RT_POWER_WEAK_PREFIX;
  if (is_weak && !image->has_weak) {
    memset(image->weak, 0, image->bytes);
    image->has_weak = 1;
  }
  switch (outcome) {
    case RT_POWER_PREFIX: {
      const uint32_t count = random_prefix(&work);
      for (uint32_t i = 0; i < count; i++) change(&work, i, 0xff);
      return;
    }
    case RT_POWER_RANDOM_BITS:
      random_bits(&work, 0, work.bytes);
      return;
    case RT_POWER_ONE_BIT_LEFT:
      one_bit(&work, 0);
      return;
    case RT_POWER_ONE_BIT_DONE:
      one_bit(&work, 1);
      return;
    case RT_POWER_WEAK:
      weaken(&work, work.bytes);
      return;
    case RT_POWER_WEAK_PREFIX:
      weaken(&work, random_prefix(&work));
      return;
    case RT_POWER_PREPROGRAMMED:
      clear_bits(&work, 0, work.bytes);
      return;
    default:
      half_erase(&work);
  }
}
