/* Seeded random numbers (mulberry32, public domain): the same on every machine. */
#ifndef RT_POWER_RANDOM_H
#define RT_POWER_RANDOM_H

#include <stdint.h>

typedef struct {
  uint32_t state;
} rt_power_random_t;

static inline uint32_t rt_power_random(rt_power_random_t *random) {
  random->state += 0x6d2b79f5u;
  uint32_t t = random->state;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return t ^ t >> 14;
}

/* 0 to limit - 1. */
static inline uint32_t rt_power_below(rt_power_random_t *random, uint32_t limit) {
  return (uint32_t)(((uint64_t)rt_power_random(random) * limit) >> 32);
}

/* One number from several, so that each case has a seed of its own whatever ran before it. */
static inline uint32_t rt_power_mix(uint32_t a, uint32_t b) {
  rt_power_random_t random = {a ^ (b * 0x9e3779b9u) ^ (b << 7)};
  return rt_power_random(&random);
}

#endif
