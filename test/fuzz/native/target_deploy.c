/*
 * The deploy service: programs in pieces, statements, registers, power cuts in the middle, and
 * flash that holds anything before. Input: a byte of choices, what the program's region holds, then
 * steps. bits 0, 1  0 erased; 1 a deployed program; 2 the same with damage; 3 bytes of the input
 *   bits 2, 3  0, 1 nobody's board; 2 an owner built in; 3 the same, and locked
 *
 * On flash without damage a program that was there stays until a whole other one has come, whatever
 * goes wrong; and a locked board runs what its owner has signed, or nothing.
 */
#include <string.h>

#include "bus/deploy.h"
#include "bus/internal.h"
#include "bus/places.h"
#include "bus/sha256.h"
#include "firmware/firmware.h"
#include "fuzz.h"
#include "packets.h"
#include "store/trust.h"
#include "targets.h"

#define HEAP_BYTES 16384u
#define MOST_TURNS 120u
#define PIPE_COUNTER 0x1fu
#define PIPE_CLOSE 0x20u
#define CODE_DEPLOY 0x80u
#define CODE_STATEMENT 0x90u
/* A program that may take the place of the one before: more than half of the region, or none. */
#define LARGE_BYTES (FUZZ_PROGRAM_BYTES / 2u - 512u)
/* In the head of a piece of the program: all that is left of it. */
#define WHOLE 0x10u

/* The other end of the transfer. */
static struct {
  uint32_t sent;      /* bytes of the program */
  uint8_t counter;    /* of the next packet of the pipe */
  uint16_t port;      /* as the service counts them */
  uint8_t deployed;   /* index of the service */
  uint8_t may_vanish; /* the program: the input asked for it, or spoilt the flash */
  uint8_t may_change; /* on a locked board: the input has sent signed statements */
} peer;

/* The answer to `deploy` is the port. */
static void hear(const uint8_t *frame, size_t size) {
  if (size < 18u || frame[3] & RT_FRAME_COMMAND || frame[13] != peer.deployed) return;
  if (rt_bus_load16(frame + 14) == CODE_DEPLOY) peer.port = (uint16_t)rt_bus_load16(frame + 16);
}

static uint8_t find_service(void) {
  uint64_t id;
  const uint32_t *classes;
  uint32_t count;
  if (rt_bus_device(0, &id, &classes, &count) != RT_OK) return 0;
  for (uint32_t i = 0; i < count; i++) {
    if (classes[i] == RT_DEPLOY_SERVICE_CLASS) return (uint8_t)i;
  }
  return 0;
}

static void send(uint16_t command, uint8_t service, const uint8_t *payload, size_t size) {
  uint8_t frame[RT_FRAME_MAX_BYTES];
  const rt_packet_t packet = {.device_id = rt_bus_device_id(),
                              .command = command,
                              .flags = RT_FRAME_COMMAND,
                              .service_index = service,
                              .size = (uint8_t)size,
                              .payload = payload};
  fuzz_send_frame(RT_HAL_LINK_USB, frame, rt_frame_write(frame, &packet));
}

static void open_pipe(uint32_t bytes) {
  uint8_t payload[4];
  if (bytes == 0 || bytes > LARGE_BYTES) peer.may_vanish = 1;
  rt_bus_store32(payload, bytes);
  send(CODE_DEPLOY, peer.deployed, payload, sizeof payload);
  peer.counter = 0;
  peer.sent = 0;
}

static void send_pipe(const uint8_t *bytes, size_t size, uint32_t flags) {
  const uint16_t command = (uint16_t)(peer.port << 7 | flags | peer.counter);
  peer.counter = (peer.counter + 1u) & PIPE_COUNTER;
  send(command, RT_SERVICE_PIPE, bytes, size);
}

/* The next bytes of a program that is sound, or all that is left of it. */
static void send_program(uint32_t head) {
  uint32_t rest = fuzz_program_small_bytes - peer.sent;
  uint32_t size = head & WHOLE ? rest : (head & 0xfu) * 15u;
  do {
    uint32_t part = size < 224u ? size : 224u;
    if (part > rest) part = rest;
    const uint32_t last = part == rest && (head & WHOLE);
    send_pipe(fuzz_program_small + peer.sent, part, last ? PIPE_CLOSE : 0);
    rt_firmware_poll(rt_hal_now_us());
    peer.sent += part;
    rest -= part;
    size -= part;
  } while (size > 0 && rest > 0);
}

