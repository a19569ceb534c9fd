/*
 * retune-libfuzzer: all targets under libFuzzer; the variable RETUNE_FUZZ_TARGET names the one to
 * run. Options are libFuzzer's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

static const fuzz_target_t *target;

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  const char *name = getenv("RETUNE_FUZZ_TARGET");
  target = name == NULL ? NULL : fuzz_find_target(name);
  if (target != NULL) return 0;
  fprintf(stderr, "RETUNE_FUZZ_TARGET must be one of");
  for (uint32_t i = 0; i < fuzz_target_count; i++) fprintf(stderr, " %s", fuzz_targets[i].name);
  fprintf(stderr, "\n");
  exit(2);
}

/* Half of the changes are the target's own, which knows where things are. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
  if (target->mutate == NULL || seed % 2u == 0) return LLVMFuzzerMutate(data, size, capacity);
  return target->mutate(data, size, capacity, seed / 2u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  target->run(data, size);
  return 0;
}
