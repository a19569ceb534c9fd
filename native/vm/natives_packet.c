#include "vm/role_internal.h"

#define KIND_MASK 0xf000u
#define CODE_MASK 0x0fffu
#define EVENT_MASK 0xffu
#define REPORT_NOT_IMPLEMENTED 0x03u

static const rt_packet_object_t *receiver(const rt_call_t *call) {
  return rt_packet_of(call->receiver);
}

static uint64_t device_of(const rt_packet_object_t *packet) {
  return packet->device_low | (uint64_t)packet->device_high << 32;
}

static uint32_t is_command(const rt_packet_object_t *packet) {
  return (packet->flags & RT_FRAME_COMMAND) != 0;
}

static uint32_t is_event(const rt_packet_object_t *packet) {
  return !is_command(packet) && (packet->command & RT_COMMAND_EVENT) != 0;
}

static uint32_t kind(const rt_packet_object_t *packet) { return packet->command & KIND_MASK; }

static uint32_t is_register(const rt_packet_object_t *packet) {
  return kind(packet) == RT_COMMAND_GET || kind(packet) == RT_COMMAND_SET;
}

rt_value_t rt_native_packet_role(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : packet->role;
}

rt_value_t rt_native_packet_device_identifier(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : rt_device_id_string(device_of(packet));
}

/* Two letters and two digits that name a device for people: a hash of its identifier. */
rt_value_t rt_native_packet_short_id(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  if (packet == NULL) return RT_UNDEFINED;
  uint32_t hash = 0x811c9dc5u;
  for (uint32_t i = 0; i < 8; i++) {
    hash = hash * 0x01000193u ^ (uint32_t)(device_of(packet) >> (8u * i) & 0xffu);
  }
  hash = (hash ^ hash >> 30) & 0x3fffffffu;
  const char text[4] = {(char)('A' + hash % 26u), (char)('A' + hash / 26u % 26u),
                        (char)('0' + hash / 676u % 10u), (char)('0' + hash / 6760u % 10u)};
  return rt_string_new(text, sizeof text);
}

rt_value_t rt_native_packet_service_index(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_INT(packet->service_index);
}

rt_value_t rt_native_packet_service_command(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_INT(packet->command);
}

rt_value_t rt_native_packet_payload(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_MAKE(RT_TAG_OBJECT, packet->payload);
}

rt_value_t rt_native_packet_flags(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_INT(packet->flags);
}

rt_value_t rt_native_packet_is_event(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_BOOL(is_event(packet));
}

rt_value_t rt_native_packet_event_code(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  if (packet == NULL || !is_event(packet)) return RT_UNDEFINED;
  return RT_INT(packet->command & EVENT_MASK);
}

rt_value_t rt_native_packet_is_reg_set(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_BOOL(kind(packet) == RT_COMMAND_SET);
}

rt_value_t rt_native_packet_is_reg_get(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_BOOL(kind(packet) == RT_COMMAND_GET);
}

rt_value_t rt_native_packet_reg_code(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  if (packet == NULL || !is_register(packet)) return RT_UNDEFINED;
  return RT_INT(packet->command & CODE_MASK);
}

rt_value_t rt_native_packet_is_report(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_BOOL(!is_command(packet));
}

rt_value_t rt_native_packet_is_command(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_BOOL(is_command(packet));
}

rt_value_t rt_native_packet_is_action(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : RT_BOOL(kind(packet) == 0);
}

rt_value_t rt_native_packet_spec(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  return packet == NULL ? RT_UNDEFINED : packet->spec;
}

rt_value_t rt_native_packet_decode(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  if (packet == NULL || packet->spec == RT_UNDEFINED) return RT_UNDEFINED;
  uint32_t size;
  const uint8_t *bytes = rt_packet_bytes(packet, &size);
  return rt_unpack(rt_spec_packet(RT_PAYLOAD(packet->spec)), bytes, size);
}

/* The report that answers a command nobody understands. */
rt_value_t rt_native_packet_not_implemented(rt_call_t *call) {
  const rt_packet_object_t *packet = receiver(call);
  if (packet == NULL) return RT_UNDEFINED;
  const uint8_t payload[4] = {(uint8_t)packet->command, (uint8_t)(packet->command >> 8), 0, 0};
  const rt_packet_t report = {
      .device_id = device_of(packet),
      .command = REPORT_NOT_IMPLEMENTED,
      .service_index = packet->service_index,
      .size = sizeof payload,
      .payload = payload,
  };
  const uint32_t spec = rt_spec_by_code(0, RT_PACKET_REPORT | REPORT_NOT_IMPLEMENTED);
  rt_packet_object_t *object = rt_packet_new(&report, RT_UNDEFINED, rt_spec_value(spec));
  return object == NULL ? RT_UNDEFINED : RT_OBJECT(object);
}
