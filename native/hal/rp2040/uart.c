/*
 * The UART link: interrupts move bytes between the port's FIFOs and two rings.
 */
#include "hal/board.h"
#include "hal/hal.h"
#include "hal/rp2040/ring.h"
#include "hal/rp2040/rp2040.h"

static struct {
  uint32_t base; /* 0: the board has no UART pins */
  rt_rp2040_ring_t in, out;
} uart;
static uint8_t in_bytes[256], out_bytes[512];

#define LCR_8_BITS_FIFO 0x70u
#define CR_ENABLE_TX_RX 0x301u

/* Tx pins of UART0 are 0, 12, 16, 28; of UART1 4, 8, 20, 24. */
static uint32_t port_of(uint32_t tx_pin) { return ((tx_pin + 4u) >> 3) & 1u; }

static void set_baud(uint32_t base, uint32_t baud) {
  /* Divisor in 64ths, rounded. */
  const uint32_t divisor = (rt_board.clock_hz * 4u + baud / 2) / baud;
  RT_REGISTER(base + UART_IBRD) = divisor >> 6;
  RT_REGISTER(base + UART_FBRD) = divisor & 63u;
  RT_REGISTER(base + UART_LCR_H) = LCR_8_BITS_FIFO;
}

void rt_rp2040_uart_init(void) {
  if (rt_board.uart_tx_pin == RT_BOARD_NO_PIN || rt_board.uart_baud == 0) return;
  const uint32_t port = port_of(rt_board.uart_tx_pin);
  uart.base = UART_BASE(port);
  rt_rp2040_ring_init(&uart.in, in_bytes, sizeof in_bytes);
  rt_rp2040_ring_init(&uart.out, out_bytes, sizeof out_bytes);
  rt_rp2040_reset_blocks(RESET_UART0 << port);
  set_baud(uart.base, rt_board.uart_baud);
  RT_REGISTER(uart.base + UART_CR) = CR_ENABLE_TX_RX;
  rt_rp2040_pin_function(rt_board.uart_tx_pin, FUNCTION_UART, 0);
  if (rt_board.uart_rx_pin != RT_BOARD_NO_PIN) {
    rt_rp2040_pin_function(rt_board.uart_rx_pin, FUNCTION_UART, PAD_INPUT_ENABLE | PAD_PULL_UP);
    RT_REGISTER(uart.base + UART_IMSC) = UART_RXIM | UART_RTIM;
  }
  rt_rp2040_enable_irq(IRQ_UART0 + port);
}

/* Fills the port's FIFO. Asks for an interrupt only while there is more to send. */
static void send_more(void) {
  while (rt_rp2040_ring_count(&uart.out) > 0) {
    if ((RT_REGISTER(uart.base + UART_FR) & UART_FR_TXFF) != 0) {
      RT_SET_BITS(uart.base + UART_IMSC) = UART_TXIM;
      return;
    }
    uint8_t byte;
    rt_rp2040_ring_read(&uart.out, &byte, 1);
    RT_REGISTER(uart.base + UART_DR) = byte;
  }
  RT_CLEAR_BITS(uart.base + UART_IMSC) = UART_TXIM;
}

void rt_rp2040_uart_interrupt(void) {
  /* What does not fit is lost: without flow control there is nobody to ask to wait. */
  while ((RT_REGISTER(uart.base + UART_FR) & UART_FR_RXFE) == 0) {
    const uint8_t byte = (uint8_t)RT_REGISTER(uart.base + UART_DR);
    rt_rp2040_ring_write(&uart.in, &byte, 1);
    rt_rp2040_has_event = 1;
  }
  RT_REGISTER(uart.base + UART_ICR) = UART_RXIM | UART_RTIM | UART_TXIM;
  send_more();
}

size_t rt_rp2040_uart_read(uint8_t *bytes, size_t capacity) {
  return uart.base == 0 ? 0 : rt_rp2040_ring_read(&uart.in, bytes, capacity);
}

size_t rt_rp2040_uart_write(const uint8_t *bytes, size_t size) {
  if (uart.base == 0) return 0;
  const size_t taken = rt_rp2040_ring_write(&uart.out, bytes, size);
  const uint32_t lock = rt_rp2040_lock();
  send_more();
  rt_rp2040_unlock(lock);
  return taken;
}
