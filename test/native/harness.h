/* A few lines of test harness: checks that count, and seeded random numbers. */
#ifndef RT_TEST_HARNESS_H
#define RT_TEST_HARNESS_H

#include <stdint.h>

/* Counts a failure and prints where, the first 20 times. */
#define CHECK(condition) rt_test_check((condition) != 0, #condition, __FILE__, __LINE__)

void rt_test_check(int passed, const char *what, const char *file, int line);

/* xorshift32; the same numbers on every machine. */
uint32_t rt_test_random(void);
void rt_test_seed(uint32_t seed);

/* An integer in [low, high]. */
int32_t rt_test_between(int32_t low, int32_t high);

/* Often an extreme (0, +-1, INT32_MIN, INT32_MAX, powers of two and their neighbours), else any. */
int32_t rt_test_extreme(void);

/* The suites. */
void rt_test_requantise(void);
void rt_test_dot(void);
void rt_test_layers(void);
void rt_test_softmax(void);
void rt_test_model_check(void);
void rt_test_training(void);
void rt_test_services(void);

#endif
