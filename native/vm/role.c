#include "vm/role_internal.h"

/* All roles of the program, in one block of the heap that grows. Their numbers are for good. */
static struct {
  rt_ref_t table;      /* RT_KIND_BYTES */
  rt_ref_t prototypes; /* RT_KIND_BYTES: a reference for each spec; 0: nobody has asked yet */
  uint32_t count, room;
  uint32_t generation; /* of the bus when roles were bound last */
  uint8_t is_stopped;
  uint8_t has_woken;     /* by the packet being heard: some fiber */
  uint8_t event_counter; /* of the script's servers */
} roles = {.is_stopped = 1};

#define ROLES_MAX 0x7fffu
#define FIRST_ROOM 4u

static uint32_t hear(const rt_packet_t *packet);

rt_status_t rt_roles_init(void) {
  roles.table = roles.prototypes = 0;
  roles.count = roles.room = 0;
  roles.generation = rt_bus_generation();
  roles.is_stopped = 0;
  rt_waits_init();
  rt_specs_reset();
  rt_pins_reset();
  rt_bus_listen(hear);
  return RT_OK;
}

void rt_roles_stop(void) {
  roles.is_stopped = 1;
  roles.table = roles.prototypes = 0;
  roles.count = roles.room = 0;
  rt_waits_init();
  rt_bus_listen(NULL);
  rt_bus_hold_reports(0);
}

void rt_roles_forget(rt_ref_t fiber) { rt_waits_forget(fiber); }

/* ---- The table ---- */

static rt_role_t *table(void) { return (rt_role_t *)((rt_object_t *)RT_POINTER(roles.table) + 1); }

uint32_t rt_role_count(void) { return roles.count; }

rt_role_t *rt_role_at(uint32_t number) { return &table()[number]; }

rt_role_t *rt_role_of(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_ROLE && RT_PAYLOAD(value) < roles.count) {
    return rt_role_at(RT_PAYLOAD(value));
  }
  rt_throw_expecting("role", value);
  return NULL;
}

static rt_ref_t *prototypes(void);

void rt_roles_mark(void) {
  if (roles.table != 0) rt_heap_mark_ref(roles.table);
  for (uint32_t i = 0; i < roles.count; i++) {
    const rt_role_t *role = rt_role_at(i);
    rt_heap_mark_value(role->name);
    if (role->map != 0) rt_heap_mark_ref(role->map);
  }
  rt_waits_mark();
  if (roles.prototypes == 0) return;
  rt_heap_mark_ref(roles.prototypes);
  for (uint32_t i = 0; i < rt_image.services; i++) {
    if (prototypes()[i] != 0) rt_heap_mark_ref(prototypes()[i]);
  }
}

static rt_status_t make_room(void) {
  if (roles.count < roles.room) return RT_OK;
  const uint32_t room = roles.room == 0 ? FIRST_ROOM : 2u * roles.room;
  if (room > ROLES_MAX) {
    rt_throw_range_error("too many roles");
    return RT_ERROR_FULL;
  }
  rt_object_t *block = rt_heap_allocate(RT_KIND_BYTES, room * sizeof(rt_role_t));
  if (block == NULL) return RT_ERROR_FULL;
  rt_role_t *copy = (rt_role_t *)(block + 1);
  for (uint32_t i = 0; i < roles.count; i++) copy[i] = *rt_role_at(i);
  if (roles.table != 0) rt_heap_free(RT_POINTER(roles.table));
  roles.table = RT_REF(block);
  roles.room = room;
  return RT_OK;
}

static uint32_t is_name_used(rt_value_t name) {
  for (uint32_t i = 0; i < roles.count; i++) {
    if (rt_string_equals(rt_role_at(i)->name, name)) return 1;
  }
  return 0;
}

/* The spec's name and the first number that makes it one of its own: "Button0". */
static rt_value_t find_name(uint32_t spec) {
  const rt_value_t prefix = rt_spec_name(RT_MAKE(RT_TAG_SERVICE_SPEC, spec));
  for (uint32_t i = 0;; i++) {
    const rt_value_t name = rt_string_concat(prefix, RT_INT(i));
    if (rt_is_throwing() || !is_name_used(name)) return name;
  }
}

