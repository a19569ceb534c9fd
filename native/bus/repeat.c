#include "bus/repeat.h"

#include "bus/internal.h"

/*
 * Two stages with one delay each, so that both are in the order of their times: after the first
 * repeat an event moves on to the second.
 */
#define STAGES 2u
#define STAGE_EVENTS 8u
#define STAGE_BYTES 256u
static const uint32_t DELAY_US[STAGES] = {20000u, 50000u};

typedef struct {
  rt_queue_t queue;
  uint64_t due_us[STAGE_EVENTS]; /* ring, same order as the queue */
  uint8_t first, count;
  uint64_t memory[STAGE_BYTES / 8u];
} rt_stage_t;

static rt_stage_t stages[STAGES];

void rt_repeat_init(void) {
  for (uint32_t i = 0; i < STAGES; i++) {
    rt_queue_init(&stages[i].queue, stages[i].memory, STAGE_BYTES);
    stages[i].first = stages[i].count = 0;
  }
}

static void push(uint32_t nth, const rt_packet_t *event, uint64_t now_us) {
  rt_stage_t *stage = &stages[nth];
  /* No room: fewer repeats. They only help against loss. */
  if (stage->count == STAGE_EVENTS || rt_queue_push(&stage->queue, event) != RT_OK) return;
  stage->due_us[(stage->first + stage->count) % STAGE_EVENTS] = now_us + DELAY_US[nth];
  stage->count++;
}

static void pop(rt_stage_t *stage) {
  rt_queue_pop(&stage->queue);
  stage->first = (uint8_t)((stage->first + 1u) % STAGE_EVENTS);
  stage->count--;
}

void rt_repeat_add(const rt_packet_t *event, uint64_t now_us) {
  if (rt_links_open()) push(0, event, now_us);
}

uint64_t rt_repeat_poll(uint64_t now_us, void (*send)(const rt_packet_t *packet)) {
  uint64_t next_us = UINT64_MAX;
  for (uint32_t i = 0; i < STAGES; i++) {
    rt_stage_t *stage = &stages[i];
    while (stage->count > 0 && stage->due_us[stage->first] <= now_us) {
      rt_packet_t event;
      rt_queue_peek(&stage->queue, &event);
      send(&event);
      if (i + 1u < STAGES) push(i + 1u, &event, now_us);
      pop(stage);
    }
    if (stage->count > 0 && stage->due_us[stage->first] < next_us) {
      next_us = stage->due_us[stage->first];
    }
  }
  return next_us;
}
