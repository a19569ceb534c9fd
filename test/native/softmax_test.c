/* Softmax against the exponential function: within one step of 1/256, and its fixed points. */
#include <math.h>

#include "harness.h"
#include "random_model.h"

static void check_pixel(const rt_test_model_t *m, int32_t first) {
  const int32_t channels = m->tensors[0].channels;
  const int8_t *x = rt_test_model_tensor(m, 0) + first;
  const int8_t *y = rt_test_model_tensor(m, 2) + first;
  const double scale = ldexp(m->softmax.multiplier, m->softmax.left_shift - 31) * ldexp(1.0, -26);
  double sum = 0;
  int32_t max = -128;
  for (int32_t i = 0; i < channels; i++) max = x[i] > max ? x[i] : max;
  for (int32_t i = 0; i < channels; i++) sum += exp((x[i] - max) * scale);
  for (int32_t i = 0; i < channels; i++) {
    const double exact = 256.0 * exp((x[i] - max) * scale) / sum - 128.0;
    CHECK(fabs(y[i] - (exact > 127.0 ? 127.0 : exact)) <= 1.0);
  }
}

void rt_test_softmax(void) {
  for (int32_t i = 0; i < 300; i++) {
    rt_test_model_t m;
    rt_engine_t engine;
    rt_test_model_make(&m, RT_OP_SOFTMAX);
    CHECK(rt_engine_init(&engine, &m.model, m.arena, m.model.arena_bytes) == RT_OK);
    CHECK(rt_engine_infer(&engine) == RT_OK);
    const int32_t pixels = m.tensors[0].height * m.tensors[0].width;
    for (int32_t p = 0; p < pixels; p++) check_pixel(&m, p * m.tensors[0].channels);
    rt_test_model_free(&m);
  }
}
