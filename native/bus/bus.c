#include "bus/bus.h"

#include "bus/deploy.h"
#include "bus/internal.h"
#include "bus/repeat.h"
#include "services/service.h"
#include "store/trust.h"

#define ANNOUNCE_US 500000u

/* Bytes that a link did not take are offered again after this long. */
#define OUTPUT_RETRY_US 1000u

#define COMMAND_BYTES 1024u
#define REPORT_BYTES 1024u

/* Frames to this class ask a serial device to send frames at all; ours always does. */
#define USB_BRIDGE_CLASS 0x18f61a4au

#define REPORT_NOT_IMPLEMENTED 0x03u

static struct {
  uint64_t own_id, server_id;
  uint64_t now_us, announce_at_us;
  rt_bus_listener_t listener;
  uint8_t event_counter;
  uint8_t holds_reports;
  /* Commands to services of this device, and packets for the script; see rt_bus_hold_reports. */
  rt_queue_t commands, reports;
  uint64_t command_memory[COMMAND_BYTES / 8u], report_memory[REPORT_BYTES / 8u];
  uint8_t frame[RT_FRAME_MAX_BYTES]; /* being sent */
} bus;

static void receive_frame(const uint8_t *frame, size_t size);

/* Another identifier that nobody has: the bits of this one, mixed. */
static uint64_t mix(uint64_t id) {
  id ^= id >> 31;
  id *= 0x9e3779b97f4a7c15u;
  return id ^ id >> 29;
}

void rt_bus_init(uint64_t device_id) {
  bus.own_id = device_id;
  bus.server_id = mix(device_id);
  bus.now_us = bus.announce_at_us = 0;
  bus.event_counter = 0;
  bus.holds_reports = 0;
  bus.listener = NULL;
  rt_queue_init(&bus.commands, bus.command_memory, COMMAND_BYTES);
  rt_queue_init(&bus.reports, bus.report_memory, REPORT_BYTES);
  rt_devices_init(device_id);
  rt_control_init();
  rt_repeat_init();
  rt_log_init();
  rt_links_init(receive_frame);
}

uint64_t rt_bus_device_id(void) { return bus.own_id; }
uint64_t rt_bus_server_id(void) { return bus.server_id; }
uint64_t rt_bus_now_us(void) { return bus.now_us; }
void rt_bus_listen(rt_bus_listener_t listener) { bus.listener = listener; }
void rt_bus_hold_reports(uint32_t hold) { bus.holds_reports = hold != 0; }
void rt_bus_drop_script_services(void) { rt_devices_drop(bus.server_id); }

uint8_t rt_bus_next_event(void) {
  bus.event_counter = (bus.event_counter + 1u) & 0x7fu;
  return bus.event_counter;
}

static uint32_t is_command(const rt_packet_t *packet) {
  return (packet->flags & RT_FRAME_COMMAND) != 0;
}

static uint32_t is_event(const rt_packet_t *packet) {
  return !is_command(packet) && packet->service_index < RT_SERVICE_PIPE &&
         (packet->command & RT_COMMAND_EVENT) != 0;
}

/* ---- Sending ---- */

static rt_status_t send_out(const rt_packet_t *packet) {
  if (!rt_links_open()) return RT_OK;
  return rt_links_send(bus.frame, rt_frame_write(bus.frame, packet));
}

static void repeat_out(const rt_packet_t *packet) { send_out(packet); }

/* A broadcast command reaches every local service of the class, and goes out. */
static rt_status_t send_broadcast(const rt_packet_t *packet) {
  uint32_t count;
  const uint32_t *classes = rt_devices_own(&count);
  rt_packet_t local = *packet;
  local.device_id = bus.own_id;
  local.flags &= (uint8_t)~RT_FRAME_BROADCAST;
  for (uint32_t i = 0; i < count; i++) {
    if (classes[i] != (uint32_t)packet->device_id) continue;
    local.service_index = (uint8_t)i;
    if (rt_queue_push(&bus.commands, &local) != RT_OK) return RT_ERROR_FULL;
  }
  send_out(packet);
  return RT_OK;
}

static rt_status_t send_command(const rt_packet_t *packet) {
  if (packet->flags & RT_FRAME_BROADCAST) return send_broadcast(packet);
  if (packet->device_id == bus.own_id) {
    if (rt_queue_push(&bus.commands, packet) != RT_OK) return RT_ERROR_FULL;
    send_out(packet); /* for those who watch; nobody misses it when the link is full */
    return RT_OK;
  }
  if (packet->device_id == bus.server_id) {
    if (rt_queue_push(&bus.reports, packet) != RT_OK) return RT_ERROR_FULL;
    send_out(packet);
    return RT_OK;
  }
  return send_out(packet);
}

