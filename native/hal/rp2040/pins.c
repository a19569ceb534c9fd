/*
 * Pins: digital, PWM, and edges that end a sleep.
 */
#include "hal/board.h"
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

#define PIN_COUNT 30u
/* Pins of RP2040 boards that carry nothing but a person's finger are watched besides the inputs. */
static struct {
  uint32_t inputs; /* bit per pin */
  uint8_t pwm_is_running;
} pins;

void rt_rp2040_pins_init(void) {
  pins.inputs = 0;
  if (rt_board.button_pin < PIN_COUNT)
    rt_hal_pin_mode(rt_board.button_pin, RT_HAL_PIN_INPUT_PULL_UP);
  rt_rp2040_enable_irq(IRQ_IO_BANK0);
}

void rt_rp2040_pin_function(uint32_t pin, uint32_t function, uint32_t pad) {
  RT_REGISTER(PADS_GPIO(pin)) = pad | PAD_SCHMITT | PAD_4MA;
  RT_REGISTER(GPIO_CTRL(pin)) = function;
}

static uint32_t pad_of(rt_hal_pin_mode_t mode) {
  switch (mode) {
    case RT_HAL_PIN_OUTPUT:
    case RT_HAL_PIN_INPUT:
      return PAD_INPUT_ENABLE;
    case RT_HAL_PIN_INPUT_PULL_UP:
      return PAD_INPUT_ENABLE | PAD_PULL_UP;
    case RT_HAL_PIN_INPUT_PULL_DOWN:
      return PAD_INPUT_ENABLE | PAD_PULL_DOWN;
    default:
      return PAD_OUTPUT_DISABLE;
  }
}

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  if (pin >= PIN_COUNT || (uint32_t)mode > RT_HAL_PIN_INPUT_PULL_DOWN) return RT_ERROR_ARGUMENT;
  const uint32_t bit = 1u << pin;
  RT_REGISTER(mode == RT_HAL_PIN_OUTPUT ? SIO_GPIO_OE_SET : SIO_GPIO_OE_CLR) = bit;
  rt_rp2040_pin_function(pin, mode == RT_HAL_PIN_OFF ? FUNCTION_NONE : FUNCTION_SIO, pad_of(mode));
  pins.inputs &= ~bit;
  if (mode >= RT_HAL_PIN_INPUT) pins.inputs |= bit;
  return RT_OK;
}

void rt_hal_pin_write(uint8_t pin, uint32_t level) {
  if (pin >= PIN_COUNT) return;
  RT_REGISTER(level ? SIO_GPIO_OUT_SET : SIO_GPIO_OUT_CLR) = 1u << pin;
}

uint32_t rt_hal_pin_read(uint8_t pin) {
  return pin < PIN_COUNT ? (RT_REGISTER(SIO_GPIO_IN) >> pin) & 1u : 0;
}

rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  if (pin >= PIN_COUNT) return RT_ERROR_ARGUMENT;
  if (!pins.pwm_is_running) {
    rt_rp2040_reset_blocks(RESET_PWM);
    pins.pwm_is_running = 1;
  }
  const uint32_t slice = (pin >> 1) & 7u;
  const uint32_t shift = (pin & 1u) * 16u;
  /* A duty of 65,535 is always on: the counter runs one short of it. */
  RT_REGISTER(PWM_TOP(slice)) = 65534u;
  RT_REGISTER(PWM_DIV(slice)) = 1u << 4;
  const uint32_t other = RT_REGISTER(PWM_CC(slice)) & (0xffff0000u >> shift);
  RT_REGISTER(PWM_CC(slice)) = other | ((uint32_t)duty << shift);
  RT_REGISTER(PWM_CSR(slice)) = 1;
  rt_rp2040_pin_function(pin, FUNCTION_PWM, PAD_INPUT_ENABLE);
  pins.inputs &= ~(1u << pin);
  return RT_OK;
}

uint32_t rt_rp2040_pins_watched(void) { return pins.inputs; }

/* Eight pins share a register, four bits each. */
static uint32_t edges_of(uint32_t group) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < 8; i++) {
    if ((pins.inputs >> (8 * group + i)) & 1u) bits |= GPIO_EDGES << (4 * i);
  }
  return bits;
}

void rt_rp2040_pins_watch(uint32_t is_dormant) {
  for (uint32_t group = 0; group < 4; group++) {
    const uint32_t edges = edges_of(group);
    if (edges == 0) continue;
    /* Edges that came while the program ran, it can have seen. */
    RT_REGISTER(IO_INTR(group)) = edges;
    RT_REGISTER(IO_PROC0_INTE(group)) = edges;
    if (is_dormant) RT_REGISTER(IO_DORMANT_INTE(group)) = edges;
  }
}

void rt_rp2040_pins_unwatch(void) {
  for (uint32_t group = 0; group < 4; group++) {
    const uint32_t edges = edges_of(group);
    if (edges == 0) continue;
    RT_REGISTER(IO_PROC0_INTE(group)) = 0;
    RT_REGISTER(IO_DORMANT_INTE(group)) = 0;
  }
}

void rt_rp2040_pins_interrupt(void) {
  rt_rp2040_pins_unwatch();
  rt_rp2040_has_event = 1;
}