static void send_own(fuzz_input_t *input, uint32_t head) {
  uint8_t bytes[RT_BUS_MAX_PAYLOAD_BYTES];
  const size_t size = fuzz_take(input, bytes, (head & 0xfu) * 15u);
  send_pipe(bytes, size, head & 0x10u ? PIPE_CLOSE : 0);
}

/* A statement that is right in all but what the input changes. */
static void send_statement(fuzz_input_t *input, uint32_t head) {
  uint8_t bytes[RT_TRUST_STATEMENT_BYTES + 4u] = {0};
  const uint32_t choices = fuzz_take8(input);
  if (head & 1u) {
    rt_bus_store32(bytes, RT_TRUST_PROGRAM_MAGIC);
    rt_bus_store32(bytes + 4, fuzz_program_small_bytes);
    rt_bus_store32(bytes + 8, 1u + (choices & 3u));
    rt_bus_store64(bytes + 16, choices & 4u ? rt_bus_device_id() : 0);
    rt_sha256(fuzz_program_small, fuzz_program_small_bytes, bytes + 24);
  } else {
    rt_bus_store32(bytes, RT_TRUST_OWNER_MAGIC);
    bytes[4] = (uint8_t)(choices & 7u);
    bytes[5] = (uint8_t)(choices >> 3 & 1u);
    rt_bus_store64(bytes + 8, rt_bus_device_id());
    rt_bus_store64(bytes + 16, rt_trust_challenge());
    const uint8_t *owner = rt_trust_owner();
    if (owner != NULL) memcpy(bytes + 24, owner, RT_TRUST_KEY_BYTES);
  }
  bytes[RT_TRUST_SIGNED_BYTES] = choices & 0x10u ? FUZZ_SIGNED : 0;
  if (choices & 0x20u)
    bytes[fuzz_take8(input) % RT_TRUST_STATEMENT_BYTES] = (uint8_t)fuzz_take8(input);
  if (bytes[RT_TRUST_SIGNED_BYTES] == FUZZ_SIGNED) peer.may_change = 1;
  const uint32_t is_cut = (choices & 0xc0u) == 0xc0u;
  send(CODE_STATEMENT, peer.deployed, bytes,
       is_cut ? fuzz_take8(input) % 124u : RT_TRUST_STATEMENT_BYTES);
}

static void step(fuzz_input_t *input) {
  const uint32_t head = fuzz_take8(input);
  switch (head >> 5) {
    case 0:
      open_pipe(head & 0x10u ? fuzz_program_small_bytes : fuzz_take32(input) >> (head & 0xfu));
      return;
    case 1:
      send_program(head);
      return;
    case 2:
      send_own(input, head);
      return;
    case 3: /* a register: running, autostart, size, hash, SHA-256, version */
      send((uint16_t)(fuzz_take8(input) << 8 | 0x80u | (head & 3u)), peer.deployed, input->at,
           fuzz_left(input) > 0);
      return;
    case 4:
      fuzz_cut_power_at(head & 0x1fu);
      return;
    case 5:
      if (head & 0x10u)
        peer.counter ^= head & 0xfu;
      else
        peer.port = (uint16_t)(peer.port + (head & 3u));
      return;
    case 6:
      fuzz_advance((head & 0x1fu) * 100000u);
      return;
    default:
      if (head & 0x10u) {
        send_statement(input, head);
        return;
      }
      peer.may_vanish = peer.may_change = 1; /* it can say all that the steps above do */
      fuzz_send_packet(input);
  }
}

/* What the service holds for a program lies in its region. */
static void check_program(void) {
  const uint8_t *program;
  const size_t bytes = rt_deploy_program(&program);
  FUZZ_CHECK((bytes == 0) == (program == NULL));
  FUZZ_CHECK(bytes != 0 || peer.may_vanish);
  if (bytes == 0) return;
  FUZZ_CHECK(program > fuzz_program_flash());
  FUZZ_CHECK(program + bytes <= fuzz_program_flash() + FUZZ_PROGRAM_BYTES);
  FUZZ_CHECK(!rt_trust_is_locked() || peer.may_change); /* runs what nobody has signed */
}

