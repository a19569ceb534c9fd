/* The pins of a Raspberry Pi Pico; no native modules, so that scripts find what they find in the
 * official simulator. */
#include "hal/board.h"

#include "services/service.h"
#include "store/trust.h"

#define PIN(number) \
  { "GP" #number, number }

static const rt_board_pin_t board_pins[] = {
    PIN(2),  PIN(3),  PIN(4),  PIN(5),  PIN(6),  PIN(7),  PIN(14),
    PIN(15), PIN(16), PIN(17), PIN(18), PIN(26), PIN(27), PIN(28),
};

const rt_board_t rt_board = {
    .name = "host",
    .product_id = 0x3f6e1f0du,
    .clock_hz = 125000000u,
    .led_pin = 25,
    .button_pin = 15,
    .microphone_pin = 26,
    .led_is_active_low = 0,
    .i2c_sda_pin = 4,
    .i2c_scl_pin = 5,
    .uart_tx_pin = 0,
    .uart_rx_pin = 1,
    .i2c_hz = 100000u,
    .uart_baud = 115200u,
    .program_offset = 0x100000u,
    .program_bytes = 0x20000u,
    .store_offset = 0x1e0000u,
    .store_bytes = 0x20000u,
    .pin_count = sizeof board_pins / sizeof board_pins[0],
    .pins = board_pins,
    .active_microwatts = 79200u,
    .listening_microwatts = 29700u,
    .sleep_microwatts = 4290u,
};

const rt_service_module_t *const rt_service_modules[] = {NULL};
const uint16_t rt_service_module_count = 0;

const rt_trust_setup_t *rt_trust_setup(void) {
  static const rt_trust_setup_t setup = {.verify = rt_ed25519_verify};
  return &setup;
}
