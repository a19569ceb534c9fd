#include "hal/board.h"
#include "hal/hal.h"
#include "vm/pin.h"
#include "vm/role_internal.h"

/* GPIO: pins of the board by name. The mode of a pin is what the script set last. */

#define MODE_OFF 0u
#define MODE_INPUT 1u
#define MODE_OUTPUT 2u
#define MODE_ANALOG 3u
#define MODE_BASE_MASK 0x0fu
#define MODE_UP 0x10u /* pull up, output high */
#define MODE_DOWN 0x20u

#define CAN_PULL_UP 1u
#define CAN_PULL_DOWN 2u
#define CAN_READ 4u
#define CAN_WRITE 8u
#define CAN_MEASURE 16u

/* Boards list no more pins than their chip has. */
#define PINS 64u
static uint8_t modes[PINS];

void rt_pins_reset(void) {
  for (uint32_t i = 0; i < PINS; i++) modes[i] = MODE_OFF;
}

uint32_t rt_pin_count(void) { return rt_board.pin_count < PINS ? rt_board.pin_count : PINS; }

static uint32_t is_name(const char *name, const char *text, uint32_t bytes) {
  uint32_t i = 0;
  while (i < bytes && name[i] != 0 && name[i] == text[i]) i++;
  return i == bytes && name[i] == 0;
}

rt_value_t rt_pin_find(rt_key_t key) {
  uint32_t bytes;
  const char *text = rt_string_text(rt_name_string(key), &bytes);
  for (uint32_t i = 0; i < rt_pin_count(); i++) {
    if (is_name(rt_board.pins[i].name, text, bytes)) return RT_MAKE(RT_TAG_PIN, i);
  }
  return RT_UNDEFINED;
}

const char *rt_pin_name(rt_value_t pin) { return rt_board.pins[RT_PAYLOAD(pin)].name; }

static rt_value_t name_value(rt_value_t pin) {
  const char *name = rt_pin_name(pin);
  uint32_t bytes = 0;
  while (name[bytes] != 0) bytes++;
  return rt_string_new(name, bytes);
}

int rt_pin_field(rt_value_t pin, rt_key_t key, rt_value_t *value) {
  if (key == RT_STR_gpio) {
    *value = RT_INT(rt_board.pins[RT_PAYLOAD(pin)].pin);
    return 1;
  }
  if (key == RT_STR_label) {
    *value = name_value(pin);
    return 1;
  }
  return 0;
}

/* The board's pin, NULL with an error pending when `value` is none. */
static const rt_board_pin_t *pin_of(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_PIN) return &rt_board.pins[RT_PAYLOAD(value)];
  rt_throw_expecting("pin", value);
  return NULL;
}

rt_value_t rt_native_gpio_mode(rt_call_t *call) {
  if (pin_of(call->receiver) == NULL) return RT_UNDEFINED;
  return RT_INT(modes[RT_PAYLOAD(call->receiver)]);
}

rt_value_t rt_native_gpio_capabilities(rt_call_t *call) {
  const rt_board_pin_t *pin = pin_of(call->receiver);
  if (pin == NULL) return RT_UNDEFINED;
  uint16_t value;
  const uint32_t can_measure = rt_hal_adc_read(pin->pin, &value) == RT_OK ? CAN_MEASURE : 0;
  return RT_INT(CAN_PULL_UP | CAN_PULL_DOWN | CAN_READ | CAN_WRITE | can_measure);
}

static rt_value_t read_analog(const rt_board_pin_t *pin) {
  uint16_t value;
  if (rt_hal_adc_read(pin->pin, &value) != RT_OK) return RT_UNDEFINED;
  return rt_value_number(value / 65535.0);
}

rt_value_t rt_native_gpio_value(rt_call_t *call) {
  const rt_board_pin_t *pin = pin_of(call->receiver);
  if (pin == NULL) return RT_UNDEFINED;
  switch (modes[RT_PAYLOAD(call->receiver)] & MODE_BASE_MASK) {
    case MODE_ANALOG:
      return read_analog(pin);
    case MODE_INPUT:
    case MODE_OUTPUT:
      return RT_INT(rt_hal_pin_read(pin->pin) != 0);
    default:
      return RT_UNDEFINED;
  }
}

static rt_status_t set_input(const rt_board_pin_t *pin, uint32_t mode) {
  if (mode & MODE_UP) return rt_hal_pin_mode(pin->pin, RT_HAL_PIN_INPUT_PULL_UP);
  if (mode & MODE_DOWN) return rt_hal_pin_mode(pin->pin, RT_HAL_PIN_INPUT_PULL_DOWN);
  return rt_hal_pin_mode(pin->pin, RT_HAL_PIN_INPUT);
}

static rt_status_t set_output(const rt_board_pin_t *pin, uint32_t mode, uint32_t was_output) {
  if (mode & (MODE_UP | MODE_DOWN)) rt_hal_pin_write(pin->pin, (mode & MODE_UP) != 0);
  if (was_output) return RT_OK;
  const rt_status_t status = rt_hal_pin_mode(pin->pin, RT_HAL_PIN_OUTPUT);
  if (mode & (MODE_UP | MODE_DOWN)) rt_hal_pin_write(pin->pin, (mode & MODE_UP) != 0);
  return status;
}

static rt_status_t set_mode(const rt_board_pin_t *pin, uint32_t mode, uint32_t was) {
  uint16_t value;
  switch (mode & MODE_BASE_MASK) {
    case MODE_OFF:
      return rt_hal_pin_mode(pin->pin, RT_HAL_PIN_OFF);
    case MODE_INPUT:
      return set_input(pin, mode);
    case MODE_OUTPUT:
      return set_output(pin, mode, (was & MODE_BASE_MASK) == MODE_OUTPUT);
    case MODE_ANALOG:
      return rt_hal_adc_read(pin->pin, &value);
    default:
      return RT_ERROR_ARGUMENT;
  }
}

rt_value_t rt_native_gpio_set_mode(rt_call_t *call) {
  const rt_board_pin_t *pin = pin_of(call->receiver);
  if (pin == NULL) return RT_UNDEFINED;
  const uint32_t mode = (uint32_t)rt_to_int32(call->arguments[0]) & 0xffu;
  uint8_t *present = &modes[RT_PAYLOAD(call->receiver)];
  if (set_mode(pin, mode, *present) != RT_OK) return rt_throw_range_error("invalid pin mode");
  *present = (uint8_t)mode;
  return RT_UNDEFINED;
}
