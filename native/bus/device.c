#include "bus/internal.h"

typedef struct {
  uint64_t id;
  uint64_t heard_us;
  uint32_t classes[RT_BUS_REMOTE_SERVICES]; /* by service index; 0 is the control service */
  uint8_t count;                            /* 0: free */
  uint8_t restarts;                         /* as last announced */
  uint8_t event;                            /* counter of the newest event, 0xff: none yet */
} rt_device_t;

#define NO_EVENT 0xffu
#define RESTARTS_MASK 15u

static struct {
  uint64_t own_id;
  uint32_t own_classes[RT_BUS_MAX_SERVICES];
  uint32_t own_count;
  uint32_t generation;
  uint64_t expire_at_us; /* nobody is lost before; UINT64_MAX: nobody is there */
  rt_device_t device[RT_BUS_MAX_DEVICES - 1u];
} devices;

void rt_devices_init(uint64_t own_id) {
  devices.own_id = own_id;
  devices.own_classes[0] = 0;
  devices.own_count = 1;
  devices.expire_at_us = UINT64_MAX;
  devices.generation++;
  for (uint32_t i = 0; i < RT_BUS_MAX_DEVICES - 1u; i++) devices.device[i].count = 0;
}

uint32_t rt_bus_generation(void) { return devices.generation; }

uint8_t rt_bus_add_service(uint32_t service_class) {
  if (devices.own_count == RT_BUS_MAX_SERVICES) return 0;
  devices.own_classes[devices.own_count] = service_class;
  devices.generation++;
  return (uint8_t)devices.own_count++;
}

const uint32_t *rt_devices_own(uint32_t *count) {
  *count = devices.own_count;
  return devices.own_classes;
}

static rt_device_t *find(uint64_t id) {
  for (uint32_t i = 0; i < RT_BUS_MAX_DEVICES - 1u; i++) {
    rt_device_t *device = &devices.device[i];
    if (device->count != 0 && device->id == id) return device;
  }
  return NULL;
}

static rt_device_t *find_free(void) {
  for (uint32_t i = 0; i < RT_BUS_MAX_DEVICES - 1u; i++) {
    if (devices.device[i].count == 0) return &devices.device[i];
  }
  return NULL;
}

/* Whether the announcement tells other services than we know. */
static uint32_t is_changed(const rt_device_t *device, const rt_packet_t *packet, uint32_t count) {
  if (device->count != count) return 1;
  for (uint32_t i = 1; i < count; i++) {
    if (device->classes[i] != rt_bus_load32(packet->payload + 4 * i)) return 1;
  }
  return 0;
}

void rt_devices_announced(const rt_packet_t *packet, uint64_t now_us) {
  if (packet->size < 4) return;
  uint32_t count = packet->size / 4u;
  if (count > RT_BUS_REMOTE_SERVICES) count = RT_BUS_REMOTE_SERVICES;
  const uint8_t restarts = packet->payload[0] & RESTARTS_MASK;
  rt_device_t *device = find(packet->device_id);
  uint32_t is_new = device == NULL;
  if (device == NULL) device = find_free();
  if (device == NULL) return; /* more devices than we follow */
  /* A counter that went down: it restarted, and may have kept its services. */
  if (!is_new && restarts < device->restarts) is_new = 1;
  if (is_new) device->event = NO_EVENT;
  if (is_new || is_changed(device, packet, count)) devices.generation++;
  device->id = packet->device_id;
  device->heard_us = now_us;
  if (devices.expire_at_us > now_us + RT_BUS_DEVICE_LOST_US) {
    devices.expire_at_us = now_us + RT_BUS_DEVICE_LOST_US;
  }
  device->restarts = restarts;
  device->classes[0] = 0;
  for (uint32_t i = 1; i < count; i++) device->classes[i] = rt_bus_load32(packet->payload + 4 * i);
  device->count = (uint8_t)count;
}

void rt_devices_heard(uint64_t device_id, uint64_t now_us) {
  rt_device_t *device = find(device_id);
  if (device != NULL) device->heard_us = now_us;
}

uint32_t rt_devices_is_repeat(const rt_packet_t *event) {
  const uint8_t counter = (uint8_t)(event->command >> 8 & 0x7fu);
  rt_device_t *device = find(event->device_id);
  if (device == NULL) return 0;
  const uint8_t ahead = (counter - device->event) & 0x7fu;
  if (device->event != NO_EVENT && (ahead == 0 || ahead >= 64)) return 1;
  device->event = counter;
  return 0;
}

uint64_t rt_devices_expire(uint64_t now_us) {
  if (now_us < devices.expire_at_us) return devices.expire_at_us;
  uint64_t next_us = UINT64_MAX;
  for (uint32_t i = 0; i < RT_BUS_MAX_DEVICES - 1u; i++) {
    rt_device_t *device = &devices.device[i];
    if (device->count == 0 || device->id == rt_bus_server_id()) continue;
    const uint64_t lost_us = device->heard_us + RT_BUS_DEVICE_LOST_US;
    if (lost_us <= now_us) {
      device->count = 0;
      devices.generation++;
    } else if (lost_us < next_us) {
      next_us = lost_us;
    }
  }
  devices.expire_at_us = next_us;
  return next_us;
}

void rt_devices_drop(uint64_t device_id) {
  rt_device_t *device = find(device_id);
  if (device == NULL) return;
  device->count = 0;
  devices.generation++;
}

rt_status_t rt_bus_device(uint32_t nth, uint64_t *device_id, const uint32_t **classes,
                          uint32_t *count) {
  if (nth == 0) {
    *device_id = devices.own_id;
    *classes = devices.own_classes;
    *count = devices.own_count;
    return RT_OK;
  }
  for (uint32_t i = 0; i < RT_BUS_MAX_DEVICES - 1u; i++) {
    const rt_device_t *device = &devices.device[i];
    if (device->count == 0 || --nth != 0) continue;
    *device_id = device->id;
    *classes = device->classes;
    *count = device->count;
    return RT_OK;
  }
  return RT_ERROR_ARGUMENT;
}
