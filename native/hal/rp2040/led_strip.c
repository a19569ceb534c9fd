/*
 * WS2812 strips: a state machine of PIO0 makes the pulses, ten cycles of 8 MHz a bit, so that
 * interrupts may come in between; the processor keeps its FIFO filled.
 */
#include "hal/board.h"
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

#define PIN_COUNT 30u
#define BIT_HZ 800000u
#define CYCLES_PER_BIT 10u
/* Low for so long, the strip shows what it got. */
#define LATCH_US 80u

/*
 * Side-set bit drives the pin. Low 3 cycles while the bit is taken, high 2, then as the bit says
 * for 5 cycles.
 */
static const uint16_t program[4] = {
    0x6221, /* out x, 1       side 0 [2] */
    0x1123, /* jmp !x, 3      side 1 [1] */
    0x1400, /* jmp 0          side 1 [4] */
    0xa442, /* nop            side 0 [4] */
};

#define EXECCTRL_WRAP_AT_3 (3u << 12)
#define SHIFTCTRL_LEFT_8_JOIN ((1u << 17) | (8u << 25) | (1u << 30))
#define PINCTRL_SIDE_1 (1u << 29)
#define PINCTRL_SET_1 (1u << 26)
#define INSTRUCTION_SET_PIN_OUTPUT 0xe081u
#define INSTRUCTION_OUT_NULL_32 0x6060u
#define INSTRUCTION_JUMP_0 0x0000u

static void start(uint32_t pin) {
  rt_rp2040_reset_blocks(RESET_PIO0);
  for (uint32_t i = 0; i < 4; i++) RT_REGISTER(PIO_INSTR_MEM(i)) = program[i];
  /* 16.8 fixed point in the upper 24 bits. */
  const uint32_t divider =
      (uint32_t)(((uint64_t)rt_board.clock_hz << 8) / (BIT_HZ * CYCLES_PER_BIT));
  RT_REGISTER(PIO_SM0_CLKDIV) = divider << 8;
  RT_REGISTER(PIO_SM0_EXECCTRL) = EXECCTRL_WRAP_AT_3;
  /* Nothing is left to shift out, so that the first bit waits for the first byte. */
  RT_REGISTER(PIO_SM0_INSTR) = INSTRUCTION_OUT_NULL_32;
  RT_REGISTER(PIO_SM0_SHIFTCTRL) = SHIFTCTRL_LEFT_8_JOIN;
  RT_REGISTER(PIO_SM0_PINCTRL) = PINCTRL_SET_1 | (pin << 5);
  RT_REGISTER(PIO_SM0_INSTR) = INSTRUCTION_SET_PIN_OUTPUT;
  RT_REGISTER(PIO_SM0_PINCTRL) = PINCTRL_SIDE_1 | (pin << 10);
  RT_REGISTER(PIO_SM0_INSTR) = INSTRUCTION_JUMP_0;
  rt_rp2040_pin_function(pin, FUNCTION_PIO0, PAD_INPUT_ENABLE);
  RT_SET_BITS(PIO_CTRL) = 1;
}

rt_status_t rt_hal_led_strip_send(uint8_t pin, const uint8_t *bytes, size_t size) {
  if (pin >= PIN_COUNT) return RT_ERROR_ARGUMENT;
  if (size == 0) return RT_OK;
  start(pin);
  for (size_t i = 0; i < size; i++) {
    while ((RT_REGISTER(PIO_FSTAT) & PIO_FSTAT_TXFULL0) != 0) {
    }
    RT_REGISTER(PIO_TXF0) = (uint32_t)bytes[i] << 24;
  }
  RT_REGISTER(PIO_FDEBUG) = PIO_FDEBUG_TXSTALL0;
  while ((RT_REGISTER(PIO_FDEBUG) & PIO_FDEBUG_TXSTALL0) == 0) {
  }
  RT_CLEAR_BITS(PIO_CTRL) = 1;
  const uint64_t end_us = rt_hal_now_us() + LATCH_US;
  while (rt_hal_now_us() < end_us) {
  }
  return RT_OK;
}
