/*
 * SPI master, polled.
 */
#include "hal/board.h"
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

static struct {
  uint32_t base; /* 0: not configured */
} spi;

#define CR0_8_BITS 7u
#define CR1_ENABLE 2u
#define PIN_COUNT 30u

/* All pins of one port; which, bit 3 of their number says. */
static uint32_t port_of(const rt_hal_spi_config_t *config) { return (config->sck >> 3) & 1u; }

/* Roles repeat every four pins: receive, select, clock, send. */
static uint32_t fits(uint8_t pin, uint32_t role, uint32_t port) {
  if (pin == RT_BOARD_NO_PIN) return 1;
  return pin < PIN_COUNT && (pin & 3u) == role && ((pin >> 3) & 1u) == port;
}

static void set_rate(uint32_t hz, uint32_t mode) {
  uint32_t prescale = 2;
  while (prescale < 254 && rt_board.clock_hz / prescale > hz * 256u) prescale += 2;
  uint32_t divider = (rt_board.clock_hz / prescale + hz - 1) / hz;
  if (divider > 256) divider = 256;
  if (divider == 0) divider = 1;
  RT_REGISTER(spi.base + SPI_CPSR) = prescale;
  const uint32_t phase = mode & 1u;
  const uint32_t polarity = mode >> 1;
  RT_REGISTER(spi.base + SPI_CR0) =
      CR0_8_BITS | (polarity << 6) | (phase << 7) | ((divider - 1) << 8);
}

rt_status_t rt_hal_spi_configure(const rt_hal_spi_config_t *config) {
  if (config->mode > 3 || config->hz == 0 || config->sck >= PIN_COUNT) return RT_ERROR_ARGUMENT;
  const uint32_t port = port_of(config);
  if (!fits(config->miso, 0, port) || !fits(config->sck, 2, port) || !fits(config->mosi, 3, port)) {
    return RT_ERROR_ARGUMENT;
  }
  spi.base = SPI_BASE(port);
  rt_rp2040_reset_blocks(RESET_SPI0 << port);
  set_rate(config->hz > 16000000u ? 16000000u : config->hz, config->mode);
  RT_REGISTER(spi.base + SPI_CR1) = CR1_ENABLE;
  const uint8_t pins[] = {config->miso, config->mosi, config->sck};
  for (uint32_t i = 0; i < 3; i++) {
    if (pins[i] == RT_BOARD_NO_PIN) continue;
    rt_rp2040_pin_function(pins[i], FUNCTION_SPI, PAD_INPUT_ENABLE);
  }
  return RT_OK;
}

rt_status_t rt_hal_spi_transfer(const uint8_t *write, uint8_t *read, size_t bytes) {
  if (spi.base == 0) return RT_ERROR_STATE;
  /* Never more under way than the receiving FIFO holds, or bytes are lost. */
  size_t sent = 0;
  size_t received = 0;
  while (received < bytes) {
    const uint32_t status = RT_REGISTER(spi.base + SPI_SR);
    if (sent < bytes && sent - received < 8 && (status & SPI_SR_TNF) != 0) {
      RT_REGISTER(spi.base + SPI_DR) = write != NULL ? write[sent] : 0;
      sent++;
    }
    if ((status & SPI_SR_RNE) != 0) {
      const uint8_t byte = (uint8_t)RT_REGISTER(spi.base + SPI_DR);
      if (read != NULL) read[received] = byte;
      received++;
    }
  }
  return RT_OK;
}
