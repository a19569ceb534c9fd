/*
 * retune-fuzz [options] IMAGE…: damages program images and runs what still passes the check.
 *
 *   --seconds N   how long (10)
 *   --seed N      of the damage
 *   --save FILE   where the image under test is kept, for the report of a crash
 *
 * Two kinds of input: images given on the command line with bytes, words, varints and table entries
 * changed, cut or copied over each other; and images whose code is random within a good frame. Each
 * lies in memory of exactly its size, so that a read past it is seen. A program that passes runs
 * for a short virtual time with a small heap. Nothing may crash; the sanitizers say when something
 * does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/host/host.h"
#include "vm/image.h"

#define MOST_IMAGES 1024
#define LARGEST_IMAGE_BYTES 65536u
#define HEAP_BYTES 16384u
/* Virtual time of a run, and of one in four: services announce themselves every 500 ms. */
#define LIMIT_US 400000u
#define LONG_LIMIT_US 3000000u

typedef struct {
  uint8_t *bytes;
  size_t size;
} seed_t;

static seed_t seeds[MOST_IMAGES];
static size_t seed_count;
static uint8_t scratch[65536 / 8];
static uint32_t state = 1;
static const char *save_name;

static struct {
  uint64_t tried, passed, ends[7];
} counts;

static uint32_t draw(uint32_t limit) {
  state += 0x6d2b79f5u;
  uint32_t t = state;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return (t ^ t >> 14) % limit;
}

static int load_seed(const char *name) {
  FILE *file = fopen(name, "rb");
  if (file == NULL || seed_count == MOST_IMAGES) return -1;
  uint8_t *bytes = malloc(LARGEST_IMAGE_BYTES);
  const size_t size = bytes == NULL ? 0 : fread(bytes, 1, LARGEST_IMAGE_BYTES, file);
  fclose(file);
  if (size < 32) return -1;
  seeds[seed_count++] = (seed_t){bytes, size};
  return 0;
}

/* ---- Damage ---- */

static uint32_t word_at(const uint8_t *bytes, size_t offset) {
  return bytes[offset] | (uint32_t)bytes[offset + 1] << 8 | (uint32_t)bytes[offset + 2] << 16 |
         (uint32_t)bytes[offset + 3] << 24;
}

/* A place in section `section` of the image, mostly; anywhere when it has none. */
static size_t place_in(const uint8_t *bytes, size_t size, uint32_t section) {
  const size_t header = 32u + 8u * section;
  if (size < header + 8) return draw((uint32_t)size);
  const uint32_t start = word_at(bytes, header), length = word_at(bytes, header + 4);
  if (start >= size || length == 0 || length > size - start) return draw((uint32_t)size);
  return start + draw(length);
}

/* Half of the damage goes to code, where the verifier has most to do. */
static size_t place(const uint8_t *bytes, size_t size) {
  const uint32_t kind = draw(8);
  if (kind < 4) return place_in(bytes, size, 1);
  if (kind < 6) return place_in(bytes, size, draw(10));
  return kind == 6 ? draw(size < 112 ? (uint32_t)size : 112) : draw((uint32_t)size);
}

static uint8_t odd_byte(void) {
  static const uint8_t values[] = {0, 1, 2, 15, 16, 17, 0x7f, 0x80, 0xf7, 0xf8, 0xfb, 0xfc, 0xff};
  return draw(2) ? values[draw(sizeof values)] : (uint8_t)draw(256);
}

/* One change; returns the new size. */
static size_t damage(uint8_t *bytes, size_t size) {
  const size_t at = place(bytes, size);
  switch (draw(10)) {
    case 0:
      bytes[at] ^= (uint8_t)(1u << draw(8));
      return size;
    case 1:
      bytes[at] = odd_byte();
      return size;
    case 2: /* an opcode for another: kinds are next to each other */
      bytes[at] = (uint8_t)(bytes[at] + draw(5) - 2);
      return size;
    case 3: { /* some bytes from elsewhere in the image */
      const size_t from = place(bytes, size);
      size_t length = 1 + draw(16);
      if (length > size - at) length = size - at;
      if (length > size - from) length = size - from;
      memmove(bytes + at, bytes + from, length);
      return size;
    }
    case 4: { /* some bytes of another program */
      const seed_t *other = &seeds[draw((uint32_t)seed_count)];
      const size_t from = place(other->bytes, other->size);
      size_t length = 1 + draw(64);
      if (length > size - at) length = size - at;
      if (length > other->size - from) length = other->size - from;
      memcpy(bytes + at, other->bytes + from, length);
      return size;
    }
    case 5: /* a table entry */
      if (at + 4 <= size) {
        const size_t aligned = at & ~(size_t)3;
        const uint32_t value = word_at(bytes, aligned) + draw(9) - 4;
        for (uint32_t i = 0; i < 4; i++) bytes[aligned + i] = (uint8_t)(value >> 8 * i);
      }
      return size;
    case 6:
      return draw(4) == 0 ? 1 + draw((uint32_t)size) : size;
    case 7: /* any opcode */
      bytes[at] = (uint8_t)(1 + draw(94));
      return size;
    default: /* an operand */
      bytes[at] = (uint8_t)(0x80 + draw(0x80));
      return size;
  }
}

