#include "hal/hal.h"
#include "vm/role_internal.h"

/*
 * Fibers that wait for the bus, and what registers said last. Both are lists of blocks without
 * references of their own for the collector (RT_KIND_BYTES); rt_waits_mark walks them.
 */

/* A fiber that waits: for a register's value, or to get a packet off. */
typedef struct {
  rt_object_t header;
  rt_ref_t next;
  rt_ref_t fiber;
  rt_ref_t payload; /* buffer of what is to be sent, 0: empty or a register is read */
  uint16_t role;    /* RT_NO_ROLE: a server of the script sends */
  uint16_t spec;    /* of the register that is read, 0: something is sent */
  uint64_t due_us;  /* of the next try */
  uint32_t delay_us;
  uint16_t command;
  uint8_t service_index; /* of the script's server */
  uint8_t flags;
} rt_wait_t;

/* What a register said last. */
typedef struct {
  rt_object_t header;
  rt_ref_t next;
  uint16_t spec; /* packet spec: offset in words */
  uint8_t size;
  uint8_t is_known; /* 0: asked for, or written since */
  uint64_t heard_us;
  uint8_t room; /* bytes that follow */
  uint8_t bytes[];
} rt_cached_t;

#define NO_ROLE 0xffffu
#define CACHE_US 500000u
#define FIRST_DELAY_US 20000u
#define LAST_DELAY_US 1280000u
/* A link that is full takes its time; the queue of this device is empty after the bus's next turn.
 */
#define FULL_DELAY_US 1000u
/* Smallest room of a cached value: most registers fit without ever moving. */
#define CACHED_ROOM 8u

static rt_ref_t waits; /* first */

void rt_waits_init(void) { waits = 0; }

static rt_wait_t *wait_at(rt_ref_t ref) { return RT_POINTER(ref); }
static rt_cached_t *cached_at(rt_ref_t ref) { return RT_POINTER(ref); }

void rt_waits_mark(void) {
  for (rt_ref_t ref = waits; ref != 0; ref = wait_at(ref)->next) {
    rt_heap_mark_ref(ref);
    rt_heap_mark_ref(wait_at(ref)->fiber);
    if (wait_at(ref)->payload != 0) rt_heap_mark_ref(wait_at(ref)->payload);
  }
  for (uint32_t i = 0; i < rt_role_count(); i++) {
    for (rt_ref_t ref = rt_role_at(i)->cache; ref != 0; ref = cached_at(ref)->next) {
      rt_heap_mark_ref(ref);
    }
  }
}

/* ---- The list ---- */

static void remove_wait(rt_ref_t *link) {
  rt_wait_t *wait = wait_at(*link);
  *link = wait->next;
  rt_heap_free(wait);
}

void rt_waits_forget(rt_ref_t fiber) {
  rt_ref_t *link = &waits;
  while (*link != 0) {
    if (wait_at(*link)->fiber == fiber) {
      remove_wait(link);
    } else {
      link = &wait_at(*link)->next;
    }
  }
}

/* Appends: who came first is served first. Stops the running fiber. */
static rt_value_t add_wait(const rt_wait_t *like) {
  rt_wait_t *wait = rt_heap_allocate(RT_KIND_BYTES, sizeof(rt_wait_t) - sizeof(rt_object_t));
  if (wait == NULL) return RT_UNDEFINED;
  const rt_object_t header = wait->header;
  *wait = *like;
  wait->header = header;
  wait->next = 0;
  wait->fiber = rt_fiber_current();
  rt_ref_t *link = &waits;
  while (*link != 0) link = &wait_at(*link)->next;
  *link = RT_REF(wait);
  return rt_fiber_wait(UINT64_MAX);
}

static void finish(rt_ref_t *link, rt_value_t result) {
  const rt_ref_t fiber = wait_at(*link)->fiber;
  remove_wait(link);
  rt_fiber_resume(fiber, result);
}

/* ---- Sending ---- */

static rt_status_t send_to_role(const rt_role_t *role, uint16_t command, const uint8_t *bytes,
                                uint32_t size) {
  if (role->index == 0) return RT_ERROR_STATE;
  const rt_packet_t packet = {
      .device_id = role->device_id,
      .command = command,
      .flags = RT_FRAME_COMMAND,
      .service_index = role->index,
      .size = (uint8_t)size,
      .payload = bytes,
  };
  return rt_bus_send(&packet);
}

static rt_status_t send_as_server(uint8_t service_index, uint16_t command, const uint8_t *bytes,
                                  uint32_t size) {
  const rt_packet_t packet = {
      .device_id = rt_bus_server_id(),
      .command = command,
      .service_index = service_index,
      .size = (uint8_t)size,
      .payload = bytes,
  };
  return rt_bus_send(&packet);
}

