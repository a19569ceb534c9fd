#include "bus/internal.h"
#include "bus/version.h"

/* The control service: every device has it, at index 0. */

#define COMMAND_ANNOUNCE 0u
#define COMMAND_NOOP 0x80u
#define COMMAND_IDENTIFY 0x81u
#define COMMAND_RESET 0x82u
#define COMMAND_STATUS_LIGHT 0x84u

#define REGISTER_RESET_IN 0x80u
#define REGISTER_DESCRIPTION 0x180u
#define REGISTER_PRODUCT 0x181u
#define REGISTER_BOOTLOADER_PRODUCT 0x184u
#define REGISTER_FIRMWARE_VERSION 0x185u
#define REGISTER_UPTIME 0x186u

/* Announcement: restart counter in the low 4 bits, and that we answer ACKs. */
#define ANNOUNCE_RESTARTS_MAX 15u
#define ANNOUNCE_ACK 0x100u

/* Identify: four times on and off. */
#define BLINK_US 262000u
#define BLINK_STEPS 8u
/* Leaves time for the ack to go out. */
#define RESET_DELAY_US 10000u

static struct {
  uint64_t reset_at_us; /* UINT64_MAX: not asked for */
  uint64_t blink_at_us; /* of the next step */
  uint8_t blink_steps;  /* left */
  uint8_t restarts;
} control;

void rt_control_init(void) {
  control.reset_at_us = control.blink_at_us = UINT64_MAX;
  control.blink_steps = 0;
  control.restarts = 0;
}

static void reply(uint16_t command, const void *data, size_t size) {
  const rt_packet_t packet = {
      .device_id = rt_bus_device_id(),
      .command = command,
      .service_index = RT_SERVICE_CONTROL,
      .size = (uint8_t)size,
      .payload = data,
  };
  rt_bus_send(&packet);
}

void rt_control_announce(void) {
  uint8_t payload[4u * RT_BUS_MAX_SERVICES];
  uint32_t count;
  const uint32_t *classes = rt_devices_own(&count);
  if (control.restarts < ANNOUNCE_RESTARTS_MAX) control.restarts++;
  rt_bus_store32(payload, control.restarts | ANNOUNCE_ACK);
  for (uint32_t i = 1; i < count; i++) rt_bus_store32(payload + 4u * i, classes[i]);
  reply(COMMAND_ANNOUNCE, payload, 4u * count);
}

static void show_light(uint32_t on) {
  if (rt_board.led_pin == RT_BOARD_NO_PIN) return;
  rt_hal_pin_write(rt_board.led_pin, on ^ (rt_board.led_is_active_low != 0));
}

static void identify(void) {
  if (rt_board.led_pin == RT_BOARD_NO_PIN) return;
  rt_hal_pin_mode(rt_board.led_pin, RT_HAL_PIN_OUTPUT);
  control.blink_steps = BLINK_STEPS;
  control.blink_at_us = rt_bus_now_us();
}

static void read_register(const rt_packet_t *packet) {
  uint8_t number[8];
  const char *version = RT_VERSION;
  switch (packet->command & 0xfffu) {
    case REGISTER_RESET_IN:
      rt_bus_store32(number, control.reset_at_us == UINT64_MAX
                                 ? 0
                                 : (uint32_t)(control.reset_at_us - rt_bus_now_us()));
      reply(packet->command, number, 4);
      return;
    case REGISTER_DESCRIPTION:
      reply(packet->command, rt_board.name, rt_bus_text_bytes(rt_board.name));
      return;
    case REGISTER_PRODUCT:
    case REGISTER_BOOTLOADER_PRODUCT:
      rt_bus_store32(number, rt_board.product_id);
      reply(packet->command, number, 4);
      return;
    case REGISTER_FIRMWARE_VERSION:
      reply(packet->command, version, rt_bus_text_bytes(version));
      return;
    case REGISTER_UPTIME:
      rt_bus_store64(number, rt_hal_now_us());
      reply(packet->command, number, 8);
      return;
    default:
      rt_bus_not_implemented(packet);
  }
}

static void write_register(const rt_packet_t *packet) {
  if (packet->command != (RT_COMMAND_SET | REGISTER_RESET_IN) || packet->size < 4) {
    rt_bus_not_implemented(packet);
    return;
  }
  const uint32_t delay_us = rt_bus_load32(packet->payload);
  control.reset_at_us = delay_us == 0 ? UINT64_MAX : rt_bus_now_us() + delay_us;
}

void rt_control_reset_soon(void) { control.reset_at_us = rt_bus_now_us() + RESET_DELAY_US; }

void rt_control_command(const rt_packet_t *packet) {
  if ((packet->command & 0xf000u) == RT_COMMAND_GET) {
    read_register(packet);
    return;
  }
  if ((packet->command & 0xf000u) == RT_COMMAND_SET) {
    if (!rt_bus_is_locked_out(packet)) write_register(packet);
    return;
  }
  switch (packet->command) {
    case COMMAND_ANNOUNCE:
      rt_control_announce();
      return;
    case COMMAND_NOOP:
    case COMMAND_STATUS_LIGHT: /* the light is the script's */
      return;
    case COMMAND_IDENTIFY:
      identify();
      return;
    case COMMAND_RESET:
      if (rt_bus_is_locked_out(packet))
        rt_bus_not_implemented(packet);
      else
        rt_control_reset_soon();
      return;
    default:
      rt_bus_not_implemented(packet);
  }
}

uint64_t rt_control_poll(uint64_t now_us) {
  if (control.reset_at_us <= now_us) rt_hal_reset();
  if (control.blink_at_us <= now_us) {
    control.blink_steps--;
    show_light(control.blink_steps & 1u);
    control.blink_at_us = control.blink_steps == 0 ? UINT64_MAX : now_us + BLINK_US;
  }
  return control.reset_at_us < control.blink_at_us ? control.reset_at_us : control.blink_at_us;
}