rt_status_t rt_bus_send(const rt_packet_t *packet) {
  if (packet->size > RT_BUS_MAX_PAYLOAD_BYTES) return RT_ERROR_ARGUMENT;
  if (is_command(packet)) return send_command(packet);
  const rt_status_t status = rt_queue_push(&bus.reports, packet);
  if (status != RT_OK) return status;
  send_out(packet);
  return RT_OK;
}

rt_status_t rt_bus_send_event(uint8_t service_index, uint8_t event, const void *payload,
                              uint8_t size) {
  if (!rt_queue_has_room(&bus.reports, size)) return RT_ERROR_FULL;
  const rt_packet_t packet = {
      .device_id = bus.own_id,
      .command = (uint16_t)(RT_COMMAND_EVENT | (uint32_t)rt_bus_next_event() << 8 | event),
      .service_index = service_index,
      .size = size,
      .payload = payload,
  };
  const rt_status_t status = rt_bus_send(&packet);
  if (status == RT_OK) rt_repeat_add(&packet, rt_hal_now_us());
  return status;
}

uint32_t rt_bus_is_locked_out(const rt_packet_t *command) {
  return (command->flags & RT_FRAME_FROM_LINK) != 0 && rt_trust_is_locked();
}

void rt_bus_not_implemented(const rt_packet_t *command) {
  uint8_t payload[4];
  /* The second field is the checksum of the command's frame; a local command has none. */
  rt_bus_store32(payload, command->command);
  const rt_packet_t packet = {
      .device_id = bus.own_id,
      .command = REPORT_NOT_IMPLEMENTED,
      .service_index = command->service_index,
      .size = sizeof payload,
      .payload = payload,
  };
  rt_bus_send(&packet);
}

/* ---- Receiving ---- */

static void dispatch_command(const rt_packet_t *packet) {
  uint32_t count;
  const uint32_t *classes = rt_devices_own(&count);
  if (packet->service_index == RT_SERVICE_PIPE) {
    rt_deploy_pipe(packet);
  } else if (packet->service_index == RT_SERVICE_CONTROL) {
    rt_control_command(packet);
  } else if (packet->service_index >= count) {
    return;
  } else if (classes[packet->service_index] == RT_DEPLOY_SERVICE_CLASS) {
    rt_deploy_command(packet);
  } else {
    rt_services_dispatch(packet);
  }
}

/* A report or event of another device. */
static void receive_report(const rt_packet_t *packet) {
  if (packet->service_index == RT_SERVICE_CONTROL && packet->command == 0) {
    rt_devices_announced(packet, bus.now_us);
  }
  rt_devices_heard(packet->device_id, bus.now_us);
  if (is_event(packet) && rt_devices_is_repeat(packet)) return;
  rt_queue_push(&bus.reports, packet); /* full: lost, as on any bus */
}

static void receive_broadcast(const rt_packet_t *packet) {
  uint32_t count;
  const uint32_t *classes = rt_devices_own(&count);
  if ((uint32_t)packet->device_id == USB_BRIDGE_CLASS) {
    send_out(packet);
    bus.announce_at_us = 0;
    return;
  }
  rt_packet_t local = *packet;
  local.device_id = bus.own_id;
  local.flags |= RT_FRAME_FROM_LINK;
  for (uint32_t i = 0; i < count; i++) {
    if (classes[i] != (uint32_t)packet->device_id) continue;
    local.service_index = (uint8_t)i;
    rt_queue_push(&bus.commands, &local);
  }
}

static void receive_packet(const rt_packet_t *packet) {
  if (!is_command(packet)) {
    if (packet->device_id != bus.own_id && packet->device_id != bus.server_id) {
      receive_report(packet);
    }
  } else if (packet->flags & RT_FRAME_BROADCAST) {
    receive_broadcast(packet);
  } else if (packet->device_id == bus.own_id) {
    rt_packet_t command = *packet;
    command.flags |= RT_FRAME_FROM_LINK;
    rt_queue_push(&bus.commands, &command);
  } else if (packet->device_id == bus.server_id) {
    rt_queue_push(&bus.reports, packet);
  }
}