static rt_status_t try_send(const rt_wait_t *wait) {
  const rt_buffer_t *buffer = wait->payload == 0 ? NULL : RT_POINTER(wait->payload);
  const uint8_t *bytes = buffer == NULL ? NULL : buffer->bytes;
  const uint32_t size = buffer == NULL ? 0 : buffer->header.extra;
  if (wait->role == NO_ROLE) {
    return send_as_server(wait->service_index, wait->command, bytes, size);
  }
  return send_to_role(rt_role_at(wait->role), wait->command, bytes, size);
}

static uint64_t device_of(const rt_wait_t *wait) {
  return wait->role == NO_ROLE ? rt_bus_server_id() : rt_role_at(wait->role)->device_id;
}

/* When to try again after `status`, with a packet to this device or the script's servers. */
static uint64_t next_try_us(rt_status_t status, uint64_t device_id) {
  if (status != RT_ERROR_FULL) return UINT64_MAX;
  const uint64_t now_us = rt_hal_now_us();
  const uint32_t is_near = device_id == rt_bus_device_id() || device_id == rt_bus_server_id();
  return is_near ? now_us : now_us + FULL_DELAY_US;
}

/* ---- Registers ---- */

static rt_cached_t *find_cached(uint32_t role, uint32_t spec) {
  for (rt_ref_t ref = rt_role_at(role)->cache; ref != 0; ref = cached_at(ref)->next) {
    if (cached_at(ref)->spec == spec) return cached_at(ref);
  }
  return NULL;
}

static void drop_cached(uint32_t role, uint32_t spec) {
  for (rt_ref_t *link = &rt_role_at(role)->cache; *link != 0; link = &cached_at(*link)->next) {
    if (cached_at(*link)->spec != spec) continue;
    rt_cached_t *cached = cached_at(*link);
    *link = cached->next;
    rt_heap_free(cached);
    return;
  }
}

static void forget_value(uint32_t role, uint32_t spec) {
  rt_cached_t *cached = find_cached(role, spec);
  if (cached != NULL) cached->is_known = 0;
}

static rt_cached_t *new_cached(uint32_t role, uint32_t spec, uint32_t size) {
  const uint32_t room = size < CACHED_ROOM ? CACHED_ROOM : size;
  const size_t bytes = sizeof(rt_cached_t) - sizeof(rt_object_t) + room;
  rt_cached_t *cached = rt_heap_allocate(RT_KIND_BYTES, bytes);
  if (cached == NULL) return NULL;
  cached->spec = (uint16_t)spec;
  cached->room = (uint8_t)room;
  cached->next = rt_role_at(role)->cache;
  rt_role_at(role)->cache = RT_REF(cached);
  return cached;
}

/* Only registers that somebody has read are kept. */
static void keep_value(uint32_t role, uint32_t spec, const rt_packet_t *packet) {
  rt_cached_t *cached = find_cached(role, spec);
  if (cached == NULL) return;
  if (cached->room < packet->size) {
    drop_cached(role, spec);
    cached = new_cached(role, spec, packet->size);
    if (cached == NULL) return;
  }
  cached->size = packet->size;
  cached->is_known = 1;
  cached->heard_us = rt_hal_now_us();
  for (uint32_t i = 0; i < packet->size; i++) cached->bytes[i] = packet->payload[i];
}

static uint32_t is_asked_for(uint32_t role, uint32_t spec) {
  for (rt_ref_t ref = waits; ref != 0; ref = wait_at(ref)->next) {
    if (wait_at(ref)->role == role && wait_at(ref)->spec == spec) return 1;
  }
  return 0;
}

rt_value_t rt_role_read(uint32_t number, uint32_t spec) {
  const rt_image_packet_t *packet = rt_spec_packet(spec);
  rt_role_t *role = rt_role_at(number);
  rt_cached_t *cached = find_cached(number, spec);
  const uint64_t now_us = rt_hal_now_us();
  if (role->index != 0 && cached != NULL && cached->is_known &&
      now_us - cached->heard_us < CACHE_US) {
    return rt_unpack(packet, cached->bytes, cached->size);
  }
  if (cached == NULL && new_cached(number, spec, 0) == NULL) return RT_UNDEFINED;
  rt_wait_t wait = {
      .role = (uint16_t)number,
      .spec = (uint16_t)spec,
      .command = packet->code,
      .due_us = UINT64_MAX,
      .delay_us = FIRST_DELAY_US,
  };
  if (role->index != 0) {
    if (!is_asked_for(number, spec)) send_to_role(role, packet->code, NULL, 0);
    wait.due_us = now_us + FIRST_DELAY_US;
  }
  return add_wait(&wait);
}

