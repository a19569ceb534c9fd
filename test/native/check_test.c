/*
 * The model check: what it refuses, and that whatever it accepts can be run. Tables and arena have
 * exactly their size, so that under a sanitizer an index that the check lets through is an error.
 */
#include "engine/check.h"

#include "harness.h"
#include "random_model.h"

static rt_status_t status_of(rt_test_model_t *m) {
  rt_engine_t engine;
  return rt_engine_init(&engine, &m->model, m->arena, m->model.arena_bytes);
}

/* Each line of this test breaks one thing of a sound model. */
static void named_faults(void) {
  rt_test_model_t m;
  rt_engine_t engine;
  rt_test_model_make(&m, RT_OP_CONV_2D);
  const rt_test_model_t sound = m;
#define BREAK(expression, expected)     \
  do {                                  \
    m = sound;                          \
    m.model.tensors = m.tensors;        \
    m.model.layers = &m.layer;          \
    expression;                         \
    CHECK(status_of(&m) == (expected)); \
  } while (0)
  BREAK((void)0, RT_OK);
  BREAK(m.model.magic ^= 1, RT_ERROR_MODEL_MAGIC);
  BREAK(m.model.version = 2, RT_ERROR_MODEL_MAGIC);
  BREAK(m.layer.op = 77, RT_ERROR_MODEL_OP);
  BREAK(m.layer.input = 3, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.output = RT_NONE, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.model.input_tensor = 3, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.model.output_tensor = 3, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.model.tensors = 0, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.model.layer_count = 0, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.tensors[0].channels = 0, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.tensors[0].zero_point = 128, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.tensors[2].offset_bytes += 1, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.tensors[2].offset_bytes = m.model.arena_bytes, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.tensors[2].offset_bytes = 0, RT_ERROR_MODEL_LAYOUT); /* output over input */
  BREAK(m.tensors[2].height = INT32_MAX, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.stride_width = 0, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.pad_top = m.layer.kernel_height, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.pad_left = -1, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.kernel_height = INT32_MAX, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.activation_max = 128, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.activation_min = 127; m.layer.activation_max = 0, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.weights = 0, RT_ERROR_MODEL_LAYOUT);
  BREAK(m.layer.bias = 0, RT_ERROR_MODEL_LAYOUT);
#undef BREAK
  m = sound;
  m.model.tensors = m.tensors;
  m.model.layers = &m.layer;
  m.shift[0] = 31;
  CHECK(status_of(&m) == RT_ERROR_MODEL_LAYOUT);
  m.shift[0] = -8;
  m.multiplier[0] = -1;
  CHECK(status_of(&m) == RT_ERROR_MODEL_LAYOUT);
  m.multiplier[0] = 1 << 30;
  CHECK(rt_engine_init(&engine, &m.model, m.arena, m.model.arena_bytes - 1) == RT_ERROR_ARENA_SIZE);
  CHECK(rt_engine_init(&engine, &m.model, m.arena + 1, m.model.arena_bytes) == RT_ERROR_ALIGNMENT);
  /* Tables outside the image that they are said to lie in. */
  CHECK(rt_model_check(&m.model, &m, sizeof m) == RT_ERROR_MODEL_LAYOUT);
  CHECK(rt_model_check(&m.model, m.weights, 4) == RT_ERROR_MODEL_LAYOUT);
  rt_test_model_free(&m);
}

/* A word of the tables, chosen at random: sizes, offsets, indices, ranges; no pointer. */
static uint32_t *any_word(rt_test_model_t *m, int32_t channels) {
  const uint32_t tensor_words = sizeof m->tensors / 4;
  const uint32_t layer_words = 12; /* up to activation_max */
  const uint32_t pick = rt_test_random() % 10;
  if (pick < 4) return (uint32_t *)m->tensors + rt_test_random() % tensor_words;
  if (pick < 8) return (uint32_t *)&m->layer + rt_test_random() % layer_words;
  if (pick == 8 && m->layer.op == RT_OP_ADD) return (uint32_t *)&m->add + rt_test_random() % 7;
  if (pick == 8 && m->layer.op == RT_OP_SOFTMAX) {
    return (uint32_t *)&m->softmax + rt_test_random() % 3;
  }
  if (m->shift) {
    return (uint32_t *)(rt_test_random() % 2 ? m->shift : m->multiplier) +
           rt_test_random() % (uint32_t)channels;
  }
  return &m->model.input_tensor;
}

/* Bytes of weights that the layer as it stands reads. Wraps for sizes that the check refuses. */
static uint64_t weight_bytes(const rt_test_model_t *m) {
  const rt_layer_t *l = &m->layer;
  const rt_tensor_t *in = &m->tensors[l->input];
  const uint64_t depth = (uint64_t)in->channels;
  const uint64_t outputs = (uint64_t)m->tensors[l->output].channels;
  if (l->op == RT_OP_FULLY_CONNECTED) {
    return outputs * depth * (uint64_t)in->height * (uint64_t)in->width;
  }
  const uint64_t taps = (uint64_t)l->kernel_height * (uint64_t)l->kernel_width;
  return outputs * taps * (l->op == RT_OP_CONV_2D ? depth : 1);
}

/* Tables that are linked into a firmware have no size that could be checked; so fuzzing leaves out
 * what would need more weights or channels than this model has. */
static int tables_suffice(const rt_test_model_t *m, uint64_t weights, int32_t channels) {
  const rt_layer_t *l = &m->layer;
  if (l->input >= RT_TEST_TENSORS || l->output >= RT_TEST_TENSORS) return 0;
  if (l->op > RT_OP_FULLY_CONNECTED || !m->weights) return 1;
  return weight_bytes(m) <= weights && m->tensors[l->output].channels <= channels;
}

static void fuzz_one(rt_op_t op, uint32_t *accepted) {
  rt_test_model_t m;
  rt_test_model_make(&m, op);
  const uint64_t weights = weight_bytes(&m);
  const int32_t channels = m.tensors[2].channels;
  const uint32_t arena_bytes = m.model.arena_bytes;
  for (uint32_t changes = 1 + rt_test_random() % 3; changes > 0; changes--) {
    uint32_t *word = any_word(&m, channels);
    const uint32_t kind = rt_test_random() % 3;
    if (kind == 0) *word += (uint32_t)rt_test_between(-3, 3);
    if (kind == 1) *word ^= 1u << (rt_test_random() % 32);
    if (kind == 2) *word = (uint32_t)rt_test_extreme();
  }
  rt_engine_t engine;
  if (tables_suffice(&m, weights, channels) &&
      rt_engine_init(&engine, &m.model, m.arena, arena_bytes) == RT_OK) {
    CHECK(rt_engine_infer(&engine) == RT_OK);
    ++*accepted;
  }
  rt_test_model_free(&m);
}

void rt_test_model_check(void) {
  for (int32_t i = 0; i < 20; i++) named_faults();
  uint32_t accepted = 0;
  for (int32_t i = 0; i < 30000; i++) fuzz_one((rt_op_t)(1 + i % 6), &accepted);
  CHECK(accepted > 1000);
}
