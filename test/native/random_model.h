/* A model of one or two random layers in memory of exactly its size, so that a sanitizer sees every
 * byte read or written outside. */
#ifndef RT_TEST_RANDOM_MODEL_H
#define RT_TEST_RANDOM_MODEL_H

#include "engine/engine.h"

#define RT_TEST_TENSORS 3

typedef struct {
  rt_model_t model;
  rt_tensor_t tensors[RT_TEST_TENSORS]; /* input, second input, output */
  rt_layer_t layer;
  rt_add_t add;
  rt_softmax_t softmax;
  int8_t *weights;
  int32_t *bias;
  int32_t *multiplier;
  int32_t *shift;
  rt_real_t *weight_scale;
  uint32_t *packed; /* of half of the convolutions and dense layers, else NULL */
  int8_t *arena;
} rt_test_model_t;

/* Fills in a sound model of one layer of kind `op` with random shape and numbers. */
void rt_test_model_make(rt_test_model_t *m, rt_op_t op);

/* Random bytes in the whole arena. */
void rt_test_model_scramble(rt_test_model_t *m);

void rt_test_model_free(rt_test_model_t *m);

int8_t *rt_test_model_tensor(const rt_test_model_t *m, uint32_t tensor);

#endif
