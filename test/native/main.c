/* Runs all suites; exit status 1 when a check failed. */
#include <stdio.h>

#include "harness.h"

static uint32_t state;
static unsigned long checks;
static unsigned long failures;

void rt_test_seed(uint32_t seed) { state = seed; }

uint32_t rt_test_random(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

int32_t rt_test_between(int32_t low, int32_t high) {
  const uint32_t span = (uint32_t)high - (uint32_t)low;
  const uint32_t r = rt_test_random();
  return (int32_t)((uint32_t)low + (span == UINT32_MAX ? r : r % (span + 1)));
}

int32_t rt_test_extreme(void) {
  const int32_t fixed[] = {0, 1, -1, INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1};
  const uint32_t kind = rt_test_random() % 4;
  if (kind == 0) return fixed[rt_test_random() % 7];
  if (kind == 1) {
    return (int32_t)((1u << (rt_test_random() % 32)) + (rt_test_random() % 3) - 1u);
  }
  return (int32_t)(rt_test_random() >> (rt_test_random() % 32));
}

void rt_test_check(int passed, const char *what, const char *file, int line) {
  checks++;
  if (passed) return;
  failures++;
  if (failures <= 20) fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

static void run(const char *name, void (*suite)(void)) {
  const unsigned long checked = checks;
  const unsigned long failed = failures;
  rt_test_seed(0x2545f491u);
  suite();
  printf("%-12s %9lu checks, %lu failed\n", name, checks - checked, failures - failed);
}

int main(void) {
  run("requantise", rt_test_requantise);
  run("dot", rt_test_dot);
  run("layers", rt_test_layers);
  run("softmax", rt_test_softmax);
  run("model check", rt_test_model_check);
  run("training", rt_test_training);
  run("services", rt_test_services);
  return failures > 0;
}
