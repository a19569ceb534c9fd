#include "services/service.h"

#include "hal/hal.h"

/* Codes that mean the same in every service. */
#define REGISTER_STATUS_CODE 0x103u
#define REGISTER_MASK 0x0fffu
#define KIND_MASK 0xf000u

static struct {
  rt_service_t services[RT_SERVICE_LIMIT];
  uint64_t due_us[RT_SERVICE_LIMIT];
  uint16_t count;
} table;

/* ---- sending ---- */

static rt_status_t send_report(const rt_service_t *service, uint16_t command, const void *data,
                               uint8_t size) {
  const rt_packet_t packet = {
      .device_id = rt_bus_device_id(),
      .command = command,
      .service_index = service->index,
      .size = size,
      .payload = data,
  };
  return rt_bus_send(&packet);
}

rt_status_t rt_service_reply(rt_service_t *service, const rt_packet_t *packet, const void *data,
                             uint8_t size) {
  return send_report(service, packet->command, data, size);
}

rt_status_t rt_service_report(rt_service_t *service, uint16_t command, const void *data,
                              uint8_t size) {
  return send_report(service, command, data, size);
}

rt_status_t rt_service_event(rt_service_t *service, uint8_t event, const void *data, uint8_t size) {
  return rt_bus_send_event(service->index, event, data, size);
}

/* ---- registers ---- */

static const rt_service_register_t *find_register(const rt_service_module_t *module,
                                                  uint16_t code) {
  for (uint16_t i = 0; i < module->register_count; i++) {
    if (module->registers[i].code == code) return &module->registers[i];
  }
  return NULL;
}

static uint8_t value_bytes(const rt_service_register_t *entry) {
  if (entry->size != 0) return entry->size;
  const char *text = entry->value;
  uint8_t length = 0;
  while (length < RT_BUS_MAX_PAYLOAD_BYTES && text[length] != 0) length++;
  return length;
}

rt_status_t rt_service_report_register(rt_service_t *service, uint16_t code) {
  const rt_service_module_t *module = service->module;
  const rt_service_register_t *entry = find_register(module, code);
  if (entry == NULL) return RT_ERROR_ARGUMENT;
  if (module->reading != NULL) module->reading(service, code);
  return send_report(service, (uint16_t)(RT_COMMAND_GET | code), entry->value, value_bytes(entry));
}

/* A value that comes too long is cut, one that comes too short is refused. */
static void write_register(rt_service_t *service, const rt_service_register_t *entry,
                           const rt_packet_t *packet) {
  if ((entry->access & RT_REGISTER_WRITE) == 0 || packet->size < entry->size) return;
  __builtin_memcpy(entry->value, packet->payload, entry->size);
  if (service->module->written != NULL) service->module->written(service, entry->code);
}

/* ---- packets ---- */

static rt_service_t *service_at(uint8_t index) {
  for (uint16_t i = 0; i < table.count; i++) {
    if (table.services[i].index == index) return &table.services[i];
  }
  return NULL;
}

/* Whether the packet changes something and may not; docs/security.md says who may what. */
static uint32_t is_refused(const rt_service_t *service, const rt_packet_t *packet) {
  if (service->module->guards_itself || !rt_bus_is_locked_out(packet)) return 0;
  if ((packet->command & KIND_MASK) == RT_COMMAND_GET) return 0;
  return packet->command != (RT_COMMAND_SET | RT_REGISTER_STREAMING_SAMPLES) &&
         packet->command != (RT_COMMAND_SET | RT_REGISTER_STREAMING_INTERVAL);
}

static void dispatch_command(rt_service_t *service, const rt_packet_t *packet) {
  const uint16_t kind = packet->command & KIND_MASK;
  const uint16_t code = packet->command & REGISTER_MASK;
  if (kind == RT_COMMAND_GET && rt_service_report_register(service, code) != RT_ERROR_ARGUMENT) {
    return;
  }
  if (kind == RT_COMMAND_SET) {
    const rt_service_register_t *entry = find_register(service->module, code);
    if (entry != NULL) {
      write_register(service, entry, packet);
      return;
    }
  }
  if (kind == RT_COMMAND_GET && code == REGISTER_STATUS_CODE) {
    static const uint8_t ready[4];
    rt_service_reply(service, packet, ready, sizeof ready);
    return;
  }
  if (service->module->command != NULL) service->module->command(service, packet);
}

void rt_services_dispatch(const rt_packet_t *packet) {
  rt_service_t *service = service_at(packet->service_index);
  if (service == NULL) return;
  if (is_refused(service, packet)) {
    /* A write of a register is never answered. */
    if ((packet->command & KIND_MASK) == 0) rt_bus_not_implemented(packet);
    return;
  }
  rt_service_wake(service);
  dispatch_command(service, packet);
}

/* ---- life ---- */

static void log_refusal(const rt_service_module_t *module) {
  static const char text[] = "module is not offered: ";
  char line[64];
  size_t length = sizeof text - 1;
  __builtin_memcpy(line, text, length);
  for (const char *name = module->name; *name != 0 && length < sizeof line; name++) {
    line[length++] = *name;
  }
  rt_bus_log(' ', line, length);
}

rt_status_t rt_services_init(void) {
  table.count = 0;
  for (uint16_t i = 0; i < rt_service_module_count; i++) {
    const rt_service_module_t *module = rt_service_modules[i];
    if (table.count == RT_SERVICE_LIMIT) return RT_ERROR_FULL;
    rt_service_t *service = &table.services[table.count];
    service->module = module;
    service->index = 0;
    if (module->init != NULL && module->init(service) != RT_OK) {
      log_refusal(module);
      continue;
    }
    service->index = rt_bus_add_service(module->service_class);
    table.due_us[table.count++] = 0;
  }
  return RT_OK;
}

void rt_services_reset(void) {
  for (uint16_t i = 0; i < table.count; i++) {
    rt_service_t *service = &table.services[i];
    if (service->module->reset != NULL) service->module->reset(service);
    table.due_us[i] = 0;
  }
}

void rt_service_wake(const rt_service_t *service) { table.due_us[service - table.services] = 0; }

uint64_t rt_services_poll(uint64_t now_us) {
  uint64_t next_us = UINT64_MAX;
  for (uint16_t i = 0; i < table.count; i++) {
    rt_service_t *service = &table.services[i];
    if (service->module->poll == NULL) continue;
    if (table.due_us[i] <= now_us) {
      /* Set before the call: what wakes the module meanwhile counts. */
      table.due_us[i] = UINT64_MAX;
      const uint64_t due_us = service->module->poll(service, now_us);
      if (due_us < table.due_us[i]) table.due_us[i] = due_us;
    }
  }
  for (uint16_t i = 0; i < table.count; i++) {
    if (table.services[i].module->poll != NULL && table.due_us[i] < next_us) {
      next_us = table.due_us[i];
    }
  }
  return next_us;
}

/* ---- streaming of readings ---- */

uint64_t rt_service_stream_poll(rt_service_t *service, rt_service_stream_t *stream,
                                uint16_t register_code, uint64_t now_us) {
  if (stream->samples == 0) {
    stream->due_us = 0;
    return UINT64_MAX;
  }
  if (stream->due_us > now_us) return stream->due_us;
  if (stream->interval_ms < RT_SERVICE_STREAM_MIN_MS)
    stream->interval_ms = RT_SERVICE_STREAM_MIN_MS;
  rt_service_report_register(service, register_code);
  stream->samples--;
  stream->due_us = now_us + (uint64_t)stream->interval_ms * 1000u;
  return stream->samples == 0 ? UINT64_MAX : stream->due_us;
}
