#include "vm/role_internal.h"

#define COMMAND_REGISTER_MASK 0xf000u
#define COMMAND_CODE_MASK 0x0fffu
#define EVENT_CODE_MASK 0xffu

static const uint8_t *word_at(uint32_t offset) { return rt_image.service_section + 4u * offset; }

const rt_image_packet_t *rt_spec_packet(uint32_t offset) {
  return (const rt_image_packet_t *)(const void *)word_at(offset);
}

const rt_image_field_t *rt_spec_fields(const rt_image_packet_t *packet) {
  return (const rt_image_field_t *)(const void *)word_at(packet->format);
}

uint32_t rt_spec_of_class(uint32_t service_class) {
  for (uint32_t i = 0; i < rt_image.services; i++) {
    if (rt_image.service[i].service_class == service_class) return i;
  }
  return RT_NO_SPEC;
}

uint32_t rt_spec_base(uint32_t spec) {
  const uint32_t base = rt_image.service[spec].flags & RT_SERVICE_FLAG_DERIVE_MASK;
  /* Spec 0 is the base of all; a base comes before what derives from it. */
  return spec == 0 || base >= spec ? RT_NO_SPEC : base;
}

#define PACKET_WORDS (sizeof(rt_image_packet_t) / 4u)

static uint32_t find_own(uint32_t spec, uint32_t by_name, uint32_t wanted) {
  const rt_image_service_t *service = &rt_image.service[spec];
  uint32_t offset = service->packet_offset;
  for (uint32_t i = 0; i < service->packets; i++, offset += PACKET_WORDS) {
    const rt_image_packet_t *packet = rt_spec_packet(offset);
    if ((by_name ? packet->name : packet->code) == wanted) return offset;
  }
  return 0;
}

static uint32_t find(uint32_t spec, uint32_t by_name, uint32_t wanted) {
  while (spec != RT_NO_SPEC) {
    const uint32_t offset = find_own(spec, by_name, wanted);
    if (offset != 0) return offset;
    spec = rt_spec_base(spec);
  }
  return 0;
}

/* What was looked up last: each use of a role's member, or of a method of all roles, is a lookup.
 */
#define RECENT 8u
static struct {
  uint16_t name, spec, offset;
} recent[RECENT];

void rt_specs_reset(void) {
  for (uint32_t i = 0; i < RECENT; i++) recent[i].name = recent[i].offset = 0;
}

uint32_t rt_spec_by_name(uint32_t spec, rt_key_t name) {
  if (RT_KEY_IS_REF(name)) return 0;
  const uint32_t i = (name + 3u * spec) % RECENT;
  if (recent[i].name != name || recent[i].spec != spec) {
    recent[i].offset = (uint16_t)find(spec, 1, name);
    recent[i].name = (uint16_t)name;
    recent[i].spec = (uint16_t)spec;
  }
  return recent[i].offset;
}

uint32_t rt_spec_by_code(uint32_t spec, uint32_t code) { return find(spec, 0, code); }

uint32_t rt_spec_of_packet(uint32_t spec, uint32_t command, uint32_t is_command) {
  const uint32_t kind = command & COMMAND_REGISTER_MASK;
  if (!is_command && (command & RT_COMMAND_EVENT)) {
    return rt_spec_by_code(spec, RT_PACKET_EVENT | (command & EVENT_CODE_MASK));
  }
  if (kind == RT_COMMAND_GET || kind == RT_COMMAND_SET) {
    return rt_spec_by_code(spec, RT_PACKET_REGISTER | (command & COMMAND_CODE_MASK));
  }
  if (kind != 0) return 0;
  return rt_spec_by_code(spec, is_command ? command : RT_PACKET_REPORT | command);
}

uint16_t rt_spec_bus_code(const rt_image_packet_t *packet) {
  if ((packet->code & RT_PACKET_MASK) == RT_PACKET_REPORT) {
    return packet->code & (uint16_t)~RT_PACKET_REPORT;
  }
  return packet->code;
}

rt_value_t rt_spec_value(uint32_t offset) {
  return offset == 0 ? RT_UNDEFINED : RT_MAKE(RT_TAG_PACKET_SPEC, offset);
}

rt_value_t rt_spec_parent(rt_value_t packet_spec) {
  const uint32_t offset = RT_PAYLOAD(packet_spec);
  for (uint32_t i = 0; i < rt_image.services; i++) {
    const uint32_t first = rt_image.service[i].packet_offset;
    if (offset >= first && offset < first + rt_image.service[i].packets * PACKET_WORDS) {
      return RT_MAKE(RT_TAG_SERVICE_SPEC, i);
    }
  }
  return RT_UNDEFINED;
}

rt_value_t rt_spec_name(rt_value_t spec) {
  uint32_t name;
  if (RT_TAG(spec) == RT_TAG_SERVICE_SPEC) {
    name = rt_image.service[RT_PAYLOAD(spec)].name;
  } else if (RT_TAG(spec) == RT_TAG_PACKET_SPEC) {
    name = rt_spec_packet(RT_PAYLOAD(spec))->name;
  } else {
    name = rt_spec_packet(RT_MEMBER_SPEC(spec))->name;
  }
  return RT_MAKE(RT_TAG_STRING, name);
}
