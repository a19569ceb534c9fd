#include "bus/deploy.h"

#include "bus/internal.h"
#include "bus/sha256.h"
#include "bus/version.h"
#include "firmware/firmware.h"
#include "hal/hal.h"

#define MAGIC 0x31505452u /* "RTP1" */
#define HEADER_SIZE 48u
#define HEADER_SHA 12u
#define HEADER_CRC 44u

#define COMMAND_DEPLOY 0x80u
#define REGISTER_RUNNING 0x80u
#define REGISTER_AUTOSTART 0x81u
#define REGISTER_SIZE 0x180u
#define REGISTER_HASH 0x181u
#define REGISTER_SHA256 0x182u
#define REGISTER_RUNTIME_VERSION 0x183u

#define EVENT_CHANGE 0x03u
#define EVENT_PANIC 0x80u

/* A pipe's packets: port << 7 | meta | close | counter. */
#define PIPE_PORT_SHIFT 7u
#define PIPE_PORTS 511u
#define PIPE_META 0x40u
#define PIPE_CLOSE 0x20u
#define PIPE_COUNTER 0x1fu

static struct {
  const uint8_t *program; /* in flash; NULL: none */
  uint32_t program_bytes;
  uint8_t index; /* of the service */
  uint8_t autostart;

  /* The deploy under way; port 0: none. */
  uint16_t port, last_port;
  uint8_t counter; /* expected of the next packet */
  uint8_t has_failed;
  uint32_t expected_bytes, received_bytes;
  uint32_t erased_bytes; /* of the region, from its start */
  uint8_t page[RT_HAL_FLASH_PAGE_BYTES];
} deploy;

