/*
 * A board as data. The build writes one rt_board from boards/NAME.board.json (compiler/ does), and
 * the simulator fills it in at start.
 */
#ifndef RT_HAL_BOARD_H
#define RT_HAL_BOARD_H

#include <stdint.h>

#define RT_BOARD_NO_PIN 255u

typedef struct {
  /* As DeviceScript's pin name, for example "GP26" (or "P26" by number), and the chip's number. */
  const char *name;
  uint8_t pin;
} rt_board_pin_t;

typedef struct {
  const char *name;    /* device name, at most 32 bytes */
  uint32_t product_id; /* Jacdac product identifier */
  uint32_t clock_hz;

  uint8_t led_pin, button_pin, microphone_pin; /* RT_BOARD_NO_PIN: the board has none */
  uint8_t led_is_active_low;
  uint8_t i2c_sda_pin, i2c_scl_pin;
  uint8_t uart_tx_pin, uart_rx_pin;
  uint32_t i2c_hz, uart_baud;

  /* Flash regions, multiples of the sector: the deployed program, and what scripts save. */
  uint32_t program_offset, program_bytes;
  uint32_t store_offset, store_bytes;

  uint16_t pin_count;
  const rt_board_pin_t *pins;

  /* Power drawn at the supply, for energy figures. */
  uint32_t active_microwatts, listening_microwatts, sleep_microwatts;
} rt_board_t;

extern const rt_board_t rt_board;

#endif
