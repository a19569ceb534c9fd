/* In place of native/bus: a list of what was sent, that the test takes. */
#include "driver.h"

#define SENT_LIMIT 256u
#define LOG_LIMIT 1024u

/* As the test reads it: see bench.ts. */
typedef struct {
  uint8_t service, size;
  uint16_t command; /* events: RT_COMMAND_EVENT | event */
  uint8_t payload[RT_BUS_MAX_PAYLOAD_BYTES];
} sent_t;

static struct {
  uint32_t classes[RT_SERVICE_LIMIT];
  uint32_t service_count;
  sent_t sent[SENT_LIMIT];
  uint32_t sent_count;
  char log[LOG_LIMIT];
  uint32_t log_bytes;
  uint32_t is_full;
} bus;

extern const rt_service_module_t rt_module_learner, rt_module_capture, rt_module_button,
    rt_module_light_bulb, rt_module_power, rt_module_template, rt_module_adc_stats;

const rt_service_module_t *const rt_service_modules[] = {
    &rt_module_learner, &rt_module_capture,  &rt_module_button,   &rt_module_light_bulb,
    &rt_module_power,   &rt_module_template, &rt_module_adc_stats};
const uint16_t rt_service_module_count = sizeof rt_service_modules / sizeof rt_service_modules[0];

/* ---- for the test ---- */

void driver_bus_clear(void) {
  bus.service_count = 0;
  bus.sent_count = 0;
  bus.log_bytes = 0;
  bus.is_full = 0;
}

uint32_t bench_class(uint32_t service) {
  return service >= 1 && service <= bus.service_count ? bus.classes[service - 1u] : 0;
}
uint32_t bench_sent_count(void) { return bus.sent_count; }
const void *bench_sent(void) { return bus.sent; }
void bench_forget_sent(void) { bus.sent_count = 0; }
void bench_fill_bus(uint32_t is_full) { bus.is_full = is_full; }
const char *bench_log(void) { return bus.log; }
uint32_t bench_log_bytes(void) { return bus.log_bytes; }

/* ---- the bus ---- */

uint64_t rt_bus_device_id(void) { return 0x0123456789abcdefu; }

uint8_t rt_bus_add_service(uint32_t service_class) {
  bus.classes[bus.service_count++] = service_class;
  return (uint8_t)bus.service_count;
}

static rt_status_t record(uint8_t service, uint16_t command, const void *payload, uint8_t size) {
  if (bus.is_full || bus.sent_count == SENT_LIMIT) return RT_ERROR_FULL;
  sent_t *sent = &bus.sent[bus.sent_count++];
  sent->service = service;
  sent->command = command;
  sent->size = size;
  if (size > 0) __builtin_memcpy(sent->payload, payload, size);
  return RT_OK;
}

rt_status_t rt_bus_send(const rt_packet_t *packet) {
  return record(packet->service_index, packet->command, packet->payload, packet->size);
}

rt_status_t rt_bus_send_event(uint8_t service_index, uint8_t event, const void *payload,
                              uint8_t size) {
  return record(service_index, (uint16_t)(RT_COMMAND_EVENT | event), payload, size);
}

/* No link leads here: everything comes from the board itself. */
uint32_t rt_bus_is_locked_out(const rt_packet_t *command) {
  (void)command;
  return 0;
}

void rt_bus_not_implemented(const rt_packet_t *command) { (void)command; }

void rt_bus_log(char level, const char *text, size_t bytes) {
  (void)level;
  for (size_t i = 0; i < bytes && bus.log_bytes < LOG_LIMIT - 1u; i++) {
    bus.log[bus.log_bytes++] = text[i];
  }
  bus.log[bus.log_bytes++] = '\n';
}