static rt_value_t throw_missing(uint32_t service_class) {
  static const char DIGITS[] = "0123456789abcdef";
  char text[9];
  for (uint32_t i = 0; i < 8; i++) text[i] = DIGITS[service_class >> (28u - 4u * i) & 15u];
  text[8] = 0;
  return rt_throw_type_error("spec missing: 0x%s", text);
}

rt_value_t rt_role_new(uint32_t service_class, rt_value_t name) {
  const uint32_t spec = rt_spec_of_class(service_class);
  if (spec == RT_NO_SPEC) return throw_missing(service_class);
  if (name == RT_UNDEFINED) {
    name = find_name(spec);
    if (rt_is_throwing()) return RT_UNDEFINED;
  } else if (!rt_is_string(name)) {
    return rt_throw_expecting("string", name);
  } else if (is_name_used(name)) {
    return rt_throw_range_error("role name '%v' already used", name);
  }
  rt_heap_root(name);
  if (make_room() != RT_OK) return RT_UNDEFINED;
  rt_role_t *role = rt_role_at(roles.count);
  *role = (rt_role_t){.name = name, .service_class = service_class, .spec = (uint16_t)spec};
  roles.generation = rt_bus_generation() - 1u; /* to be bound */
  return RT_MAKE(RT_TAG_ROLE, roles.count++);
}

rt_value_t rt_role_name(rt_value_t role) {
  return RT_PAYLOAD(role) < roles.count ? rt_role_at(RT_PAYLOAD(role))->name : RT_UNDEFINED;
}

rt_value_t rt_role_spec(rt_value_t role) {
  return RT_MAKE(RT_TAG_SERVICE_SPEC, rt_role_at(RT_PAYLOAD(role))->spec);
}

uint8_t rt_role_next_event(void) {
  roles.event_counter = (roles.event_counter + 1u) & 0x7fu;
  return roles.event_counter;
}

/* ---- Members ---- */

rt_ref_t *rt_role_map(rt_value_t role) { return &rt_role_at(RT_PAYLOAD(role))->map; }

static rt_ref_t *prototypes(void) {
  return (rt_ref_t *)((rt_object_t *)RT_POINTER(roles.prototypes) + 1);
}

/* The map of a spec's prototype, NULL: nobody has asked for it. */
static const rt_map_t *find_prototype(uint32_t spec) {
  if (roles.prototypes == 0 || prototypes()[spec] == 0) return NULL;
  return RT_POINTER(prototypes()[spec]);
}

rt_value_t rt_spec_prototype(uint32_t spec) {
  if (roles.prototypes == 0) {
    void *block = rt_heap_allocate(RT_KIND_BYTES, rt_image.services * sizeof(rt_ref_t));
    if (block == NULL) return RT_UNDEFINED;
    roles.prototypes = RT_REF(block);
  }
  if (prototypes()[spec] == 0) {
    const rt_map_t *map = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_DsRole_prototype));
    if (map == NULL) return RT_UNDEFINED;
    prototypes()[spec] = RT_REF(map);
  }
  return RT_MAKE(RT_TAG_OBJECT, prototypes()[spec]);
}

int rt_role_find(rt_value_t value, rt_key_t key, rt_value_t *member) {
  const uint32_t number = RT_PAYLOAD(value);
  const rt_role_t *role = rt_role_at(number);
  const rt_value_t *own = NULL;
  if (role->map != 0) own = rt_map_find(RT_POINTER(role->map), key);
  if (own == NULL) {
    const rt_map_t *prototype = find_prototype(role->spec);
    if (prototype != NULL) own = rt_map_find(prototype, key);
  }
  if (own != NULL) {
    *member = *own;
    return 1;
  }
  const uint32_t offset = rt_spec_by_name(role->spec, key);
  if (offset == 0) return 0;
  *member = RT_MAKE(RT_TAG_ROLE_MEMBER, number << 16 | offset);
  return 1;
}

