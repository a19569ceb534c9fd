#include "loss.h"

#include "fixed.h"
#include "hot.h"

uint32_t rt_loss_argmax(const int32_t *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < count; c++) {
    if (values[c] > values[best]) best = c;
  }
  return best;
}

/* a - b for a >= b; logits are 32-bit, so that the difference needs the unsigned range. */
static uint32_t distance(int32_t a, int32_t b) { return (uint32_t)a - (uint32_t)b; }

static int32_t largest(const int32_t *values, uint32_t count) {
  int32_t top = *values;
  for (const int32_t *const end = values + count; values < end; values++) {
    if (*values > top) top = *values;
  }
  return top;
}

/* Probabilities - share. */
RT_HOT static uint32_t softmax(const int32_t *logits_q16, uint32_t classes, int32_t top,
                               int32_t share_q15, int32_t *probability_q15) {
  uint32_t sum = 0; /* Q20: at least 1, at most classes */
  for (uint32_t c = 0; c < classes; c++) {
    uint32_t e = rt_fixed_exp_negative(distance(top, logits_q16[c]));
    probability_q15[c] = (int32_t)e;
    sum += e;
  }
  uint32_t shift = (uint32_t)rt_fixed_bits(sum) - 15u; /* at least 6 */
  uint32_t half = 1u << (shift - 1u);
  uint32_t share = rt_fixed_reciprocal(sum >> shift); /* 2^30 / sum */
  for (int32_t *const end = probability_q15 + classes; probability_q15 < end; probability_q15++) {
    uint32_t e = ((uint32_t)*probability_q15 + half) >> shift; /* <= 2^15 */
    *probability_q15 = (int32_t)((e * share + (1u << 14)) >> 15) - share_q15;
  }
  return rt_fixed_log(sum);
}

uint32_t rt_loss_softmax(const int32_t *logits_q16, uint32_t classes, int32_t *probability_q15) {
  return softmax(logits_q16, classes, largest(logits_q16, classes), 0, probability_q15);
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

rt_loss_target_t rt_loss_target(uint32_t classes, int32_t smoothing_q15) {
  rt_loss_target_t target = {smoothing_q15, 0};
  if (smoothing_q15 != 0) {
    target.share_q15 = (int32_t)rt_fixed_divide((uint32_t)smoothing_q15, classes);
  }
  return target;
}

RT_HOT uint32_t rt_loss_cross_entropy(const int32_t *logits_q16, uint32_t classes, uint32_t label,
                                      const rt_loss_target_t *target, int32_t *gradient_q15) {
  int32_t top = largest(logits_q16, classes);
  uint32_t below = distance(top, logits_q16[label]);
  uint32_t log_sum = softmax(logits_q16, classes, top, target->share_q15, gradient_q15);
  gradient_q15[label] -= 32768 - target->smoothing_q15;
  return below > 0x7fffffffu - log_sum ? 0x7fffffffu : below + log_sum;
}
