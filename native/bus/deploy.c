#include "bus/deploy.h"

#include "bus/internal.h"
#include "bus/places.h"
#include "bus/sha256.h"
#include "bus/version.h"
#include "firmware/firmware.h"
#include "hal/hal.h"
#include "store/trust.h"

#define COMMAND_DEPLOY 0x80u
#define COMMAND_STATEMENT 0x90u
#define REGISTER_RUNNING 0x80u
#define REGISTER_AUTOSTART 0x81u
#define REGISTER_SIZE 0x180u
#define REGISTER_HASH 0x181u
#define REGISTER_SHA256 0x182u
#define REGISTER_RUNTIME_VERSION 0x183u
#define REGISTER_TRUST 0x190u
#define REGISTER_RESULT 0x191u

#define EVENT_CHANGE 0x03u
#define EVENT_PANIC 0x80u

/* A pipe's packets: port << 7 | meta | close | counter. */
#define PIPE_PORT_SHIFT 7u
#define PIPE_PORTS 511u
#define PIPE_META 0x40u
#define PIPE_CLOSE 0x20u
#define PIPE_COUNTER 0x1fu

/* A sender that is silent for so long has gone. */
#define SILENCE_US 30000000u
/* After a signature that is not good: checking takes a fifth of a second, and whoever sends false
 * ones must not have the board do nothing else. */
#define PAUSE_US 1000000u

static const uint64_t NEVER = UINT64_MAX;

static struct {
  rt_places_program_t present;
  const uint8_t *given; /* the program that was last asked for: it may be running */
  uint8_t index;        /* of the service */
  uint8_t autostart;
  uint8_t was_stopped; /* over a link: a deploy that comes to nothing starts the program again */
  uint8_t result;      /* rt_trust_answer_t of the last deploy */

  /* The statement that came for the program to come; `has_statement`. */
  uint8_t statement[RT_TRUST_STATEMENT_BYTES];
  uint8_t has_statement;

  /* The deploy under way; port 0: none. */
  uint8_t counter; /* expected of the next packet */
  uint8_t has_failed;
  uint16_t port, last_port;
  rt_place_t place;
  uint64_t until_us; /* when its sender is given up */
  uint64_t pause_until_us;
  uint32_t expected_bytes, received_bytes;
  uint32_t erased_bytes; /* of the place, from its start */
  uint8_t page[RT_HAL_FLASH_PAGE_BYTES];
} deploy;

static void complain(const char *text) { rt_bus_log('!', text, rt_bus_text_bytes(text)); }

static void fail(rt_trust_answer_t result, const char *text) {
  if (!deploy.has_failed) {
    complain(text);
    deploy.result = (uint8_t)result;
  }
  deploy.has_failed = 1;
}

/* ---- What is in flash ---- */

static void find_program(void) {
  rt_places_find(&deploy.present);
  if (deploy.present.was_refused) {
    complain("deploy: a program in flash is left out, its owner has not signed it");
  }
}

rt_status_t rt_deploy_init(void) {
  deploy.autostart = 1;
  deploy.was_stopped = deploy.result = deploy.has_statement = 0;
  deploy.port = 0;
  deploy.until_us = NEVER;
  deploy.pause_until_us = 0;
  deploy.given = NULL;
  deploy.last_port = (uint16_t)(rt_hal_random() % PIPE_PORTS);
  find_program();
  /* Only a board with an owner takes a signed program. */
  if (deploy.present.statement != NULL) rt_trust_miss_owner();
  deploy.index = rt_bus_add_service(RT_DEPLOY_SERVICE_CLASS);
  return deploy.index == 0 ? RT_ERROR_FULL : RT_OK;
}

size_t rt_deploy_program(const uint8_t **program) {
  *program = deploy.given = deploy.present.program;
  return deploy.present.program_bytes;
}

uint32_t rt_deploy_autostart(void) { return deploy.autostart; }

void rt_deploy_panicked(uint32_t code, uint32_t program_counter) {
  uint8_t payload[8];
  rt_bus_store32(payload, code);
  rt_bus_store32(payload + 4, program_counter);
  rt_bus_send_event(deploy.index, EVENT_PANIC, payload, sizeof payload);
}

/* ---- Writing ---- */