static void acknowledge(const uint8_t *frame) {
  const uint64_t device_id = rt_bus_load64(frame + 4);
  if (device_id != bus.own_id && device_id != bus.server_id) return;
  const rt_packet_t packet = {
      .device_id = device_id,
      .command = (uint16_t)rt_bus_load16(frame),
      .service_index = RT_SERVICE_ACK,
  };
  send_out(&packet);
}

/*
 * Checked by the link. What it asks for waits in the queues, so that no service runs while another
 * one does; without room it is not acknowledged, and comes again.
 */
static void receive_frame(const uint8_t *frame, size_t size) {
  const uint8_t flags = frame[3] & (uint8_t)~RT_FRAME_FROM_LINK;
  if (flags & RT_FRAME_COMMAND && flags & RT_FRAME_ACK_WANTED) {
    if (!rt_queue_has_room(&bus.commands, frame[2])) return;
    acknowledge(frame);
  }
  size_t at = RT_FRAME_HEADER_BYTES;
  while (at + RT_FRAME_PACKET_HEADER_BYTES <= size) {
    rt_packet_t packet = {
        .device_id = rt_bus_load64(frame + 4),
        .command = (uint16_t)rt_bus_load16(frame + at + 2),
        .flags = flags,
        .service_index = frame[at + 1] & 0x3fu,
        .size = frame[at],
        .payload = frame + at + RT_FRAME_PACKET_HEADER_BYTES,
    };
    /* The last one need not be padded: jacdac-ts does not. */
    if (at + RT_FRAME_PACKET_HEADER_BYTES + packet.size > size) return;
    at += RT_FRAME_PACKET_HEADER_BYTES + ((packet.size + 3u) & ~3u);
    receive_packet(&packet);
  }
}

/* ---- The turn ---- */

/* Room for any answer first: a command whose answer would be lost waits. */
static uint32_t can_answer(void) {
  return rt_queue_has_room(&bus.reports, RT_BUS_MAX_PAYLOAD_BYTES);
}

static void dispatch_commands(void) {
  rt_packet_t packet;
  while (rt_queue_peek(&bus.commands, &packet) && can_answer()) {
    dispatch_command(&packet);
    rt_queue_pop(&bus.commands);
  }
}

/* 1: the script was woken. */
static uint32_t hear(const rt_packet_t *packet) {
  const uint32_t is_announcement =
      packet->service_index == RT_SERVICE_CONTROL && packet->command == 0;
  if (packet->device_id == bus.server_id && is_announcement && !is_command(packet)) {
    rt_devices_announced(packet, bus.now_us);
  }
  /* The script repeats its servers' events itself; here they arrive at once. */
  if (packet->device_id == bus.server_id && is_event(packet) && rt_devices_is_repeat(packet)) {
    return 0;
  }
  return bus.listener != NULL && bus.listener(packet);
}

/* 1: the script was woken, and more waits until it has run. */
static uint32_t dispatch_reports(void) {
  rt_packet_t packet;
  uint32_t has_woken = 0;
  while (!has_woken && !bus.holds_reports && rt_queue_peek(&bus.reports, &packet)) {
    has_woken = hear(&packet);
    rt_queue_pop(&bus.reports);
  }
  return has_woken;
}

uint32_t rt_bus_is_pending(void) {
  if (!bus.holds_reports && !rt_queue_is_empty(&bus.reports)) return 1;
  return !rt_queue_is_empty(&bus.commands) && can_answer();
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What is due by the clock; returns when the next is. */
static uint64_t do_timed(uint64_t now_us) {
  uint64_t next_us = earlier(bus.announce_at_us, rt_repeat_poll(now_us, repeat_out));
  next_us = earlier(next_us, rt_control_poll(now_us));
  next_us = earlier(next_us, rt_deploy_poll(now_us));
  return earlier(next_us, rt_devices_expire(now_us));
}

uint64_t rt_bus_process(uint64_t now_us) {
  bus.now_us = now_us;
  rt_links_poll();
  if (rt_links_take_opened()) bus.announce_at_us = now_us;
  if (bus.announce_at_us <= now_us) {
    rt_control_announce();
    bus.announce_at_us = now_us + ANNOUNCE_US;
  }
  do {
    dispatch_commands();
  } while (!dispatch_reports() && rt_bus_is_pending());
  const uint64_t next_us = do_timed(now_us);
  if (!rt_links_open()) return next_us;
  rt_links_poll();
  return rt_links_have_output() ? earlier(next_us, now_us + OUTPUT_RETRY_US) : next_us;
}
