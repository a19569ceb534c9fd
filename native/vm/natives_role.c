#include "vm/role_internal.h"

/* Roles, their registers and commands, and what ds has for them. */

/* ---- ds ---- */

rt_value_t rt_native_ds_alloc_role(rt_call_t *call) {
  return rt_role_new((uint32_t)rt_to_int32(call->arguments[0]), call->arguments[1]);
}

static uint32_t is_text(rt_value_t value, const char *text) {
  uint32_t bytes;
  const char *from = rt_string_text(value, &bytes);
  if (from == NULL) return 0;
  uint32_t i = 0;
  while (i < bytes && text[i] != 0 && from[i] == text[i]) i++;
  return i == bytes && text[i] == 0;
}

rt_value_t rt_native_ds_device_identifier(rt_call_t *call) {
  if (is_text(call->arguments[0], "self")) return rt_device_id_string(rt_bus_device_id());
  if (is_text(call->arguments[0], "server")) return rt_device_id_string(rt_bus_server_id());
  return RT_UNDEFINED;
}

#define PREPARE_EVENT 0x100u
#define COUNTER_MASK 0x7f00u

/* Gives an event its counter: once, for all its repeats. */
static rt_value_t prepare_event(rt_packet_object_t *packet) {
  if ((packet->command & RT_COMMAND_EVENT) == 0 || (packet->command & COUNTER_MASK) != 0) {
    return rt_throw_expecting("event", RT_OBJECT(packet));
  }
  packet->command |= (uint16_t)((uint32_t)rt_role_next_event() << 8);
  return RT_UNDEFINED;
}

rt_value_t rt_native_ds_server_send(rt_call_t *call) {
  const uint32_t service_index = (uint32_t)rt_to_int32(call->arguments[0]);
  rt_packet_object_t *packet = rt_packet_of(call->arguments[1]);
  if (packet == NULL) return RT_UNDEFINED;
  if (service_index == PREPARE_EVENT) return prepare_event(packet);
  if (service_index >= RT_SERVICE_PIPE) return rt_throw_range_error("serviceIndex too big");
  return rt_server_send((uint8_t)service_index, packet);
}

/* ---- Role ---- */

rt_value_t rt_native_role_is_bound(rt_call_t *call) {
  const rt_role_t *role = rt_role_of(call->receiver);
  return role == NULL ? RT_UNDEFINED : RT_BOOL(role->index != 0);
}

rt_value_t rt_native_role_spec(rt_call_t *call) {
  return rt_role_of(call->receiver) == NULL ? RT_UNDEFINED : rt_role_spec(call->receiver);
}

rt_value_t rt_native_role_send_command(rt_call_t *call) {
  if (rt_role_of(call->receiver) == NULL) return RT_UNDEFINED;
  uint32_t bytes = 0, writable;
  const uint8_t *payload = NULL;
  if (!rt_is_string(call->arguments[1])) {
    payload = rt_bytes_of(call->arguments[1], &bytes, &writable);
  }
  const uint16_t command = (uint16_t)rt_to_int32(call->arguments[0]);
  return rt_role_send(RT_PAYLOAD(call->receiver), command, payload, payload == NULL ? 0 : bytes);
}

/* ---- Members ---- */

static uint32_t is_member(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_ROLE_MEMBER) return 1;
  rt_throw_expecting("role member", value);
  return 0;
}

static const rt_image_packet_t *member_spec(rt_value_t member) {
  return rt_spec_packet(RT_MEMBER_SPEC(member));
}

rt_value_t rt_native_packet_info_role(rt_call_t *call) {
  if (!is_member(call->receiver)) return RT_UNDEFINED;
  return RT_MAKE(RT_TAG_ROLE, RT_MEMBER_ROLE(call->receiver));
}

rt_value_t rt_native_packet_info_code(rt_call_t *call) {
  if (!is_member(call->receiver)) return RT_UNDEFINED;
  return RT_INT(member_spec(call->receiver)->code & (uint16_t)~RT_PACKET_MASK);
}

rt_value_t rt_native_packet_info_name(rt_call_t *call) {
  return is_member(call->receiver) ? rt_spec_name(call->receiver) : RT_UNDEFINED;
}

rt_value_t rt_native_register_read(rt_call_t *call) {
  if (!is_member(call->receiver)) return RT_UNDEFINED;
  return rt_role_read(RT_MEMBER_ROLE(call->receiver), RT_MEMBER_SPEC(call->receiver));
}

/* Packs the arguments and sends them with `command`. */
static rt_value_t send_values(const rt_call_t *call, uint32_t command) {
  uint8_t bytes[RT_BUS_MAX_PAYLOAD_BYTES];
  const int32_t size = rt_pack(bytes, member_spec(call->receiver), call->arguments, call->count, 0);
  if (size < 0) return RT_UNDEFINED;
  return rt_role_send(RT_MEMBER_ROLE(call->receiver), (uint16_t)command, bytes, (uint32_t)size);
}

rt_value_t rt_native_register_write(rt_call_t *call) {
  if (!is_member(call->receiver)) return RT_UNDEFINED;
  const uint32_t code = member_spec(call->receiver)->code & (uint16_t)~RT_PACKET_MASK;
  return send_values(call, RT_COMMAND_SET | code);
}

rt_value_t rt_native_command_call(rt_call_t *call) {
  if (!is_member(call->receiver)) return RT_UNDEFINED;
  return send_values(call, member_spec(call->receiver)->code);
}
