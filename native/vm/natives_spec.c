#include "vm/role_internal.h"

/* ---- ServiceSpec ---- */

static uint32_t is_service(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_SERVICE_SPEC) return 1;
  rt_throw_expecting("service spec", value);
  return 0;
}

rt_value_t rt_native_service_spec_class_identifier(rt_call_t *call) {
  if (!is_service(call->receiver)) return RT_UNDEFINED;
  return rt_value_from_int64(rt_image.service[RT_PAYLOAD(call->receiver)].service_class);
}

rt_value_t rt_native_service_spec_name(rt_call_t *call) {
  return is_service(call->receiver) ? rt_spec_name(call->receiver) : RT_UNDEFINED;
}

/* The key of a name, RT_NO_KEY when nothing is called so; the program's own strings are keys. */
static rt_key_t find_key(rt_value_t name) {
  uint32_t bytes;
  if (RT_TAG(name) == RT_TAG_STRING) return RT_PAYLOAD(name);
  const char *text = rt_string_text(name, &bytes);
  return text == NULL ? RT_NO_KEY : rt_name_find(text, bytes);
}

rt_value_t rt_native_service_spec_lookup(rt_call_t *call) {
  if (!is_service(call->receiver)) return RT_UNDEFINED;
  const rt_key_t key = find_key(call->arguments[0]);
  if (key == RT_NO_KEY) return RT_UNDEFINED;
  return rt_spec_value(rt_spec_by_name(RT_PAYLOAD(call->receiver), key));
}

rt_value_t rt_native_service_spec_by_code(rt_call_t *call) {
  if (!is_service(call->receiver)) return RT_UNDEFINED;
  const uint32_t code = (uint32_t)rt_to_int32(call->arguments[0]);
  return rt_spec_value(rt_spec_by_code(RT_PAYLOAD(call->receiver), code));
}

/* The packet is one of this service: says which. */
rt_value_t rt_native_service_spec_assign(rt_call_t *call) {
  if (!is_service(call->receiver)) return RT_UNDEFINED;
  rt_packet_object_t *packet = rt_packet_of(call->arguments[0]);
  if (packet == NULL) return RT_UNDEFINED;
  packet->spec = rt_spec_value(rt_spec_of_packet(RT_PAYLOAD(call->receiver), packet->command,
                                                 packet->flags & RT_FRAME_COMMAND));
  return RT_UNDEFINED;
}

/* ---- PacketSpec ---- */

static const rt_image_packet_t *receiver(const rt_call_t *call) {
  if (RT_TAG(call->receiver) == RT_TAG_PACKET_SPEC) {
    return rt_spec_packet(RT_PAYLOAD(call->receiver));
  }
  rt_throw_expecting("packet spec", call->receiver);
  return NULL;
}

rt_value_t rt_native_packet_spec_parent(rt_call_t *call) {
  return receiver(call) == NULL ? RT_UNDEFINED : rt_spec_parent(call->receiver);
}

rt_value_t rt_native_packet_spec_name(rt_call_t *call) {
  return receiver(call) == NULL ? RT_UNDEFINED : rt_spec_name(call->receiver);
}

rt_value_t rt_native_packet_spec_code(rt_call_t *call) {
  const rt_image_packet_t *spec = receiver(call);
  return spec == NULL ? RT_UNDEFINED : RT_INT(spec->code);
}

rt_value_t rt_native_packet_spec_type(rt_call_t *call) {
  const rt_image_packet_t *spec = receiver(call);
  if (spec == NULL) return RT_UNDEFINED;
  switch (spec->code & RT_PACKET_MASK) {
    case RT_PACKET_REGISTER:
      return RT_MAKE(RT_TAG_STRING, RT_STR_register);
    case RT_PACKET_EVENT:
      return RT_MAKE(RT_TAG_STRING, RT_STR_event);
    case RT_PACKET_REPORT:
      return RT_MAKE(RT_TAG_STRING, RT_STR_report);
    default:
      return RT_MAKE(RT_TAG_STRING, RT_STR_action);
  }
}

/* What answers an action, if anything does; a register answers itself. */
rt_value_t rt_native_packet_spec_response(rt_call_t *call) {
  const rt_image_packet_t *spec = receiver(call);
  if (spec == NULL) return RT_UNDEFINED;
  if ((spec->code & RT_PACKET_MASK) == RT_PACKET_REGISTER) return call->receiver;
  if ((spec->code & RT_PACKET_MASK) != 0) return RT_UNDEFINED;
  const rt_value_t parent = rt_spec_parent(call->receiver);
  return rt_spec_value(rt_spec_by_code(RT_PAYLOAD(parent), RT_PACKET_REPORT | spec->code));
}

/* A packet that a server of the script can send. */
rt_value_t rt_native_packet_spec_encode(rt_call_t *call) {
  const rt_image_packet_t *spec = receiver(call);
  if (spec == NULL) return RT_UNDEFINED;
  uint8_t bytes[RT_BUS_MAX_PAYLOAD_BYTES];
  const int32_t size = rt_pack(bytes, spec, call->arguments, call->count, 1);
  if (size < 0) return RT_UNDEFINED;
  const rt_packet_t packet = {
      .device_id = rt_bus_server_id(),
      .command = rt_spec_bus_code(spec),
      .size = (uint8_t)size,
      .payload = bytes,
  };
  /* It is a report now, even of an action: the spec follows from what it is on the bus. */
  const rt_value_t parent = rt_spec_parent(call->receiver);
  const uint32_t meant = rt_spec_of_packet(RT_PAYLOAD(parent), packet.command, 0);
  rt_packet_object_t *object = rt_packet_new(&packet, RT_UNDEFINED, rt_spec_value(meant));
  return object == NULL ? RT_UNDEFINED : RT_OBJECT(object);
}
