/*
 * A program image: the loader, and what passes it runs for a short virtual time with a small heap.
 * Input: 1 byte of choices, then the image.
 */
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "firmware/firmware.h"
#include "fuzz.h"
#include "targets.h"
#include "vm/heap.h"

#define HEAP_BYTES 16384u
/* Virtual time of a run, and of one in four: services announce themselves every 500 ms. */
#define LIMIT_US 300000u
#define LONG_LIMIT_US 1500000u
/* Turns of the main loop, for scripts that wait for very little very often. */
#define MOST_TURNS 3000u

#define CHOICE_LONG 0x03u /* both bits: the long limit */
#define CHOICE_FAIL 0x0cu /* both bits: an allocation fails */

typedef struct {
  rt_firmware_config_t config;
  uint64_t limit_us;
  uint32_t fail_at;
} run_t;

static void run_program(void *context) {
  const run_t *run = context;
  rt_hal_init();
  rt_heap_fail_at(run->fail_at);
  if (rt_firmware_init(&run->config) != RT_OK) return;
  for (uint32_t turn = 0; turn < MOST_TURNS; turn++) {
    const uint64_t now_us = rt_hal_now_us();
    if (now_us >= run->limit_us) return;
    const uint64_t next_us = rt_firmware_poll(now_us);
    if (rt_vm_state() != RT_VM_RUNNING) return;
    fuzz_advance_to(next_us < run->limit_us ? next_us : run->limit_us);
  }
}

void fuzz_image(const uint8_t *data, size_t size) {
  if (size < 2) return;
  const uint8_t choices = data[0];
  /* Of the exact size, so that the sanitizer sees a read past the end. */
  uint8_t *image = malloc(size - 1);
  if (image == NULL) abort();
  memcpy(image, data + 1, size - 1);
  run_t run = {
      .config = {.heap = fuzz_heap(HEAP_BYTES),
                 .heap_bytes = HEAP_BYTES,
                 .program = image,
                 .program_bytes = size - 1,
                 .stays_stopped = 1},
      .limit_us = (choices & CHOICE_LONG) == CHOICE_LONG ? LONG_LIMIT_US : LIMIT_US,
      .fail_at = (choices & CHOICE_FAIL) == CHOICE_FAIL ? 1u + (choices >> 4) * 8u : 0,
  };
  rt_learner_setup = NULL;
  fuzz_power_on(1);
  fuzz_run(run_program, &run);
  free(image);
}

/* ---- Changes that know the format: sections at 32 + 8 * n hold start and length ---- */

static uint32_t random_state;

static uint32_t draw(uint32_t limit) {
  random_state += 0x6d2b79f5u;
  uint32_t t = random_state;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return (t ^ t >> 14) % limit;
}

static uint32_t word_at(const uint8_t *bytes, size_t offset) {
  return bytes[offset] | (uint32_t)bytes[offset + 1] << 8 | (uint32_t)bytes[offset + 2] << 16 |
         (uint32_t)bytes[offset + 3] << 24;
}

/* A place in a section, half of the time in the code; anywhere when it has none. */
static size_t place(const uint8_t *bytes, size_t size) {
  const uint32_t section = draw(2) ? 1 : draw(10);
  const size_t header = 32u + 8u * section;
  if (draw(8) == 0 || size < header + 8) return draw((uint32_t)size);
  const uint32_t start = word_at(bytes, header), length = word_at(bytes, header + 4);
  if (start >= size || length == 0 || length > size - start) return draw((uint32_t)size);
  return start + draw(length);
}

static void change(uint8_t *bytes, size_t size) {
  const size_t at = place(bytes, size);
  switch (draw(6)) {
    case 0: /* an opcode for another: kinds are next to each other */
      bytes[at] = (uint8_t)(bytes[at] + draw(5) - 2);
      return;
    case 1: /* any opcode */
      bytes[at] = (uint8_t)(1 + draw(94));
      return;
    case 2: /* an operand */
      bytes[at] = (uint8_t)(0x80 + draw(0x80));
      return;
    case 3: { /* some bytes from elsewhere in the image */
      const size_t from = place(bytes, size);
      size_t length = 1 + draw(16);
      if (length > size - at) length = size - at;
      if (length > size - from) length = size - from;
      memmove(bytes + at, bytes + from, length);
      return;
    }
    case 4: /* a table entry */
      if (at + 4 <= size) {
        const size_t aligned = at & ~(size_t)3;
        const uint32_t value = word_at(bytes, aligned) + draw(9) - 4;
        for (uint32_t i = 0; i < 4; i++) bytes[aligned + i] = (uint8_t)(value >> 8 * i);
      }
      return;
    default:
      bytes[at] ^= (uint8_t)(1u << draw(8));
  }
}

size_t fuzz_image_mutate(uint8_t *data, size_t size, size_t capacity, uint32_t seed) {
  (void)capacity;
  random_state = seed;
  if (size < 34) return size;
  if (draw(8) == 0) data[0] = (uint8_t)draw(256);
  for (uint32_t n = 1 + draw(4); n > 0; n--) change(data + 1, size - 1);
  return size;
}
