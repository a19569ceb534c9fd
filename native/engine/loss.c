#include "loss.h"

#include "fixed.h"

uint32_t rt_loss_argmax(const int32_t *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < count; c++) {
    if (values[c] > values[best]) best = c;
  }
  return best;
}

/* a - b for a >= b; logits are 32-bit, so that the difference needs the unsigned range. */
static uint32_t distance(int32_t a, int32_t b) { return (uint32_t)a - (uint32_t)b; }

uint32_t rt_loss_softmax(const int32_t *logits_q16, uint32_t classes, int32_t *probability_q15) {
  int32_t top = logits_q16[rt_loss_argmax(logits_q16, classes)];
  uint32_t sum = 0; /* Q20: at least 1, at most classes */
  for (uint32_t c = 0; c < classes; c++) {
    uint32_t e = rt_fixed_exp_negative(distance(top, logits_q16[c]));
    probability_q15[c] = (int32_t)e;
    sum += e;
  }
  for (uint32_t c = 0; c < classes; c++) {
    uint32_t e = (uint32_t)probability_q15[c]; /* e <= 2^20: 11 more bits fit */
    probability_q15[c] = (int32_t)rt_fixed_divide((e << 11) + (sum >> 5), sum >> 4);
  }
  return rt_fixed_log(sum);
}

uint32_t rt_loss_margin(const int32_t *logits_q16, uint32_t classes) {
  uint32_t best = rt_loss_argmax(logits_q16, classes);
  uint32_t margin = 0x7fffffffu;
  for (uint32_t c = 0; c < classes; c++) {
    uint32_t d = distance(logits_q16[best], logits_q16[c]);
    if (c != best && d < margin) margin = d;
  }
  return margin;
}

uint32_t rt_loss_cross_entropy(const int32_t *logits_q16, uint32_t classes, uint32_t label,
                               int32_t smoothing_q15, int32_t *gradient_q15) {
  uint32_t top = rt_loss_argmax(logits_q16, classes);
  uint32_t below = distance(logits_q16[top], logits_q16[label]);
  uint32_t log_sum = rt_loss_softmax(logits_q16, classes, gradient_q15);
  int32_t share = (int32_t)rt_fixed_divide((uint32_t)smoothing_q15, classes);
  for (uint32_t c = 0; c < classes; c++) gradient_q15[c] -= share;
  gradient_q15[label] -= 32768 - smoothing_q15;
  return below > 0x7fffffffu - log_sum ? 0x7fffffffu : below + log_sum;
}