uint8_t rt_role_member_prototype(rt_value_t member) {
  switch (rt_spec_packet(RT_MEMBER_SPEC(member))->code & RT_PACKET_MASK) {
    case RT_PACKET_REGISTER:
      return RT_BUILTIN_DsRegister_prototype;
    case RT_PACKET_EVENT:
      return RT_BUILTIN_DsEvent_prototype;
    case RT_PACKET_REPORT:
      return RT_BUILTIN_DsReport_prototype;
    default:
      return RT_BUILTIN_DsCommand_prototype;
  }
}

int rt_role_member_is_command(rt_value_t member) {
  return rt_role_member_prototype(member) == RT_BUILTIN_DsCommand_prototype;
}

/* ---- Binding ---- */

static uint32_t is_taken(uint64_t device_id, uint32_t index) {
  for (uint32_t i = 0; i < roles.count; i++) {
    const rt_role_t *role = rt_role_at(i);
    if (role->index == index && role->device_id == device_id) return 1;
  }
  return 0;
}

/* Whether the service that the role is bound to is still there. */
static uint32_t is_bound_well(const rt_role_t *role) {
  uint64_t device_id;
  const uint32_t *classes;
  uint32_t count;
  for (uint32_t i = 0; rt_bus_device(i, &device_id, &classes, &count) == RT_OK; i++) {
    if (device_id != role->device_id) continue;
    return role->index < count && classes[role->index] == role->service_class;
  }
  return 0;
}

/*
 * A name like "bulb_0[app:1]" asks for the second service of its class that the script serves,
 * "[int:1]" for the second of this device's own. Which of them; -1: any will do.
 */
static int32_t wanted_service(rt_value_t name, uint64_t *device_id) {
  uint32_t bytes;
  const char *text = rt_string_text(name, &bytes);
  if (bytes < 7u || text[bytes - 1u] != ']') return -1;
  uint32_t at = bytes - 2u;
  while (at > 0 && text[at] >= '0' && text[at] <= '9') at--;
  if (at < 4u || at == bytes - 2u || text[at] != ':' || text[at - 4u] != '[') return -1;
  const char *where = text + at - 3u;
  if (where[0] == 'a' && where[1] == 'p' && where[2] == 'p') {
    *device_id = rt_bus_server_id();
  } else if (where[0] == 'i' && where[1] == 'n' && where[2] == 't') {
    *device_id = rt_bus_device_id();
  } else {
    return -1;
  }
  uint32_t number = 0;
  while (++at < bytes - 1u) number = (10u * number + (uint32_t)(text[at] - '0')) & 0xffffu;
  return (int32_t)number;
}

/* The nth service of the role's class on one device. */
static uint32_t find_wanted(rt_role_t *role, uint64_t wanted_id, int32_t nth) {
  uint64_t device_id;
  const uint32_t *classes;
  uint32_t count;
  for (uint32_t i = 0; rt_bus_device(i, &device_id, &classes, &count) == RT_OK; i++) {
    if (device_id != wanted_id) continue;
    for (uint32_t index = 1; index < count; index++) {
      if (classes[index] != role->service_class || nth-- != 0) continue;
      role->device_id = device_id;
      role->index = (uint8_t)index;
      return 1;
    }
  }
  return 0;
}

static uint32_t find_service(rt_role_t *role) {
  uint64_t device_id;
  const int32_t wanted = wanted_service(role->name, &device_id);
  if (wanted >= 0) return find_wanted(role, device_id, wanted);
  const uint32_t *classes;
  uint32_t count;
  for (uint32_t i = 0; rt_bus_device(i, &device_id, &classes, &count) == RT_OK; i++) {
    for (uint32_t index = 1; index < count; index++) {
      if (classes[index] != role->service_class || is_taken(device_id, index)) continue;
      role->device_id = device_id;
      role->index = (uint8_t)index;
      return 1;
    }
  }
  return 0;
}

static void tell_changed(uint32_t number) {
  rt_waits_bound(number);
  rt_role_notify(number, RT_UNDEFINED);
}

static void unbind_lost(void) {
  for (uint32_t i = 0; i < roles.count; i++) {
    rt_role_t *role = rt_role_at(i);
    if (role->index == 0 || is_bound_well(role)) continue;
    role->index = 0;
    /* Another service may take its place at once: then that is the change to tell. */
    if (!find_service(role)) role->device_id = 0;
    tell_changed(i);
  }
}