/* Random instructions in place of the code of a good image. */
static void scramble_code(uint8_t *bytes, size_t size) {
  if (size < 112) return;
  const uint32_t start = word_at(bytes, 40), length = word_at(bytes, 44);
  if (start >= size || length > size - start) return;
  const uint32_t from = draw(length + 1), count = draw(length - from + 1);
  for (uint32_t i = 0; i < count; i++) {
    bytes[start + from + i] = draw(3) ? (uint8_t)(1 + draw(94)) : (uint8_t)(0x80 + draw(0x78));
  }
}

/* ---- Runs ---- */

static void ignore_line(char level, const char *text, size_t bytes) {
  (void)level, (void)text, (void)bytes;
}

/* So that a crash can be repeated: overwritten by the next one. */
static void save(const uint8_t *bytes, size_t size) {
  if (save_name == NULL) return;
  FILE *file = fopen(save_name, "wb");
  if (file == NULL) return;
  fwrite(bytes, 1, size, file);
  fclose(file);
}

static void try_image(const uint8_t *bytes, size_t size) {
  /* Of the exact size, so that the sanitizer sees a read past the end; tests only, no firmware. */
  uint8_t *exact = malloc(size);
  uint64_t *heap = malloc(HEAP_BYTES);
  if (exact == NULL || heap == NULL) exit(2);
  memcpy(exact, bytes, size);
  counts.tried++;
  rt_image_t image;
  rt_image_fault_t fault;
  if (rt_image_check(&image, exact, size, scratch, sizeof scratch, &fault) == RT_OK) {
    counts.passed++;
    save(exact, size);
    const rt_host_run_t run = {
        .image = exact,
        .image_bytes = size,
        .heap = heap,
        .heap_bytes = HEAP_BYTES,
        .seed = state,
        .limit_us = draw(4) == 0 ? LONG_LIMIT_US : LIMIT_US,
        .fail_at = draw(4) == 0 ? 1 + draw(200) : 0,
        .console = ignore_line,
    };
    uint32_t panic;
    counts.ends[rt_host_run(&run, &panic)]++;
  }
  free(heap);
  free(exact);
}

static void fuzz(double seconds) {
  static uint8_t work[LARGEST_IMAGE_BYTES];
  const time_t begin = time(NULL);
  do {
    for (uint32_t i = 0; i < 64; i++) {
      const seed_t *seed = &seeds[draw((uint32_t)seed_count)];
      size_t size = seed->size;
      memcpy(work, seed->bytes, size);
      if (draw(8) == 0) scramble_code(work, size);
      for (uint32_t n = 1 + draw(draw(4) == 0 ? 20 : 3); n > 0; n--) size = damage(work, size);
      try_image(work, size);
    }
  } while (difftime(time(NULL), begin) < seconds);
}

int main(int count, char **arguments) {
  double seconds = 10;
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--seconds") == 0 && i + 1 < count) {
      seconds = strtod(arguments[++i], NULL);
    } else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count) {
      state = (uint32_t)strtoul(arguments[++i], NULL, 10);
    } else if (strcmp(arguments[i], "--save") == 0 && i + 1 < count) {
      save_name = arguments[++i];
    } else if (load_seed(arguments[i]) != 0) {
      fprintf(stderr, "%s: not an image\n", arguments[i]);
      return 2;
    }
  }
  if (seed_count == 0) {
    fprintf(stderr, "usage: retune-fuzz [options] IMAGE...\n");
    return 2;
  }
  fuzz(seconds);
  printf("%llu images, %llu passed the check", (unsigned long long)counts.tried,
         (unsigned long long)counts.passed);
  static const char *const names[] = {"refused", "ended",   "restart", "reboot",
                                      "panic",   "waiting", "reset"};
  for (int i = 0; i < 7; i++) printf(", %s %llu", names[i], (unsigned long long)counts.ends[i]);
  printf("\n");
  return 0;
}
