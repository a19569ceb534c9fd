#include "bus/internal.h"

/*
 * Records never wrap around the end, so that a payload can be read in place. They begin at
 * multiples of 8, so that what is in front of the payload is read in words.
 */
typedef struct {
  uint64_t device_id;
  uint16_t command;
  uint8_t flags, service_index;
  uint8_t size; /* of the payload that follows */
  uint8_t reserved[3];
} rt_record_t;

_Static_assert(sizeof(rt_record_t) == RT_QUEUE_RECORD_BYTES(0), "a record's header");

static rt_record_t *record_at(const rt_queue_t *queue, uint32_t at) {
  return (rt_record_t *)(void *)(queue->bytes + at);
}

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
  rt_record_t *record = record_at(queue, at);
  record->device_id = packet->device_id;
  record->command = packet->command;
  record->flags = packet->flags;
  record->service_index = packet->service_index;
  record->size = packet->size;
  rt_bus_copy(record + 1, packet->payload, packet->size);
  queue->tail = (uint16_t)(at + need);
  return RT_OK;
}

uint32_t rt_queue_is_empty(const rt_queue_t *queue) { return is_empty(queue); }

uint32_t rt_queue_peek(const rt_queue_t *queue, rt_packet_t *packet) {
  if (is_empty(queue)) return 0;
  const rt_record_t *record = record_at(queue, queue->head);
  packet->device_id = record->device_id;
  packet->command = record->command;
  packet->flags = record->flags;
  packet->service_index = record->service_index;
  packet->size = record->size;
  packet->payload = (const uint8_t *)(record + 1);
  return 1;
}

void rt_queue_pop(rt_queue_t *queue) {
  if (is_empty(queue)) return;
  queue->head =
      (uint16_t)(queue->head + RT_QUEUE_RECORD_BYTES(record_at(queue, queue->head)->size));
  if (queue->wrap != 0 && queue->head == queue->wrap) queue->head = queue->wrap = 0;
}
