/*
 * I2C master, polled. One bus: the board's pins.
 */
#include "hal/board.h"
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

#define CON_MASTER_FAST ((1u << 0) | (2u << 1) | (1u << 5) | (1u << 6) | (1u << 8))
#define DATA_READ (1u << 8)
#define DATA_STOP (1u << 9)
#define DATA_RESTART (1u << 10)
#define STATUS_TX_NOT_FULL (1u << 1)
#define INTR_TX_ABORT (1u << 6)
#define INTR_STOP (1u << 9)
#define NO_ACKNOWLEDGE 0x0fu
/* Longest time without progress: a device that holds the clock for ever must not hold us. */
#define TIMEOUT_US 25000u

static struct {
  uint32_t base; /* 0: not set up */
} i2c;

static rt_status_t set_up(void) {
  if (rt_board.i2c_sda_pin == RT_BOARD_NO_PIN || rt_board.i2c_scl_pin == RT_BOARD_NO_PIN) {
    return RT_ERROR_STATE;
  }
  const uint32_t port = (rt_board.i2c_sda_pin >> 1) & 1u;
  const uint32_t hz = rt_board.i2c_hz != 0 ? rt_board.i2c_hz : 100000u;
  const uint32_t period = (rt_board.clock_hz + hz / 2) / hz;
  i2c.base = I2C_BASE(port);
  rt_rp2040_reset_blocks(RESET_I2C0 << port);
  RT_REGISTER(i2c.base + IC_ENABLE) = 0;
  RT_REGISTER(i2c.base + IC_CON) = CON_MASTER_FAST;
  /* 60 % low, 40 % high, as the standard's fast mode asks. */
  RT_REGISTER(i2c.base + IC_FS_SCL_HCNT) = period * 2 / 5;
  RT_REGISTER(i2c.base + IC_FS_SCL_LCNT) = period - period * 2 / 5;
  RT_REGISTER(i2c.base + IC_FS_SPKLEN) = 7;
  /* Data changes 300 ns after the clock falls. */
  RT_REGISTER(i2c.base + IC_SDA_HOLD) = rt_board.clock_hz / 1000000u * 3u / 10u;
  const uint32_t pad = PAD_INPUT_ENABLE | PAD_PULL_UP;
  rt_rp2040_pin_function(rt_board.i2c_sda_pin, FUNCTION_I2C, pad);
  rt_rp2040_pin_function(rt_board.i2c_scl_pin, FUNCTION_I2C, pad);
  return RT_OK;
}

/* Waits for `bits` at `offset`; an abort or too long a wait ends it. */
static rt_status_t wait_for(uint32_t offset, uint32_t bits) {
  const uint64_t end_us = rt_hal_now_us() + TIMEOUT_US;
  for (;;) {
    if ((RT_REGISTER(i2c.base + IC_RAW_INTR_STAT) & INTR_TX_ABORT) != 0) {
      const uint32_t source = RT_REGISTER(i2c.base + IC_TX_ABRT_SOURCE);
      (void)RT_REGISTER(i2c.base + IC_CLR_TX_ABRT);
      return (source & NO_ACKNOWLEDGE) != 0 ? RT_ERROR_EMPTY : RT_ERROR_STATE;
    }
    if ((RT_REGISTER(i2c.base + offset) & bits) != 0) return RT_OK;
    if (rt_hal_now_us() > end_us) return RT_ERROR_STATE;
  }
}

static rt_status_t send(uint32_t word) {
  const rt_status_t status = wait_for(IC_STATUS, STATUS_TX_NOT_FULL);
  if (status == RT_OK) RT_REGISTER(i2c.base + IC_DATA_CMD) = word;
  return status;
}

static rt_status_t read_bytes(uint8_t *read, size_t count, uint32_t is_after_write) {
  for (size_t i = 0; i < count; i++) {
    uint32_t word = DATA_READ;
    if (i == 0 && is_after_write) word |= DATA_RESTART;
    if (i + 1 == count) word |= DATA_STOP;
    rt_status_t status = send(word);
    if (status == RT_OK) status = wait_for(IC_RXFLR, 0xffu);
    if (status != RT_OK) return status;
    read[i] = (uint8_t)RT_REGISTER(i2c.base + IC_DATA_CMD);
  }
  return RT_OK;
}

static rt_status_t transfer(const uint8_t *write, size_t write_bytes, uint8_t *read,
                            size_t read_count) {
  for (size_t i = 0; i < write_bytes; i++) {
    const uint32_t is_last = i + 1 == write_bytes && read_count == 0;
    const rt_status_t status = send(write[i] | (is_last ? DATA_STOP : 0));
    if (status != RT_OK) return status;
  }
  const rt_status_t status = read_bytes(read, read_count, write_bytes > 0);
  return status == RT_OK ? wait_for(IC_RAW_INTR_STAT, INTR_STOP) : status;
}

rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_count) {
  if (address > 0x7f || (write_bytes == 0 && read_count == 0)) return RT_ERROR_ARGUMENT;
  if (i2c.base == 0) {
    const rt_status_t status = set_up();
    if (status != RT_OK) return status;
  }
  RT_REGISTER(i2c.base + IC_ENABLE) = 0;
  RT_REGISTER(i2c.base + IC_TAR) = address;
  RT_REGISTER(i2c.base + IC_ENABLE) = 1;
  (void)RT_REGISTER(i2c.base + IC_CLR_STOP_DET);
  (void)RT_REGISTER(i2c.base + IC_CLR_TX_ABRT);
  return transfer(write, write_bytes, read, read_count);
}
