/*
 * Module of services/capture.md: cuts what the microphone hears into windows. Samples stay where
 * they are, in the memory of rt_learner_setup; a consumer in the same firmware is told which are a
 * window.
 */
#ifndef RT_SERVICES_CAPTURE_H
#define RT_SERVICES_CAPTURE_H

#include <stdint.h>

typedef struct {
  uint32_t number;  /* 1 for the first since boot */
  uint64_t first;   /* sample, counted by capture */
  uint32_t samples; /* of the window */
  int16_t peak;     /* largest sample */
  int16_t level_q8; /* dB below full scale */
} rt_capture_window_t;

/*
 * Takes a window. The samples stay readable for a quarter of a window's time at least. Returns 0
 * when the window before is still in use: then this one is lost and counted.
 */
typedef uint32_t (*rt_capture_consumer_t)(const rt_capture_window_t *window);

/* One consumer; called from a module's init. Without one, windows are counted and that is all. */
void rt_capture_attach(rt_capture_consumer_t consumer);

/* Points `*samples` at the samples of a window from `offset` on; returns how many lie in one piece,
 * at least 1. offset < window->samples. */
uint32_t rt_capture_span(const rt_capture_window_t *window, uint32_t offset,
                         const int16_t **samples);

#endif
