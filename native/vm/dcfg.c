#include "vm/dcfg.h"

#include "hal/board.h"
#include "vm/role_internal.h"

/*
 * Section: magic u32[2], size u32, entries u16, hashes, a table to jump by hash; then the entries:
 * key (15 bytes and a NUL), hash u16, type and size u16, value u32; for texts the value is an
 * offset from the start of the section. There are few: they are looked through in order.
 */
#define MAGIC0 0x47464344u
#define MAGIC1 0xcab49b0au
#define HEADER_BYTES 88u
#define ENTRY_BYTES 24u
#define KEY_BYTES 15u
#define AT_COUNT 12u
#define AT_TYPE 18u
#define AT_VALUE 20u
#define TYPE_MASK 3u
#define TYPE_STRING 2u
#define TYPE_BITS 2u

static uint32_t load16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }
static uint32_t load32(const uint8_t *bytes) { return load16(bytes) | load16(bytes + 2) << 16; }

static uint32_t is_key(const uint8_t *entry, const char *key, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) {
    if (entry[i] != (uint8_t)key[i]) return 0;
  }
  return entry[bytes] == 0;
}

static const uint8_t *find_entry(const char *key, uint32_t bytes) {
  const uint8_t *section = rt_image.configuration;
  const uint32_t size = rt_image.configuration_bytes;
  if (size < HEADER_BYTES || bytes > KEY_BYTES) return NULL;
  if (load32(section) != MAGIC0 || load32(section + 4) != MAGIC1) return NULL;
  const uint32_t count = load16(section + AT_COUNT);
  if (count > (size - HEADER_BYTES) / ENTRY_BYTES) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *entry = section + HEADER_BYTES + i * ENTRY_BYTES;
    if (is_key(entry, key, bytes)) return entry;
  }
  return NULL;
}

static rt_value_t text_value(const char *text) {
  uint32_t bytes = 0;
  while (text[bytes] != 0) bytes++;
  return rt_string_new(text, bytes);
}

static uint32_t is_text(const char *key, uint32_t bytes, const char *text) {
  uint32_t i = 0;
  while (i < bytes && text[i] != 0 && key[i] == text[i]) i++;
  return i == bytes && text[i] == 0;
}

/* The names that ds.isSimulator() knows are those of processors that are none. */
#if defined(__wasm__)
#define ARCHITECTURE "wasm"
#elif defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
#define ARCHITECTURE "native"
#elif defined(__riscv)
#define ARCHITECTURE "esp32c3"
#else
#define ARCHITECTURE "rp2040"
#endif

static rt_value_t board_string(const char *key, uint32_t bytes) {
  if (is_text(key, bytes, "devName")) return text_value(rt_board.name);
  if (is_text(key, bytes, "archId")) return text_value(ARCHITECTURE);
  return RT_UNDEFINED;
}

rt_value_t rt_dcfg_string(const char *key, uint32_t bytes) {
  const uint8_t *entry = find_entry(key, bytes);
  if (entry == NULL || (entry[AT_TYPE] & TYPE_MASK) != TYPE_STRING) return board_string(key, bytes);
  const uint32_t at = load32(entry + AT_VALUE);
  const uint32_t size = load16(entry + AT_TYPE) >> TYPE_BITS;
  if (at > rt_image.configuration_bytes || size > rt_image.configuration_bytes - at) {
    return RT_UNDEFINED;
  }
  return rt_string_new((const char *)rt_image.configuration + at, size);
}

rt_value_t rt_native_ds_dcfg_string(rt_call_t *call) {
  uint32_t bytes;
  const char *key = rt_string_text(call->arguments[0], &bytes);
  return key == NULL ? RT_UNDEFINED : rt_dcfg_string(key, bytes);
}