static void run_all(void *context) {
  fuzz_input_t *input = context;
  const rt_firmware_config_t config = {.heap = fuzz_heap(HEAP_BYTES), .heap_bytes = HEAP_BYTES};
  FUZZ_CHECK(rt_firmware_init(&config) == RT_OK);
  peer.deployed = find_service();
  peer.port = 0;
  check_program();
  for (uint32_t turn = 0; turn < MOST_TURNS && fuzz_left(input) > 0; turn++) {
    step(input);
    rt_firmware_poll(rt_hal_now_us());
    check_program();
  }
}

/* Puts a sound program there, over the link as a tool would. */
static void deploy_small(void *context) {
  (void)context;
  const rt_firmware_config_t config = {.heap = fuzz_heap(HEAP_BYTES), .heap_bytes = HEAP_BYTES};
  FUZZ_CHECK(rt_firmware_init(&config) == RT_OK);
  peer.deployed = find_service();
  peer.port = 0;
  rt_firmware_poll(rt_hal_now_us());
  open_pipe(fuzz_program_small_bytes);
  rt_firmware_poll(rt_hal_now_us());
  send_program(WHOLE);
  rt_firmware_poll(rt_hal_now_us());
  const uint8_t *program;
  FUZZ_CHECK(rt_deploy_program(&program) == fuzz_program_small_bytes);
}

/* A header with a right checksum, whatever it says. */
static void write_header(fuzz_input_t *input) {
  uint8_t sha256[RT_SHA256_BYTES] = {0}, statement[RT_TRUST_STATEMENT_BYTES] = {0};
  const uint32_t choices = fuzz_take8(input), bytes = fuzz_take32(input) >> (choices & 0x1fu);
  const uint32_t half = FUZZ_PROGRAM_BYTES / 2u, place = choices & 0x20u ? half : 0;
  uint8_t *page = fuzz_program_flash() + place;
  const uint32_t room = FUZZ_PROGRAM_BYTES - place - RT_PLACES_HEADER_BYTES;
  rt_places_write_header(page, page + RT_PLACES_HEADER_BYTES, bytes < room ? bytes : room, sha256,
                         fuzz_take32(input), choices & 0x40u ? statement : NULL);
  if (choices & 0x80u) rt_bus_store32(page + 4, bytes); /* and then the checksum is wrong */
}

/* Damage of the region: pairs of place and byte, ended by a place of 0xffff; 0xfffe: a header. */
static void damage(fuzz_input_t *input) {
  for (uint32_t i = 0; i < 64 && fuzz_left(input) > 0; i++) {
    const uint32_t at = fuzz_take16(input);
    if (at == 0xffffu) return;
    if (at == 0xfffeu)
      write_header(input);
    else
      fuzz_program_flash()[at % FUZZ_PROGRAM_BYTES] = (uint8_t)fuzz_take8(input);
  }
}

static void fill_flash(fuzz_input_t *input, uint32_t kind) {
  peer.may_vanish = 1;
  if (kind == 1 || kind == 2) {
    fuzz_run(deploy_small, NULL);
    fuzz_reboot();
  }
  if (kind == 3) fuzz_take(input, fuzz_program_flash(), fuzz_take16(input));
  if (kind >= 2) damage(input);
  peer.may_vanish = kind != 1;
}

void fuzz_deploy(const uint8_t *data, size_t size) {
  static const uint8_t owner[RT_TRUST_KEY_BYTES] = {1, 2, 3};
  fuzz_input_t input = {data, data + size};
  const uint32_t choices = fuzz_take8(&input);
  rt_learner_setup = NULL;
  memset(&peer, 0, sizeof peer);
  fuzz_power_on(4);
  fuzz_listen(hear);
  fuzz_set_owner(NULL, 0);
  fill_flash(&input, choices & 3u);
  if (choices & 8u) fuzz_set_owner(owner, choices & 4u);
  /* What was there is nobody's: such a board does not run it. */
  if (choices & 8u) peer.may_vanish = peer.may_vanish || (choices & 4u);
  for (uint32_t boots = 0; boots < 4 && fuzz_run(run_all, &input); boots++) fuzz_reboot();
  /* However it ended: the board boots. */
  fuzz_input_t nothing = {data, data};
  fuzz_reboot();
  FUZZ_CHECK(fuzz_run(run_all, &nothing) == 0);
  fuzz_set_owner(NULL, 0);
}
