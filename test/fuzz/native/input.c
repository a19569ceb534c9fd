#include <string.h>

#include "fuzz.h"

uint32_t fuzz_take8(fuzz_input_t *input) { return input->at < input->end ? *input->at++ : 0; }

uint32_t fuzz_take16(fuzz_input_t *input) {
  const uint32_t low = fuzz_take8(input);
  return low | fuzz_take8(input) << 8;
}

uint32_t fuzz_take32(fuzz_input_t *input) {
  const uint32_t low = fuzz_take16(input);
  return low | fuzz_take16(input) << 16;
}

size_t fuzz_take(fuzz_input_t *input, void *to, size_t bytes) {
  if (bytes > fuzz_left(input)) bytes = fuzz_left(input);
  if (bytes > 0) memcpy(to, input->at, bytes);
  input->at += bytes;
  return bytes;
}

const fuzz_target_t *fuzz_find_target(const char *name) {
  for (uint32_t i = 0; i < fuzz_target_count; i++) {
    if (strcmp(fuzz_targets[i].name, name) == 0) return &fuzz_targets[i];
  }
  return NULL;
}
