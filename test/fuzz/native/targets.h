/* The functions behind fuzz_targets; each file says what its input is. */
#ifndef RT_TEST_FUZZ_TARGETS_H
#define RT_TEST_FUZZ_TARGETS_H

#include "fuzz.h"

void fuzz_image(const uint8_t *data, size_t size);
size_t fuzz_image_mutate(uint8_t *data, size_t size, size_t capacity, uint32_t seed);
void fuzz_link(const uint8_t *data, size_t size);
void fuzz_bus(const uint8_t *data, size_t size);
void fuzz_deploy(const uint8_t *data, size_t size);
void fuzz_store(const uint8_t *data, size_t size);
void fuzz_delta(const uint8_t *data, size_t size);
void fuzz_install(const uint8_t *data, size_t size);
void fuzz_adapter(const uint8_t *data, size_t size);
void fuzz_learner(const uint8_t *data, size_t size);

#endif
