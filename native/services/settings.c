/*
 * Jacdac's settings service (jacdac-spec/services/settings.md) on the store: small values that
 * survive a power cut, for `@devicescript/settings` and for scripts. One record a setting: its key,
 * a 0, its value. Up to RT_STORE_INLINE_BYTES a write costs no sector. Not offered: the two
 * commands that list everything through a pipe.
 */
#include "hal/hal.h"
#include "services/service.h"
#include "store/store.h"

#define SERVICE_CLASS 0x1107dc4au
#define COMMAND_GET 0x80u
#define COMMAND_SET 0x81u
#define COMMAND_DELETE 0x84u
#define COMMAND_CLEAR 0x85u
#define EVENT_CHANGE 0x03u

/* Two versions of each are kept, and the store has room for 44 records in all. */
#define SETTINGS 8u
#define LONGEST_KEY 32u
#define SECRET '$'
#define PAYLOAD_BYTES 232u

/* A piece of a packet or of a record. */
typedef struct {
  const uint8_t *bytes;
  uint32_t size;
} text_t;

static uint16_t store_key(uint32_t index) { return (uint16_t)(RT_STORE_KEY_SETTING + index); }

static uint32_t is_equal(text_t a, text_t b) {
  return a.size == b.size && __builtin_memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* Splits "key 0 value"; without a 0 all of it is the key. */
static void split(text_t all, text_t *key, text_t *value) {
  uint32_t length = 0;
  while (length < all.size && all.bytes[length] != 0) length++;
  const uint32_t begin = length < all.size ? length + 1u : length;
  *key = (text_t){all.bytes, length};
  *value = (text_t){all.bytes + begin, all.size - begin};
}

/* Whether there is a setting at this index; one that is damaged is none. */
static uint32_t read_at(uint32_t index, text_t *key, text_t *value) {
  text_t record;
  if (rt_store_get(store_key(index), &record.bytes, &record.size) != RT_OK) return 0;
  split(record, key, value);
  return 1;
}

/* The index of a key, SETTINGS when there is none. `*vacant` (out): one that is not used. */
static uint32_t find(text_t wanted, text_t *value, uint32_t *vacant) {
  uint32_t found = SETTINGS;
  *vacant = SETTINGS;
  for (uint32_t index = SETTINGS; index-- > 0;) {
    text_t key, content;
    if (!read_at(index, &key, &content)) {
      *vacant = index;
    } else if (is_equal(key, wanted)) {
      found = index;
      *value = content;
    }
  }
  return found;
}

static void get(rt_service_t *service, const rt_packet_t *packet, text_t key) {
  uint8_t payload[PAYLOAD_BYTES];
  uint32_t vacant;
  text_t value = {NULL, 0};
  find(key, &value, &vacant);
  uint32_t size = key.size + 1u;
  __builtin_memcpy(payload, key.bytes, key.size);
  payload[key.size] = 0;
  if (value.size > 0 && key.size > 0 && key.bytes[0] == SECRET) {
    payload[size++] = 0;
  } else {
    /* what was written fitted into a packet with its key */
    const uint32_t room = PAYLOAD_BYTES - size;
    const uint32_t count = value.size < room ? value.size : room;
    for (uint32_t i = 0; i < count; i++) payload[size + i] = value.bytes[i];
    size += count;
  }
  rt_service_reply(service, packet, payload, (uint8_t)size);
}

static void complain(void) {
  static const char text[] = "settings: no room for another, or the flash does not take it";
  rt_bus_log('!', text, sizeof text - 1);
}

/* A value that is there already is not written again: flash wears out. */
static void set(rt_service_t *service, text_t key, text_t value) {
  uint32_t vacant;
  text_t present = {NULL, 0};
  uint32_t index = find(key, &present, &vacant);
  if (index < SETTINGS && is_equal(present, value)) return;
  if (index == SETTINGS) index = vacant;
  static const uint8_t end = 0;
  const rt_store_part_t parts[] = {
      {key.bytes, key.size}, {&end, sizeof end}, {value.bytes, value.size}};
  if (index == SETTINGS || rt_store_put(store_key(index), parts, 3) != RT_OK) {
    complain();
    return;
  }
  rt_service_event(service, EVENT_CHANGE, NULL, 0);
}

static void drop(rt_service_t *service, text_t key) {
  uint32_t vacant;
  text_t value;
  const uint32_t index = find(key, &value, &vacant);
  if (index == SETTINGS) return;
  if (rt_store_drop(store_key(index)) != RT_OK) complain();
  rt_service_event(service, EVENT_CHANGE, NULL, 0);
}

static void clear(rt_service_t *service) {
  for (uint32_t index = 0; index < SETTINGS; index++) rt_store_drop(store_key(index));
  rt_service_event(service, EVENT_CHANGE, NULL, 0);
}

static void command(rt_service_t *service, const rt_packet_t *packet) {
  text_t key, value;
  split((text_t){packet->payload, packet->size}, &key, &value);
  const uint32_t is_key = key.size > 0 && key.size <= LONGEST_KEY;
  const uint32_t fits = key.size + 1u + value.size <= PAYLOAD_BYTES;
  if (packet->command == COMMAND_GET && is_key) get(service, packet, key);
  if (packet->command == COMMAND_SET && is_key && fits) set(service, key, value);
  if (packet->command == COMMAND_DELETE && is_key) drop(service, key);
  if (packet->command == COMMAND_CLEAR) clear(service);
}

static rt_status_t init(rt_service_t *service) {
  (void)service;
  return rt_store_init();
}

const rt_service_module_t rt_module_settings = {
    .service_class = SERVICE_CLASS, .name = "settings", .init = init, .command = command};
