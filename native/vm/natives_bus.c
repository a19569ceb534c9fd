#include "hal/board.h"
#include "hal/hal.h"
#include "vm/role_internal.h"

/* I2C, SPI and light strips; and what of ds has no meaning on these boards. */

/* ---- I2C ---- */

#define I2C_OK 0
#define I2C_NO_ANSWER 1
#define I2C_NONE 3
#define I2C_ADDRESS_MAX 0x7fu

/* Bytes of a buffer, string or nothing. RT_OK, or an error pending. */
static rt_status_t bytes_of(rt_value_t value, uint8_t **bytes, uint32_t *size, uint32_t *writable) {
  *bytes = NULL;
  *size = *writable = 0;
  if (value == RT_UNDEFINED || value == RT_NULL) return RT_OK;
  *bytes = rt_bytes_of(value, size, writable);
  if (*bytes != NULL) return RT_OK;
  rt_throw_expecting("buffer", value);
  return RT_ERROR_ARGUMENT;
}

static rt_status_t read_into(rt_value_t value, uint8_t **bytes, uint32_t *size) {
  uint32_t writable;
  if (bytes_of(value, bytes, size, &writable) != RT_OK) return RT_ERROR_ARGUMENT;
  if (*bytes == NULL || writable) return RT_OK;
  rt_throw_expecting("mutable buffer", value);
  return RT_ERROR_ARGUMENT;
}

/* i2cTransaction(address, written, read): 0, or why not (I2CStatus of the service's spec). */
rt_value_t rt_native_ds_i2c_transaction(rt_call_t *call) {
  uint8_t *from, *to;
  uint32_t from_bytes, to_bytes, writable;
  if (rt_board.i2c_sda_pin == RT_BOARD_NO_PIN || rt_board.i2c_scl_pin == RT_BOARD_NO_PIN) {
    return rt_throw_type_error("I2C not supported (yet)");
  }
  const uint32_t address = (uint32_t)rt_to_int32(call->arguments[0]);
  if (address > I2C_ADDRESS_MAX) return rt_throw_range_error("invalid i2c address");
  if (bytes_of(call->arguments[1], &from, &from_bytes, &writable) != RT_OK ||
      read_into(call->arguments[2], &to, &to_bytes) != RT_OK) {
    return RT_UNDEFINED;
  }
  const rt_status_t status = rt_hal_i2c_transfer((uint8_t)address, from, from_bytes, to, to_bytes);
  if (status == RT_OK) return RT_INT(I2C_OK);
  return RT_INT(status == RT_ERROR_EMPTY ? I2C_NO_ANSWER : I2C_NONE);
}

/* ---- SPI ---- */

static uint8_t pin_number(rt_value_t value) {
  const int32_t pin = rt_to_int32(value);
  return pin < 0 || pin >= (int32_t)RT_BOARD_NO_PIN ? RT_BOARD_NO_PIN : (uint8_t)pin;
}

#define SPI_MODES 4

rt_value_t rt_native_ds_spi_configure(rt_call_t *call) {
  const int32_t mode = rt_to_int32(call->arguments[3]);
  const int32_t hz = rt_to_int32(call->arguments[4]);
  if (mode < 0 || mode >= SPI_MODES || hz <= 0) return rt_throw_range_error("invalid SPI mode");
  const rt_hal_spi_config_t config = {
      .miso = pin_number(call->arguments[0]),
      .mosi = pin_number(call->arguments[1]),
      .sck = pin_number(call->arguments[2]),
      .mode = (uint8_t)mode,
      .hz = (uint32_t)hz,
  };
  if (rt_hal_spi_configure(&config) == RT_OK) return RT_UNDEFINED;
  return rt_throw_type_error("SPI not supported (yet)");
}

rt_value_t rt_native_ds_spi_xfer(rt_call_t *call) {
  uint8_t *from, *to;
  uint32_t from_bytes, to_bytes, writable;
  if (bytes_of(call->arguments[0], &from, &from_bytes, &writable) != RT_OK ||
      read_into(call->arguments[1], &to, &to_bytes) != RT_OK) {
    return RT_UNDEFINED;
  }
  if (from != NULL && to != NULL && from_bytes != to_bytes) {
    return rt_throw_range_error("spiXfer buffers differ in size");
  }
  const uint32_t bytes = from != NULL ? from_bytes : to_bytes;
  if (rt_hal_spi_transfer(from, to, bytes) == RT_OK) return RT_UNDEFINED;
  return rt_throw_type_error("SPI not supported (yet)");
}

/* ---- Light strips ---- */

rt_value_t rt_native_ds_led_strip_send(rt_call_t *call) {
  uint8_t *bytes;
  uint32_t size, writable;
  if (bytes_of(call->arguments[1], &bytes, &size, &writable) != RT_OK) return RT_UNDEFINED;
  if (rt_hal_led_strip_send(pin_number(call->arguments[0]), bytes, size) == RT_OK) {
    return RT_UNDEFINED;
  }
  return rt_throw_type_error("ledStripSend not supported (yet)");
}

/* ---- Not on these boards ---- */

rt_value_t rt_native_ds_spi_send_image(rt_call_t *call) {
  (void)call;
  return rt_throw_type_error("spiSendImage not supported (yet)");
}

rt_value_t rt_native_ds_socket_open(rt_call_t *call) {
  (void)call;
  return rt_throw_type_error("sockets not supported (yet)");
}

rt_value_t rt_native_ds_socket_close(rt_call_t *call) { return rt_native_ds_socket_open(call); }

rt_value_t rt_native_ds_socket_write(rt_call_t *call) { return rt_native_ds_socket_open(call); }

/* A message for the twin in a dashboard: there is none to get it. */
rt_value_t rt_native_ds_twin_message(rt_call_t *call) {
  (void)call;
  return RT_UNDEFINED;
}