rt_value_t rt_role_send(uint32_t number, uint16_t command, const uint8_t *bytes, uint32_t size) {
  const rt_role_t *role = rt_role_at(number);
  if (size > RT_BUS_MAX_PAYLOAD_BYTES) return rt_throw_range_error("packet too large");
  if ((command & RT_PACKET_MASK) == RT_COMMAND_SET) {
    forget_value(number, rt_spec_of_packet(role->spec, command, 1));
  }
  const rt_status_t status = send_to_role(role, command, bytes, size);
  if (status == RT_OK) return RT_UNDEFINED;
  rt_buffer_t *payload = rt_buffer_new(size);
  if (payload == NULL) return RT_UNDEFINED;
  for (uint32_t i = 0; i < size; i++) payload->bytes[i] = bytes[i];
  rt_heap_root(RT_OBJECT(payload));
  const rt_wait_t wait = {
      .role = (uint16_t)number,
      .command = command,
      .payload = RT_REF(payload),
      .due_us = next_try_us(status, role->device_id),
  };
  return add_wait(&wait);
}

rt_value_t rt_server_send(uint8_t service_index, const rt_packet_object_t *packet) {
  uint32_t size;
  const uint8_t *bytes = rt_packet_bytes(packet, &size);
  if (size > RT_BUS_MAX_PAYLOAD_BYTES) return rt_throw_range_error("packet too large");
  const rt_status_t status = send_as_server(service_index, packet->command, bytes, size);
  if (status == RT_OK) return RT_UNDEFINED;
  const rt_wait_t wait = {
      .role = NO_ROLE,
      .command = packet->command,
      .payload = packet->payload,
      .service_index = service_index,
      .due_us = next_try_us(status, rt_bus_server_id()),
  };
  return add_wait(&wait);
}

/* ---- What happens ---- */

uint32_t rt_waits_report(uint32_t role, const rt_packet_t *packet) {
  if ((packet->command & RT_PACKET_MASK) != RT_COMMAND_GET) return 0;
  const uint32_t service = rt_role_at(role)->spec;
  if (rt_role_at(role)->cache == 0) return 0; /* nobody reads registers */
  const uint32_t spec = rt_spec_of_packet(service, packet->command, 0);
  if (spec == 0) return 0;
  keep_value(role, spec, packet);
  uint32_t has_woken = 0;
  rt_ref_t *link = &waits;
  while (*link != 0) {
    rt_wait_t *wait = wait_at(*link);
    if (wait->role != role || wait->spec != spec) {
      link = &wait->next;
      continue;
    }
    const rt_value_t value = rt_unpack(rt_spec_packet(spec), packet->payload, packet->size);
    rt_heap_root(value);
    finish(link, value);
    has_woken = 1;
  }
  return has_woken;
}

void rt_waits_bound(uint32_t role) {
  for (rt_ref_t ref = rt_role_at(role)->cache; ref != 0; ref = cached_at(ref)->next) {
    cached_at(ref)->is_known = 0;
  }
  if (rt_role_at(role)->index == 0) return;
  for (rt_ref_t ref = waits; ref != 0; ref = wait_at(ref)->next) {
    rt_wait_t *wait = wait_at(ref);
    if (wait->role != role) continue;
    wait->due_us = 0;
    wait->delay_us = FIRST_DELAY_US;
  }
}

/* 1: done with, and gone from the list. */
static uint32_t try_again(rt_ref_t *link, uint64_t now_us) {
  rt_wait_t *wait = wait_at(*link);
  const rt_status_t status = try_send(wait);
  if (wait->spec == 0 && status == RT_OK) {
    finish(link, RT_UNDEFINED);
    return 1;
  }
  if (status == RT_ERROR_STATE) { /* unbound again */
    wait->due_us = UINT64_MAX;
  } else if (wait->spec == 0) {
    wait->due_us = next_try_us(status, device_of(wait));
  } else {
    wait->due_us = now_us + wait->delay_us;
    if (wait->delay_us < LAST_DELAY_US) wait->delay_us *= 2u;
  }
  return 0;
}

void rt_waits_run(uint64_t now_us) {
  rt_ref_t *link = &waits;
  while (*link != 0) {
    if (wait_at(*link)->due_us <= now_us && try_again(link, now_us)) continue;
    link = &wait_at(*link)->next;
  }
}

uint64_t rt_waits_deadline(void) {
  uint64_t next_us = UINT64_MAX;
  for (rt_ref_t ref = waits; ref != 0; ref = wait_at(ref)->next) {
    if (wait_at(ref)->due_us < next_us) next_us = wait_at(ref)->due_us;
  }
  return next_us;
}
