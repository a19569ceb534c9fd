#include "bus/internal.h"

/*
 * A record: device id u64, command u16, flags u8, service index u8, size u8, 3 spare bytes,
 * payload; padded to 8. Records never wrap around the end, so that a payload can be read in place.
 */

#define HEADER_BYTES 16u

void rt_queue_init(rt_queue_t *queue, void *bytes, size_t size) {
  queue->bytes = bytes;
  queue->size = (uint16_t)size;
  queue->head = queue->tail = queue->wrap = 0;
}

static uint32_t is_empty(const rt_queue_t *queue) {
  return queue->head == queue->tail && queue->wrap == 0;
}

/* Where a record of `need` bytes may start; the ring's size when there is no room. */
static uint32_t find_room(const rt_queue_t *queue, uint32_t need) {
  if (queue->wrap != 0) { /* free: from tail to head */
    return queue->tail + need <= queue->head ? queue->tail : queue->size;
  }
  if (queue->tail + need <= queue->size) return queue->tail;
  return need <= queue->head ? 0 : queue->size;
}

uint32_t rt_queue_has_room(const rt_queue_t *queue, size_t size) {
  return find_room(queue, (uint32_t)RT_QUEUE_RECORD_BYTES(size)) < queue->size;
}

rt_status_t rt_queue_push(rt_queue_t *queue, const rt_packet_t *packet) {
  if (is_empty(queue)) queue->head = queue->tail = 0;
  const uint32_t need = (uint32_t)RT_QUEUE_RECORD_BYTES(packet->size);
  const uint32_t at = find_room(queue, need);
  if (at >= queue->size) return RT_ERROR_FULL;
  if (at != queue->tail) queue->wrap = queue->tail;
  uint8_t *record = queue->bytes + at;
  rt_bus_store64(record, packet->device_id);
  rt_bus_store16(record + 8, packet->command);
  record[10] = packet->flags;
  record[11] = packet->service_index;
  record[12] = packet->size;
  rt_bus_copy(record + HEADER_BYTES, packet->payload, packet->size);
  queue->tail = (uint16_t)(at + need);
  return RT_OK;
}

uint32_t rt_queue_peek(const rt_queue_t *queue, rt_packet_t *packet) {
  if (is_empty(queue)) return 0;
  const uint8_t *record = queue->bytes + queue->head;
  packet->device_id = rt_bus_load64(record);
  packet->command = (uint16_t)rt_bus_load16(record + 8);
  packet->flags = record[10];
  packet->service_index = record[11];
  packet->size = record[12];
  packet->payload = record + HEADER_BYTES;
  return 1;
}

void rt_queue_pop(rt_queue_t *queue) {
  if (is_empty(queue)) return;
  queue->head = (uint16_t)(queue->head + RT_QUEUE_RECORD_BYTES(queue->bytes[queue->head + 12u]));
  if (queue->wrap != 0 && queue->head == queue->wrap) queue->head = queue->wrap = 0;
}
