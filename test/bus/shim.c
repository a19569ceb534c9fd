/* What the bus needs of the rest of a firmware, where a test in TypeScript cannot stand in for it. */
#include "bus/deploy.h"
#include "hal/board.h"
#include "store/trust.h"

/* Two small regions: programs behind one sector of something else, then the store. */
const rt_board_t rt_board = {
    .name = "Test board",
    .product_id = 0x3abc1234u,
    .clock_hz = 125000000u,
    .led_pin = 25,
    .button_pin = RT_BOARD_NO_PIN,
    .microphone_pin = RT_BOARD_NO_PIN,
    .program_offset = 4096u,
    .program_bytes = 16384u,
    .store_offset = 20480u,
    .store_bytes = 45056u,
};

/* The owner that a test builds in, if any. */
static uint8_t owner[RT_TRUST_KEY_BYTES];
static rt_trust_setup_t setup = {.verify = rt_ed25519_verify};
const rt_trust_setup_t *rt_trust_setup(void) { return &setup; }
uint8_t *test_owner(uint32_t is_locked) {
  setup.owner = owner;
  setup.is_locked = (uint8_t)is_locked;
  return owner;
}
void test_without_signatures(void) { setup.verify = NULL; }

/* Functions of the test. */
extern uint32_t test_heard(const rt_packet_t *packet);

void test_listen(void) { rt_bus_listen(test_heard); }

/* The program's flash as memory, for the test to write to. */
static uint8_t flash[65536];
uint8_t *test_flash(void) { return flash; }
const uint8_t *rt_hal_flash_data(uint32_t offset) { return flash + offset; }

/* Where the test puts packets, payloads and texts. */
static uint64_t memory[256];
void *test_memory(void) { return memory; }

static const uint8_t *program;
const uint8_t *test_program(void) { return program; }
size_t test_program_bytes(void) { return rt_deploy_program(&program); }

/* Answers of a device, as rt_bus_device gives them. */
static const uint32_t *classes;
static uint64_t device_id;
static uint32_t count;
int32_t test_device(uint32_t nth) {
  if (rt_bus_device(nth, &device_id, &classes, &count) != RT_OK) return -1;
  return (int32_t)count;
}
uint32_t test_device_class(uint32_t index) { return classes[index]; }
uint64_t test_device_id(void) { return device_id; }
