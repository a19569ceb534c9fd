/* Fields of the learner's commands and reports. */
#ifndef RT_SERVICES_LEARNER_PACKET_H
#define RT_SERVICES_LEARNER_PACKET_H

#include "services/learner.h"

/* A little-endian field of a command; what is missing is 0. */
static inline uint32_t rt_learner_field(const rt_packet_t *packet, uint32_t offset,
                                        uint32_t bytes) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < bytes && offset + i < packet->size; i++) {
    value |= (uint32_t)packet->payload[offset + i] << (8u * i);
  }
  return value;
}

static inline void rt_learner_reply_status(rt_service_t *service, const rt_packet_t *packet,
                                           rt_learner_status_t status) {
  const uint16_t payload = (uint16_t)status;
  rt_service_reply(service, packet, &payload, sizeof payload);
}

/* Status and further counts. */
static inline void rt_learner_reply_counts(rt_service_t *service, const rt_packet_t *packet,
                                           rt_learner_status_t status, uint32_t first,
                                           uint32_t second, uint8_t count) {
  const uint16_t payload[3] = {(uint16_t)status, (uint16_t)first, (uint16_t)second};
  rt_service_reply(service, packet, payload, (uint8_t)(sizeof payload[0] * count));
}

#endif
