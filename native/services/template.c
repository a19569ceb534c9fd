/*
 * The smallest module that does something: it counts. services/template.md is its contract,
 * docs/modules.md explains it line by line. Copy both to begin a module of your own.
 */
#include "services/service.h"

/* Codes of services/template.md. */
#define SERVICE_CLASS 0x1c0ffee5u
#define REG_INTERVAL 0x080u
#define REG_COUNT 0x180u
#define COMMAND_ADD 0x080u
#define EVENT_ROUND 0x080u

static struct {
  uint32_t interval_ms; /* register interval: between two counts */
  uint32_t count;       /* register count */
  uint64_t due_us;      /* when to count next */
} state;

static void reset(rt_service_t *service) {
  (void)service;
  state.interval_ms = 1000;
  state.count = 0;
  state.due_us = 0;
}

static rt_status_t init(rt_service_t *service) {
  reset(service);
  return RT_OK;
}

/* Every multiple of ten is an event. */
static void count(rt_service_t *service, uint32_t steps) {
  for (uint32_t i = 0; i < steps; i++) {
    state.count++;
    if (state.count % 10u == 0) {
      rt_service_event(service, EVENT_ROUND, &state.count, sizeof state.count);
    }
  }
}

static void command(rt_service_t *service, const rt_packet_t *packet) {
  if (packet->command != COMMAND_ADD || packet->size < 1) return;
  count(service, packet->payload[0]);
  rt_service_reply(service, packet, &state.count, sizeof state.count);
}

static void written(rt_service_t *service, uint16_t code) {
  (void)service;
  if (code == REG_INTERVAL && state.interval_ms < 1) state.interval_ms = 1;
}

static uint64_t poll(rt_service_t *service, uint64_t now_us) {
  if (state.due_us == 0) state.due_us = now_us;
  if (now_us < state.due_us) return state.due_us;
  count(service, 1);
  state.due_us += (uint64_t)state.interval_ms * 1000u;
  return state.due_us;
}

static const rt_service_register_t table[] = {
    {REG_INTERVAL, 4, RT_REGISTER_READ | RT_REGISTER_WRITE, &state.interval_ms},
    {REG_COUNT, 4, RT_REGISTER_READ, &state.count},
};

const rt_service_module_t rt_module_template = {
    .service_class = SERVICE_CLASS,
    .name = "template",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .init = init,
    .reset = reset,
    .command = command,
    .written = written,
    .poll = poll,
};