/* Erases sector after sector, so that the wait is spread over the transfer. */
static rt_status_t erase_up_to(uint32_t bytes) {
  while (deploy.erased_bytes < bytes) {
    const uint32_t offset = deploy.place.offset + deploy.erased_bytes;
    const rt_status_t status = rt_hal_flash_erase(offset, RT_HAL_FLASH_SECTOR_BYTES);
    if (status != RT_OK) return status;
    deploy.erased_bytes += RT_HAL_FLASH_SECTOR_BYTES;
  }
  return RT_OK;
}

/* Programs a page and looks whether it is there. */
static rt_status_t program_page(uint32_t at) {
  const uint32_t offset = deploy.place.offset + at;
  const rt_status_t status = rt_hal_flash_program(offset, deploy.page, sizeof deploy.page);
  if (status != RT_OK) return status;
  const uint8_t *written = rt_hal_flash_data(offset);
  for (uint32_t i = 0; i < sizeof deploy.page; i++) {
    if (written[i] != deploy.page[i]) return RT_ERROR_STATE;
  }
  return RT_OK;
}

/* Writes the page gathered, which ends at `received_bytes`. */
static void write_page(uint32_t bytes) {
  const uint32_t at = RT_PLACES_HEADER_BYTES + deploy.received_bytes - bytes;
  if (deploy.has_failed) return;
  for (uint32_t i = bytes; i < sizeof deploy.page; i++) deploy.page[i] = 0xff;
  rt_status_t status = erase_up_to(at + RT_HAL_FLASH_PAGE_BYTES);
  if (status == RT_OK) status = program_page(at);
  if (status != RT_OK) fail(RT_TRUST_ERROR_FLASH, "deploy: the flash cannot be written");
}

static void take_bytes(const uint8_t *bytes, uint32_t size) {
  if (size > deploy.expected_bytes - deploy.received_bytes) {
    fail(RT_TRUST_ERROR_SIZE, "deploy: more bytes than announced");
    return;
  }
  for (uint32_t i = 0; i < size; i++) {
    deploy.page[deploy.received_bytes % sizeof deploy.page] = bytes[i];
    deploy.received_bytes++;
    if (deploy.received_bytes % sizeof deploy.page == 0) write_page(sizeof deploy.page);
  }
}

static uint32_t is_signed_hash(const uint8_t *sha256) {
  const uint8_t *expected = rt_trust_program_sha256(deploy.statement);
  uint32_t difference = 0;
  for (uint32_t i = 0; i < RT_SHA256_BYTES; i++) difference |= (uint32_t)(sha256[i] ^ expected[i]);
  return difference == 0;
}

/* The last page: with it, the program is there. */
static void write_header(void) {
  if (deploy.has_failed) return;
  const uint8_t *program = rt_hal_flash_data(deploy.place.offset) + RT_PLACES_HEADER_BYTES;
  uint8_t sha256[RT_SHA256_BYTES];
  rt_sha256(program, deploy.received_bytes, sha256);
  if (deploy.has_statement && !is_signed_hash(sha256)) {
    fail(RT_TRUST_ERROR_HASH, "deploy: this is not the program that was signed");
    return;
  }
  rt_places_write_header(deploy.page, program, deploy.received_bytes, sha256,
                         deploy.present.sequence + 1u,
                         deploy.has_statement ? deploy.statement : NULL);
  if (program_page(0) != RT_OK) fail(RT_TRUST_ERROR_FLASH, "deploy: the flash cannot be written");
}

/* A deploy came to nothing: what it stopped goes on, if it is still there. */
static void resume(void) {
  if (deploy.was_stopped && !rt_firmware_is_running()) rt_firmware_set_running(1);
  if (deploy.was_stopped) deploy.autostart = 1; /* the tools had switched it off */
  deploy.was_stopped = 0;
}

static void end_transfer(void) {
  deploy.port = 0;
  deploy.until_us = NEVER;
  deploy.has_statement = 0;
}

static void finish(void) {
  const uint32_t rest = deploy.received_bytes % (uint32_t)sizeof deploy.page;
  if (rest != 0) write_page(rest);
  if (deploy.received_bytes != deploy.expected_bytes) {
    fail(RT_TRUST_ERROR_SIZE, "deploy: fewer bytes than announced");
  }
  if (deploy.expected_bytes != 0) write_header();
  end_transfer();
  find_program();
  rt_bus_send_event(deploy.index, EVENT_CHANGE, NULL, 0);
  if (deploy.has_failed) {
    resume();
    return;
  }
  deploy.was_stopped = 0;
  if (deploy.autostart) rt_firmware_set_running(1);
}

