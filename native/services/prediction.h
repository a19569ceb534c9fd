/*
 * What the output of a classifier says, in the formats of services/learner.md. Fixed point, exact
 * to the last place but for ties (2^-20 of a unit).
 */
#ifndef RT_SERVICES_PREDICTION_H
#define RT_SERVICES_PREDICTION_H

#include <stdint.h>

#include "engine/model.h"

typedef struct {
  uint32_t window; /* number of the window; set by the caller */
  uint16_t label;
  int16_t confidence_q15; /* softmax probability of the winner */
  uint16_t margin_q8;     /* largest logit minus the second, nats, at most 255 */
  int16_t entropy_q15;    /* of the softmax, as a share of its maximum */
  uint16_t shift_q12;     /* set by rt_prediction_shift */
} rt_prediction_t;

#define RT_PREDICTION_BYTES 14u

/* All but window and shift. logits [classes], Q16, absolute values below 2^30; classes 1 to 1,024.
 */
void rt_prediction_from_logits(const int32_t *logits_q16, uint32_t classes,
                               rt_prediction_t *prediction);

/*
 * Root mean square, over the cepstral coefficients 1 and up, of the window's mean feature in
 * standard deviations of the training data: at most 15.99. in: input, RT_DSP_WINDOW_BYTES values of
 * a tensor with this scale and zero point.
 */
uint16_t rt_prediction_shift(const int8_t *input, rt_real_t scale, int32_t zero_point);

/* The fields as they go into a packet. */
void rt_prediction_pack(const rt_prediction_t *prediction, uint8_t bytes[RT_PREDICTION_BYTES]);

#endif
