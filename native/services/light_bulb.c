/* Jacdac's light bulb service (jacdac-spec/services/lightbulb.md) on the board's LED. */
#include "hal/hal.h"
#include "services/service.h"

#define SERVICE_CLASS 0x1cab054cu
#define REG_BRIGHTNESS 0x001u
#define REG_DIMMABLE 0x180u

static uint16_t brightness;
static uint8_t dimmable = 1;

static void show(void) {
  const uint16_t duty = rt_board.led_is_active_low ? (uint16_t)~brightness : brightness;
  rt_hal_pwm_write(rt_board.led_pin, duty);
}

static void reset(rt_service_t *service) {
  (void)service;
  brightness = 0;
  show();
}

static rt_status_t init(rt_service_t *service) {
  if (rt_board.led_pin == RT_BOARD_NO_PIN) return RT_ERROR_ARGUMENT;
  reset(service);
  return RT_OK;
}

static void written(rt_service_t *service, uint16_t code) {
  (void)service;
  (void)code;
  show();
}

static const rt_service_register_t table[] = {
    {REG_BRIGHTNESS, 2, RT_REGISTER_READ | RT_REGISTER_WRITE, &brightness},
    {REG_DIMMABLE, 1, RT_REGISTER_READ, &dimmable},
};

const rt_service_module_t rt_module_light_bulb = {
    .service_class = SERVICE_CLASS,
    .name = "light_bulb",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .init = init,
    .reset = reset,
    .written = written,
};