/* CRC-32 (polynomial 0xedb88320, as zlib), four bits at a time. */
static uint32_t crc32(const uint8_t *bytes, size_t size) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (uint32_t bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

static const uint8_t *region(void) { return rt_hal_flash_data(rt_board.program_offset); }

static uint32_t capacity(void) { return rt_board.program_bytes - RT_DEPLOY_HEADER_BYTES; }

/* ---- What is in flash ---- */

static void find_program(void) {
  const uint8_t *header = region();
  deploy.program = NULL;
  deploy.program_bytes = 0;
  if (rt_board.program_bytes <= RT_DEPLOY_HEADER_BYTES) return;
  if (rt_bus_load32(header) != MAGIC) return;
  if (crc32(header, HEADER_CRC) != rt_bus_load32(header + HEADER_CRC)) return;
  const uint32_t bytes = rt_bus_load32(header + 4);
  if (bytes == 0 || bytes > capacity()) return;
  if (crc32(header + RT_DEPLOY_HEADER_BYTES, bytes) != rt_bus_load32(header + 8)) return;
  deploy.program = header + RT_DEPLOY_HEADER_BYTES;
  deploy.program_bytes = bytes;
}

rt_status_t rt_deploy_init(void) {
  deploy.autostart = 1;
  deploy.port = 0;
  deploy.last_port = (uint16_t)(rt_hal_random() % PIPE_PORTS);
  find_program();
  deploy.index = rt_bus_add_service(RT_DEPLOY_SERVICE_CLASS);
  return deploy.index == 0 ? RT_ERROR_FULL : RT_OK;
}

size_t rt_deploy_program(const uint8_t **program) {
  *program = deploy.program;
  return deploy.program_bytes;
}

uint32_t rt_deploy_autostart(void) { return deploy.autostart; }

void rt_deploy_panicked(uint32_t code, uint32_t program_counter) {
  uint8_t payload[8];
  rt_bus_store32(payload, code);
  rt_bus_store32(payload + 4, program_counter);
  rt_bus_send_event(deploy.index, EVENT_PANIC, payload, sizeof payload);
}

/* ---- Writing ---- */

static void complain(const char *text) { rt_bus_log('!', text, rt_bus_text_bytes(text)); }

static void fail(const char *text) {
  if (!deploy.has_failed) complain(text);
  deploy.has_failed = 1;
}

/* Erases sector after sector, so that the wait is spread over the transfer. */
static rt_status_t erase_up_to(uint32_t bytes) {
  while (deploy.erased_bytes < bytes) {
    const rt_status_t status = rt_hal_flash_erase(rt_board.program_offset + deploy.erased_bytes,
                                                  RT_HAL_FLASH_SECTOR_BYTES);
    if (status != RT_OK) return status;
    deploy.erased_bytes += RT_HAL_FLASH_SECTOR_BYTES;
  }
  return RT_OK;
}

/* Writes the page gathered, which ends at `received_bytes`. */
static void write_page(uint32_t bytes) {
  const uint32_t at = RT_DEPLOY_HEADER_BYTES + deploy.received_bytes - bytes;
  for (uint32_t i = bytes; i < sizeof deploy.page; i++) deploy.page[i] = 0xff;
  rt_status_t status = erase_up_to(at + RT_HAL_FLASH_PAGE_BYTES);
  if (status == RT_OK) {
    status = rt_hal_flash_program(rt_board.program_offset + at, deploy.page, sizeof deploy.page);
  }
  if (status != RT_OK) fail("deploy: the flash cannot be written");
}

static void take_bytes(const uint8_t *bytes, uint32_t size) {
  if (deploy.received_bytes + size > deploy.expected_bytes) {
    fail("deploy: more bytes than announced");
    return;
  }
  for (uint32_t i = 0; i < size; i++) {
    deploy.page[deploy.received_bytes % sizeof deploy.page] = bytes[i];
    deploy.received_bytes++;
    if (deploy.received_bytes % sizeof deploy.page == 0) write_page(sizeof deploy.page);
  }
}

/* The last page: with it, the program is there. */
static void write_header(void) {
  if (deploy.has_failed) return;
  const uint8_t *program = region() + RT_DEPLOY_HEADER_BYTES;
  const uint32_t bytes = deploy.received_bytes;
  uint8_t *page = deploy.page;
  rt_bus_store32(page, MAGIC);
  rt_bus_store32(page + 4, bytes);
  rt_bus_store32(page + 8, crc32(program, bytes));
  rt_sha256(program, bytes, page + HEADER_SHA);
  rt_bus_store32(page + HEADER_CRC, crc32(page, HEADER_CRC));
  for (uint32_t i = HEADER_SIZE; i < sizeof deploy.page; i++) page[i] = 0xff;
  if (rt_hal_flash_program(rt_board.program_offset, page, sizeof deploy.page) != RT_OK) {
    fail("deploy: the flash cannot be written");
  }
}

static void finish(void) {
  const uint32_t rest = deploy.received_bytes % (uint32_t)sizeof deploy.page;
  deploy.port = 0;
  if (rest != 0) write_page(rest);
  if (deploy.received_bytes != deploy.expected_bytes) fail("deploy: fewer bytes than announced");
  if (deploy.expected_bytes != 0) write_header();
  find_program();
  if (deploy.expected_bytes != 0 && deploy.program == NULL) fail("deploy: no program was written");
  rt_bus_send_event(deploy.index, EVENT_CHANGE, NULL, 0);
  if (deploy.autostart) rt_firmware_set_running(1);
}

void rt_deploy_pipe(const rt_packet_t *packet) {
  if (deploy.port == 0 || packet->command >> PIPE_PORT_SHIFT != deploy.port) return;
  if ((packet->command & PIPE_COUNTER) != deploy.counter) return; /* sent again, its ack was lost */
  deploy.counter = (deploy.counter + 1u) & PIPE_COUNTER;
  if (packet->command & PIPE_META) return;
  take_bytes(packet->payload, packet->size);
  if (packet->command & PIPE_CLOSE) finish();
}

/* ---- The service ---- */

static void reply(const rt_packet_t *command, const void *data, uint8_t size) {
  const rt_packet_t packet = {
      .device_id = rt_bus_device_id(),
      .command = command->command,
      .service_index = deploy.index,
      .size = size,
      .payload = data,
  };
  rt_bus_send(&packet);
}

static void reply32(const rt_packet_t *command, uint32_t number) {
  uint8_t bytes[4];
  rt_bus_store32(bytes, number);
  reply(command, bytes, sizeof bytes);
}

static void reply8(const rt_packet_t *command, uint32_t number) {
  const uint8_t byte = (uint8_t)number;
  reply(command, &byte, 1);
}

/* From here on the old program is gone. */
static rt_status_t begin(uint32_t bytes) {
  if (rt_board.program_bytes <= RT_DEPLOY_HEADER_BYTES || bytes > capacity()) {
    complain("deploy: the program is larger than its place in flash");
    return RT_ERROR_FULL;
  }
  rt_firmware_release_program();
  deploy.program = NULL;
  deploy.program_bytes = 0;
  deploy.expected_bytes = bytes;
  deploy.received_bytes = deploy.erased_bytes = 0;
  deploy.counter = deploy.has_failed = 0;
  const rt_status_t status = erase_up_to(RT_HAL_FLASH_SECTOR_BYTES);
  if (status != RT_OK) complain("deploy: the flash cannot be erased");
  return status;
}

static void open_pipe(const rt_packet_t *packet) {
  uint8_t bytes[2];
  if (packet->size < 4) return;
  const uint32_t size = rt_bus_load32(packet->payload);
  const rt_status_t status = begin(size);
  deploy.port = 0;
  if (status == RT_OK) {
    deploy.last_port = (uint16_t)(deploy.last_port % PIPE_PORTS + 1u);
    deploy.port = deploy.last_port;
  }
  rt_bus_store16(bytes, deploy.port); /* 0: refused */
  reply(packet, bytes, sizeof bytes);
}

static uint32_t fnv1a(const uint8_t *bytes, size_t size) {
  uint32_t hash = 0x811c9dc5u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x01000193u;
  return hash;
}

static void read_register(const rt_packet_t *packet) {
  switch (packet->command & 0xfffu) {
    case REGISTER_RUNNING:
      reply8(packet, rt_firmware_is_running());
      return;
    case REGISTER_AUTOSTART:
      reply8(packet, deploy.autostart);
      return;
    case REGISTER_SIZE:
      reply32(packet, deploy.program_bytes);
      return;
    case REGISTER_HASH:
      reply32(packet, fnv1a(deploy.program, deploy.program_bytes));
      return;
    case REGISTER_SHA256:
      reply(packet, region() + HEADER_SHA, deploy.program == NULL ? 0 : RT_SHA256_BYTES);
      return;
    case REGISTER_RUNTIME_VERSION:
      reply32(packet, RT_RUNTIME_MAJOR << 24 | RT_RUNTIME_MINOR << 16 | RT_RUNTIME_PATCH);
      return;
    default:
      rt_bus_not_implemented(packet);
  }
}

static void write_register(const rt_packet_t *packet) {
  const uint32_t value = packet->size > 0 && packet->payload[0] != 0;
  switch (packet->command & 0xfffu) {
    case REGISTER_RUNNING:
      if (value != rt_firmware_is_running()) rt_firmware_set_running(value);
      return;
    case REGISTER_AUTOSTART:
      deploy.autostart = (uint8_t)value;
      return;
    default:
      rt_bus_not_implemented(packet);
  }
}

void rt_deploy_command(const rt_packet_t *packet) {
  const uint32_t kind = packet->command & 0xf000u;
  if (kind == RT_COMMAND_GET) {
    read_register(packet);
  } else if (kind == RT_COMMAND_SET) {
    write_register(packet);
  } else if (packet->command == COMMAND_DEPLOY) {
    open_pipe(packet);
  } else {
    rt_bus_not_implemented(packet);
  }
}
