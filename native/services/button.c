/*
 * Jacdac's button service (jacdac-spec/services/button.md) on the board's button: a switch to
 * ground, pulled up. Events down, up and, while it is held, hold.
 */
#include "hal/hal.h"
#include "services/service.h"

#define SERVICE_CLASS 0x1473a263u
#define REG_PRESSURE 0x101u
#define REG_ANALOG 0x180u
#define EVENT_DOWN 0x01u
#define EVENT_UP 0x02u
#define EVENT_HOLD 0x81u

#define LOOK_US 20000u   /* between two looks at the pin */
#define BOUNCE_US 10000u /* a new level must last this long */
#define HOLD_US 500000u

static struct {
  uint16_t pressure;
  uint8_t analog;
  rt_service_stream_t stream;
  uint64_t change_us; /* when the pin first had another level than `pressure` says; 0: it has not */
  uint64_t down_us, hold_us;
} button;

static uint8_t is_down(void) { return button.pressure != 0; }

static void send_time(rt_service_t *service, uint8_t event, uint64_t until_us) {
  const uint32_t milliseconds = (uint32_t)((until_us - button.down_us + 500u) / 1000u);
  rt_service_event(service, event, &milliseconds, sizeof milliseconds);
}

static void change(rt_service_t *service) {
  if (is_down()) {
    button.pressure = 0;
    send_time(service, EVENT_UP, button.change_us);
  } else {
    button.pressure = UINT16_MAX;
    button.down_us = button.change_us;
    button.hold_us = button.down_us + HOLD_US;
    rt_service_event(service, EVENT_DOWN, NULL, 0);
  }
  button.change_us = 0;
}

static uint64_t look(rt_service_t *service, uint64_t now_us) {
  const uint8_t level = rt_hal_pin_read(rt_board.button_pin) == 0;
  if (level == is_down()) {
    button.change_us = 0;
  } else if (button.change_us == 0) {
    button.change_us = now_us;
    return now_us + BOUNCE_US;
  } else if (now_us - button.change_us >= BOUNCE_US) {
    change(service);
  }
  if (is_down() && now_us >= button.hold_us) {
    send_time(service, EVENT_HOLD, now_us);
    button.hold_us = now_us + HOLD_US;
  }
  return button.change_us == 0 ? now_us + LOOK_US : button.change_us + BOUNCE_US;
}

static uint64_t poll(rt_service_t *service, uint64_t now_us) {
  const uint64_t look_us = look(service, now_us);
  const uint64_t stream_us = rt_service_stream_poll(service, &button.stream, REG_PRESSURE, now_us);
  return look_us < stream_us ? look_us : stream_us;
}

static void reset(rt_service_t *service) {
  (void)service;
  button.stream = (rt_service_stream_t){.interval_ms = 50};
}

static rt_status_t init(rt_service_t *service) {
  button.pressure = 0;
  button.change_us = 0;
  reset(service);
  if (rt_board.button_pin == RT_BOARD_NO_PIN) return RT_ERROR_ARGUMENT;
  return rt_hal_pin_mode(rt_board.button_pin, RT_HAL_PIN_INPUT_PULL_UP);
}

static const rt_service_register_t table[] = {
    {REG_PRESSURE, 2, RT_REGISTER_READ, &button.pressure},
    {REG_ANALOG, 1, RT_REGISTER_READ, &button.analog},
    {RT_REGISTER_STREAMING_SAMPLES, 1, RT_REGISTER_READ | RT_REGISTER_WRITE,
     &button.stream.samples},
    {RT_REGISTER_STREAMING_INTERVAL, 4, RT_REGISTER_READ | RT_REGISTER_WRITE,
     &button.stream.interval_ms},
};

const rt_service_module_t rt_module_button = {
    .service_class = SERVICE_CLASS,
    .name = "button",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .init = init,
    .reset = reset,
    .poll = poll,
};
