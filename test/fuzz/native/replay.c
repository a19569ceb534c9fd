/*
 * retune-replay TARGET FILE…: runs a fuzz target on files, each in memory of exactly its size. For
 * builds with sanitizers; prints how many files ran.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define LARGEST_BYTES 0x100000u

static int replay(const fuzz_target_t *target, const char *name) {
  static uint8_t bytes[LARGEST_BYTES];
  FILE *file = fopen(name, "rb");
  if (file == NULL) return -1;
  const size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  uint8_t *exact = malloc(size == 0 ? 1 : size);
  if (exact == NULL) return -1;
  for (size_t i = 0; i < size; i++) exact[i] = bytes[i];
  target->run(exact, size);
  free(exact);
  return 0;
}

int main(int count, char **arguments) {
  const fuzz_target_t *target = count < 2 ? NULL : fuzz_find_target(arguments[1]);
  if (target == NULL) {
    fprintf(stderr, "usage: retune-replay TARGET FILE...\n");
    return 2;
  }
  for (int i = 2; i < count; i++) {
    fprintf(stderr, "%s\n", arguments[i]); /* the last line before a finding names its input */
    if (replay(target, arguments[i]) != 0) return 2;
  }
  printf("%s: %d files\n", target->name, count - 2);
  return 0;
}