static void bind_roles(void) {
  roles.generation = rt_bus_generation();
  unbind_lost();
  for (uint32_t i = 0; i < roles.count; i++) {
    rt_role_t *role = rt_role_at(i);
    if (role->index == 0 && find_service(role)) tell_changed(i);
  }
}

void rt_roles_run(uint64_t now_us) {
  if (roles.is_stopped) return;
  const uint32_t level = rt_heap_root_level();
  if (roles.generation != rt_bus_generation()) bind_roles();
  rt_waits_run(now_us);
  rt_heap_unroot(level);
}

uint64_t rt_roles_deadline(void) {
  if (roles.is_stopped) return UINT64_MAX;
  return roles.generation != rt_bus_generation() ? 0 : rt_waits_deadline();
}

/* ---- Packets for the script ---- */

static const rt_key_t ON_PACKET = RT_STR__onPacket;
static const rt_key_t ON_SERVER_PACKET = RT_STR__onServerPacket;

/* Starts a method in a fiber of its own, if there is one. */
static void start_method(rt_value_t object, rt_key_t name, rt_value_t argument) {
  const rt_value_t method = rt_field_get(object, name);
  if (!rt_is_throwing() && method != RT_UNDEFINED) {
    rt_fiber_start(method, object, &argument, 1, RT_CALL_BG);
    roles.has_woken = 1;
  }
}

void rt_role_notify(uint32_t role, rt_value_t packet) {
  start_method(RT_MAKE(RT_TAG_ROLE, role), ON_PACKET, packet);
}

static void hear_for_role(uint32_t number, const rt_packet_t *packet) {
  rt_role_t *role = rt_role_at(number);
  const uint32_t is_announcement = packet->service_index == RT_SERVICE_CONTROL;
  if (!is_announcement && rt_waits_report(number, packet)) roles.has_woken = 1;
  /*
   * Nobody has subscribed to anything: what handles packets keeps its handlers in the role's map.
   * Registers that are only read, and the announcements of every half second, then cost no fiber.
   */
  if (role->map == 0) return;
  const uint32_t spec = rt_spec_of_packet(role->spec, packet->command, 0);
  rt_packet_object_t *object = rt_packet_new(packet, RT_MAKE(RT_TAG_ROLE, number),
                                             is_announcement ? RT_UNDEFINED : rt_spec_value(spec));
  if (object == NULL) return;
  if (packet->device_id == rt_bus_device_id() || packet->device_id == rt_bus_server_id()) {
    object->flags |= RT_FRAME_LOOPBACK;
  }
  rt_heap_root(RT_OBJECT(object));
  rt_role_notify(number, RT_OBJECT(object));
}

/* A command to what the script serves; ds._onServerPacket is there once it serves something. */
static void hear_for_server(const rt_packet_t *packet) {
  rt_packet_object_t *object = rt_packet_new(packet, RT_UNDEFINED, RT_UNDEFINED);
  if (object == NULL) return;
  rt_heap_root(RT_OBJECT(object));
  start_method(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_DeviceScript), ON_SERVER_PACKET,
               RT_OBJECT(object));
}

static void hear_for_roles(const rt_packet_t *packet) {
  const uint32_t is_announcement =
      packet->service_index == RT_SERVICE_CONTROL && packet->command == 0;
  if (roles.generation != rt_bus_generation()) bind_roles();
  for (uint32_t i = 0; i < roles.count; i++) {
    const rt_role_t *role = rt_role_at(i);
    if (role->index == 0 || role->device_id != packet->device_id) continue;
    if (is_announcement || role->index == packet->service_index) hear_for_role(i, packet);
  }
}

/* Called by the bus, outside of any fiber. */
static uint32_t hear(const rt_packet_t *packet) {
  roles.has_woken = 0;
  const uint32_t level = rt_heap_root_level();
  if (!(packet->flags & RT_FRAME_COMMAND)) {
    hear_for_roles(packet);
  } else if (packet->device_id == rt_bus_server_id()) {
    hear_for_server(packet);
  }
  rt_heap_unroot(level);
  return roles.has_woken;
}