void rt_deploy_pipe(const rt_packet_t *packet) {
  if (deploy.port == 0 || packet->command >> PIPE_PORT_SHIFT != deploy.port) return;
  if ((packet->command & PIPE_COUNTER) != deploy.counter) return; /* sent again, its ack was lost */
  deploy.counter = (deploy.counter + 1u) & PIPE_COUNTER;
  deploy.until_us = rt_hal_now_us() + SILENCE_US;
  if (packet->command & PIPE_META) return;
  take_bytes(packet->payload, packet->size);
  if (packet->command & PIPE_CLOSE) finish();
}

uint64_t rt_deploy_poll(uint64_t now_us) {
  if (now_us < deploy.until_us) return deploy.until_us;
  fail(RT_TRUST_ERROR_LINK, "deploy: nothing more came; the program before goes on");
  end_transfer();
  find_program();
  resume();
  return NEVER;
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

/* Whether a program of `bytes` bytes may come at all; asked before anything is erased. */
static rt_trust_answer_t admit(uint32_t bytes) {
  if (!rt_trust_is_locked()) {
    /* A statement of something else is none of this one. */
    if (deploy.has_statement && rt_trust_program_bytes(deploy.statement) != bytes) {
      deploy.has_statement = 0;
    }
    return RT_TRUST_OK;
  }
  if (!deploy.has_statement) return RT_TRUST_ERROR_PERMIT;
  return rt_trust_program_bytes(deploy.statement) == bytes ? RT_TRUST_OK : RT_TRUST_ERROR_SIZE;
}

static uint32_t counter_of_present(void) {
  const uint8_t *statement = deploy.present.statement;
  return statement == NULL ? 0 : rt_trust_program_counter(statement);
}

/* What has to be kept of the program that will be overwritten, next time if not now. */
static rt_trust_answer_t keep_counter(void) {
  const uint32_t counter = counter_of_present();
  return counter <= rt_trust_counter() ? RT_TRUST_OK : rt_trust_keep_counter(counter);
}

static const char *const NO_ROOM = "deploy: the program is larger than its place in flash";
static const char *const UNSIGNED =
    "deploy: this board is locked and takes programs that its owner has signed; "
    "use retune deploy --key";

/* Begins to write; from here on a program that takes the whole region, or did, is gone. */
static rt_trust_answer_t begin(uint32_t bytes) {
  rt_place_t *place = &deploy.place;
  deploy.has_failed = 0;
  const rt_trust_answer_t answer = admit(bytes);
  if (answer != RT_TRUST_OK) {
    complain(UNSIGNED);
    return answer;
  }
  rt_places_choose(&deploy.present, bytes, place);
  if (place->bytes == 0) {
    complain(NO_ROOM);
    return RT_TRUST_ERROR_SIZE;
  }
  if (keep_counter() != RT_TRUST_OK) {
    complain("deploy: the store takes no record");
    return RT_TRUST_ERROR_STORE;
  }
  if (bytes == 0 || (deploy.given != NULL && rt_places_overlap(place, deploy.given))) {
    rt_firmware_release_program();
  }
  deploy.expected_bytes = bytes;
  deploy.received_bytes = deploy.erased_bytes = 0;
  deploy.counter = 0;
  if (rt_places_clear(place, bytes) == RT_OK && erase_up_to(RT_HAL_FLASH_SECTOR_BYTES) == RT_OK) {
    return RT_TRUST_OK;
  }
  complain("deploy: the flash cannot be erased");
  return RT_TRUST_ERROR_FLASH;
}

static void open_pipe(const rt_packet_t *packet) {
  uint8_t bytes[2];
  if (packet->size < 4) return;
  const rt_trust_answer_t answer = begin(rt_bus_load32(packet->payload));
  deploy.result = (uint8_t)answer;
  if (answer == RT_TRUST_OK) {
    deploy.last_port = (uint16_t)(deploy.last_port % PIPE_PORTS + 1u);
    deploy.port = deploy.last_port;
    deploy.until_us = rt_hal_now_us() + SILENCE_US;
  } else {
    end_transfer();
    find_program();
    resume();
  }
  rt_bus_store16(bytes, deploy.port); /* 0: refused */
  reply(packet, bytes, sizeof bytes);
}

/* Older than what there is, or of the same age and something else. */
static uint32_t is_old(const uint8_t *statement) {
  const uint32_t counter = rt_trust_program_counter(statement);
  const uint32_t present = counter_of_present();
  if (counter > present && counter > rt_trust_counter()) return 0;
  if (counter != present || counter < rt_trust_counter()) return 1;
  /* The same program once more. */
  const uint8_t *mine = rt_trust_program_sha256(deploy.present.statement);
  const uint8_t *other = rt_trust_program_sha256(statement);
  for (uint32_t i = 0; i < RT_SHA256_BYTES; i++) {
    if (mine[i] != other[i]) return 1;
  }
  return 0;
}

/* For the program that comes next. A transfer under way goes on without being disturbed. */
static rt_trust_answer_t take_program_statement(const rt_packet_t *packet) {
  if (deploy.port != 0) return RT_TRUST_ERROR_LINK;
  const rt_trust_answer_t answer = rt_trust_check_program(packet->payload, packet->size);
  if (answer != RT_TRUST_OK) return answer;
  if (is_old(packet->payload)) return RT_TRUST_ERROR_COUNTER;
  rt_bus_copy(deploy.statement, packet->payload, RT_TRUST_STATEMENT_BYTES);
  deploy.has_statement = 1;
  return RT_TRUST_OK;
}

static rt_trust_answer_t judge(const rt_packet_t *packet, uint32_t *is_reset) {
  if (rt_hal_now_us() < deploy.pause_until_us) return RT_TRUST_ERROR_BUSY;
  const uint32_t is_program =
      packet->size >= 4 && rt_bus_load32(packet->payload) == RT_TRUST_PROGRAM_MAGIC;
  if (is_program) return take_program_statement(packet);
  return rt_trust_take(packet->payload, packet->size, is_reset);
}

static void take_statement(const rt_packet_t *packet) {
  uint32_t is_reset = 0;
  const rt_trust_answer_t answer = judge(packet, &is_reset);
  if (answer == RT_TRUST_ERROR_SIGNATURE) deploy.pause_until_us = rt_hal_now_us() + PAUSE_US;
  reply8(packet, answer);
  if (is_reset) rt_control_reset_soon();
}

static uint32_t fnv1a(const uint8_t *bytes, size_t size) {
  uint32_t hash = 0x811c9dc5u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x01000193u;
  return hash;
}

/* u8 state, u8 lock, u8 signed, u8 0, u32 counter, u64 challenge, then the owner if there is one.
 */
static void reply_trust(const rt_packet_t *packet) {
  uint8_t bytes[16u + RT_TRUST_KEY_BYTES];
  const uint8_t *owner = rt_trust_owner();
  const uint32_t counter = counter_of_present();
  bytes[0] = (uint8_t)rt_trust_state();
  bytes[1] = (uint8_t)rt_trust_is_locked();
  bytes[2] = deploy.present.statement != NULL;
  bytes[3] = 0;
  rt_bus_store32(bytes + 4, counter > rt_trust_counter() ? counter : rt_trust_counter());
  rt_bus_store64(bytes + 8, rt_trust_challenge());
  if (owner != NULL) rt_bus_copy(bytes + 16, owner, RT_TRUST_KEY_BYTES);
  reply(packet, bytes, owner == NULL ? 16u : sizeof bytes);
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
      reply32(packet, deploy.present.program_bytes);
      return;
    case REGISTER_HASH:
      reply32(packet, fnv1a(deploy.present.program, deploy.present.program_bytes));
      return;
    case REGISTER_SHA256:
      reply(packet, deploy.present.sha256, deploy.present.program == NULL ? 0 : RT_SHA256_BYTES);
      return;
    case REGISTER_RUNTIME_VERSION:
      reply32(packet, RT_RUNTIME_MAJOR << 24 | RT_RUNTIME_MINOR << 16 | RT_RUNTIME_PATCH);
      return;
    case REGISTER_TRUST:
      reply_trust(packet);
      return;
    case REGISTER_RESULT:
      reply8(packet, deploy.result);
      return;
    default:
      rt_bus_not_implemented(packet);
  }
}

static void set_running(uint32_t running) {
  const uint32_t was_running = rt_firmware_is_running();
  if (running == was_running) return;
  deploy.was_stopped = was_running != 0;
  rt_firmware_set_running(running);
}

static void write_register(const rt_packet_t *packet) {
  const uint32_t value = packet->size > 0 && packet->payload[0] != 0;
  if (rt_bus_is_locked_out(packet)) return;
  switch (packet->command & 0xfffu) {
    case REGISTER_RUNNING:
      set_running(value);
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
  } else if (packet->command == COMMAND_STATEMENT) {
    take_statement(packet);
  } else {
    rt_bus_not_implemented(packet);
  }
}
