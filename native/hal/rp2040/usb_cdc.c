/*
 * What the host may read about this device: one configuration, a serial port (CDC ACM).
 *
 * The numbers are Raspberry Pi's for its SDK's serial port: DeviceScript's tools look for ports by
 * vendor (10c4, 303a, 1a86, 2e8a). A product that is sold needs numbers of its own
 * (docs/rp2040.md).
 */
#include "hal/board.h"
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

#define VENDOR_ID 0x2e8au
#define PRODUCT_ID 0x000au
#define LOW(word) ((word)&0xffu)
#define HIGH(word) ((word) >> 8)

#define TYPE_DEVICE 1u
#define TYPE_CONFIGURATION 2u
#define TYPE_STRING 3u

#define STRING_MANUFACTURER 1u
#define STRING_PRODUCT 2u
#define STRING_SERIAL 3u

static const uint8_t device[18] = {
    18,
    TYPE_DEVICE,
    0x00,
    0x02, /* USB 2.0 */
    0xef,
    2,
    1,  /* functions of several interfaces */
    64, /* bytes of endpoint 0 */
    LOW(VENDOR_ID),
    HIGH(VENDOR_ID),
    LOW(PRODUCT_ID),
    HIGH(PRODUCT_ID),
    0x00,
    0x01,
    STRING_MANUFACTURER,
    STRING_PRODUCT,
    STRING_SERIAL,
    1,
};

#define CONFIGURATION_BYTES 75u
static const uint8_t configuration[CONFIGURATION_BYTES] = {
    9,
    TYPE_CONFIGURATION,
    CONFIGURATION_BYTES,
    0,
    2,
    1,
    0,
    0x80,
    125, /* 250 mA */
    8,
    11,
    0,
    2,
    2,
    2,
    0,
    0, /* interfaces 0 and 1 belong together */
    9,
    4,
    0,
    0,
    1,
    2,
    2,
    0,
    0, /* interface 0: control, abstract modem */
    5,
    0x24,
    0x00,
    0x20,
    0x01, /* CDC 1.20 */
    5,
    0x24,
    0x01,
    0x00,
    1, /* no call management */
    4,
    0x24,
    0x02,
    0x02, /* line coding and line state */
    5,
    0x24,
    0x06,
    0,
    1, /* control 0, data 1 */
    7,
    5,
    0x81,
    3,
    8,
    0,
    16, /* endpoint 1 in: interrupt, 8 bytes, 16 ms */
    9,
    4,
    1,
    0,
    2,
    10,
    0,
    0,
    0, /* interface 1: data */
    7,
    5,
    0x02,
    2,
    64,
    0,
    0, /* endpoint 2 out: bulk, 64 bytes */
    7,
    5,
    0x82,
    2,
    64,
    0,
    0, /* endpoint 2 in */
};

#define LONGEST_STRING 32u
static uint8_t string[2 + 2 * LONGEST_STRING];

static const uint8_t *string_of(const char *text, size_t *bytes) {
  size_t count = 0;
  while (count < LONGEST_STRING && text[count] != 0) {
    string[2 + 2 * count] = (uint8_t)text[count];
    string[3 + 2 * count] = 0;
    count++;
  }
  *bytes = 2 + 2 * count;
  string[0] = (uint8_t)*bytes;
  string[1] = TYPE_STRING;
  return string;
}

static const uint8_t *serial_number(size_t *bytes) {
  char text[17];
  uint64_t id = rt_hal_device_id();
  for (uint32_t i = 16; i-- > 0; id >>= 4) text[i] = "0123456789ABCDEF"[id & 15u];
  text[16] = 0;
  return string_of(text, bytes);
}

static const uint8_t *find_string(uint32_t index, size_t *bytes) {
  static const uint8_t languages[4] = {4, TYPE_STRING, 0x09, 0x04}; /* English */
  switch (index) {
    case 0:
      *bytes = sizeof languages;
      return languages;
    case STRING_MANUFACTURER:
      return string_of("Retune", bytes);
    case STRING_PRODUCT:
      return string_of(rt_board.name, bytes);
    case STRING_SERIAL:
      return serial_number(bytes);
    default:
      *bytes = 0;
      return NULL;
  }
}

const uint8_t *rt_rp2040_usb_descriptor(uint32_t type, uint32_t index, size_t *bytes) {
  if (type == TYPE_STRING) return find_string(index, bytes);
  if (type == TYPE_DEVICE) {
    *bytes = sizeof device;
    return device;
  }
  if (type == TYPE_CONFIGURATION && index == 0) {
    *bytes = sizeof configuration;
    return configuration;
  }
  *bytes = 0;
  return NULL;
}
