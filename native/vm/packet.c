#include "vm/role_internal.h"

static void copy(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  while (bytes-- > 0) *to++ = *from++;
}

rt_packet_object_t *rt_packet_new(const rt_packet_t *packet, rt_value_t role, rt_value_t spec) {
  rt_buffer_t *payload = rt_buffer_new(packet->size);
  if (payload == NULL) return NULL;
  copy(payload->bytes, packet->payload, packet->size);
  rt_heap_root(RT_OBJECT(payload));
  rt_packet_object_t *object =
      rt_heap_allocate(RT_KIND_PACKET, sizeof(rt_packet_object_t) - sizeof(rt_object_t));
  if (object == NULL) return NULL;
  object->payload = RT_REF(payload);
  object->device_low = (uint32_t)packet->device_id;
  object->device_high = (uint32_t)(packet->device_id >> 32);
  object->role = role;
  object->spec = spec;
  object->command = packet->command;
  object->flags = packet->flags;
  object->service_index = packet->service_index;
  return object;
}

rt_packet_object_t *rt_packet_of(rt_value_t value) {
  rt_packet_object_t *packet = rt_object_of(value, RT_KIND_PACKET);
  if (packet == NULL) rt_throw_expecting("packet", value);
  return packet;
}

uint8_t *rt_packet_bytes(const rt_packet_object_t *packet, uint32_t *bytes) {
  rt_buffer_t *payload = RT_POINTER(packet->payload);
  *bytes = payload->header.extra;
  return payload->bytes;
}

rt_value_t rt_device_id_string(uint64_t device_id) {
  static const char DIGITS[] = "0123456789abcdef";
  char text[16];
  for (uint32_t i = 0; i < 8; i++) {
    const uint32_t byte = (uint32_t)(device_id >> (8u * i)) & 0xffu;
    text[2u * i] = DIGITS[byte >> 4];
    text[2u * i + 1u] = DIGITS[byte & 15u];
  }
  return rt_string_new(text, sizeof text);
}
