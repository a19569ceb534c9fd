/*
 * Packets to a firmware whose program has roles and serves services (test/bus/programs): what comes
 * in over the links meets the control service, the bus, the virtual machine and its natives.
 * Input, again and again: a head, then what it says.
 *   0x00 to 0x9f  a packet (packets.h)
 *   0xa0 to 0xbf  an announcement
 *   0xc0 to 0xdf  time passes
 *   0xe0 to 0xff  a pin or the converter changes
 */
#include "firmware/firmware.h"
#include "fuzz.h"
#include "packets.h"
#include "targets.h"

#define HEAP_BYTES 49152u
#define MOST_TURNS 150u
#define FIRST_TURNS 12u

static void turn_once(void) {
  const uint64_t now_us = rt_hal_now_us();
  const uint64_t next_us = rt_firmware_poll(now_us);
  fuzz_advance_to(next_us < now_us + 5000u ? next_us : now_us + 5000u);
}

static void step(fuzz_input_t *input) {
  const uint32_t head = fuzz_take8(input);
  if (head < 0xa0u) {
    fuzz_send_packet(input);
  } else if (head < 0xc0u) {
    fuzz_send_announcement(input);
  } else if (head < 0xe0u) {
    fuzz_advance((head & 0x1fu) * 20000u);
  } else if (head & 1u) {
    fuzz_pin(15, head & 2u);
  } else {
    fuzz_analog((uint16_t)(head << 11));
  }
}

static void run_all(void *context) {
  fuzz_input_t *input = context;
  const rt_firmware_config_t config = {.heap = fuzz_heap(HEAP_BYTES),
                                       .heap_bytes = HEAP_BYTES,
                                       .program = fuzz_program_roles,
                                       .program_bytes = fuzz_program_roles_bytes};
  FUZZ_CHECK(rt_firmware_init(&config) == RT_OK);
  for (uint32_t turn = 0; turn < FIRST_TURNS; turn++) turn_once();
  for (uint32_t turn = 0; turn < MOST_TURNS && fuzz_left(input) > 0; turn++) {
    step(input);
    turn_once();
  }
  /* Nothing that comes over a link may stop a program that catches its errors. */
  FUZZ_CHECK(rt_vm_state() != RT_VM_PANICKED);
}

void fuzz_bus(const uint8_t *data, size_t size) {
  fuzz_input_t input = {data, data + size};
  rt_learner_setup = NULL;
  fuzz_power_on(3);
  for (uint32_t boots = 0; boots < 3 && fuzz_run(run_all, &input); boots++) fuzz_reboot();
}
