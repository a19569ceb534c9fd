/* The board that the input plays with. Flash regions and nothing else can be read or written. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* An endless loop that only looks at the clock must end: each look takes this long. */
#define LOOK_US 1u
#define PINS 32u
#define INPUT_BYTES 16384u
#define AUDIO_SAMPLES 4096u
#define I2C_ADDRESS 0x42u
#define I2C_REGISTERS 256u
#define FRAME_BYTES 256u
#define NO_SECTOR 0xffffffffu

#define PIN(number) \
  { "GP" #number, number }

static const rt_board_pin_t board_pins[] = {PIN(2), PIN(3), PIN(15), PIN(26), PIN(27)};

const rt_board_t rt_board = {
    .name = "fuzz",
    .product_id = 0x3f6e1f0du,
    .clock_hz = 125000000u,
    .led_pin = 25,
    .button_pin = 15,
    .microphone_pin = 26,
    .i2c_sda_pin = 4,
    .i2c_scl_pin = 5,
    .uart_tx_pin = 0,
    .uart_rx_pin = 1,
    .i2c_hz = 100000u,
    .uart_baud = 115200u,
    .program_offset = FUZZ_PROGRAM_OFFSET,
    .program_bytes = FUZZ_PROGRAM_BYTES,
    .store_offset = FUZZ_STORE_OFFSET,
    .store_bytes = FUZZ_STORE_BYTES,
    .pin_count = sizeof board_pins / sizeof board_pins[0],
    .pins = board_pins,
    .active_microwatts = 79200u,
    .listening_microwatts = 29700u,
    .sleep_microwatts = 4290u,
};

typedef struct {
  uint32_t offset, bytes;
  uint8_t *data;           /* of exactly `bytes` bytes */
  uint32_t touched, stuck; /* bytes from the start that may not be erased any more; a sector */
} region_t;

static region_t regions[] = {
    {.offset = FUZZ_PROGRAM_OFFSET, .bytes = FUZZ_PROGRAM_BYTES, .stuck = NO_SECTOR},
    {.offset = FUZZ_STORE_OFFSET, .bytes = FUZZ_STORE_BYTES, .stuck = NO_SECTOR},
};

typedef struct {
  uint8_t bytes[INPUT_BYTES];
  size_t at, size;
  uint8_t is_open;
} link_t;

static struct {
  uint64_t now_us, sent_bytes;
  uint32_t cycles, random, cut_at, writes;
  link_t link[RT_HAL_LINKS];
  int16_t audio[AUDIO_SAMPLES];
  uint32_t heard, read, is_listening;
  uint16_t analog;
  fuzz_ear_t ear;
  uint8_t frame[FRAME_BYTES]; /* being sent by the board on USB */
  size_t frame_bytes;
  uint8_t was_escape;
  uint8_t mode[PINS], level[PINS], registers[I2C_REGISTERS];
} machine;

static jmp_buf leave;
static int is_running;

_Noreturn void fuzz_fail(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  fflush(stderr);
  abort();
}

/* ---- Power ---- */

#ifdef __ELF__
/* All variables of native/ (sections.h), and what they are when the program starts. */
extern uint8_t __start_rt_fuzz_bss[], __stop_rt_fuzz_bss[];
extern uint8_t __start_rt_fuzz_data[], __stop_rt_fuzz_data[];

/* Word by word and unseen by the sanitizer: between the variables lie its guards. */
#define UNSEEN __attribute__((no_sanitize("address", "undefined")))

UNSEEN static void copy_words(void *to, const void *from, size_t bytes) {
  uint64_t *target = to;
  const uint64_t *source = from;
  for (size_t i = 0; i < bytes / sizeof *target; i++) target[i] = source == NULL ? 0 : source[i];
}

static void clear_memory(void) {
  static uint8_t *initial;
  const size_t bytes = (size_t)(__stop_rt_fuzz_data - __start_rt_fuzz_data) & ~(size_t)7;
  if (initial == NULL) {
    initial = malloc(bytes + 8);
    if (initial == NULL) abort();
    copy_words(initial, __start_rt_fuzz_data, bytes);
  }
  copy_words(__start_rt_fuzz_data, initial, bytes);
  copy_words(__start_rt_fuzz_bss, NULL, (size_t)(__stop_rt_fuzz_bss - __start_rt_fuzz_bss));
}
#else
static void clear_memory(void) {}
#endif

static void erase_region(region_t *region) {
  if (region->data == NULL) {
    region->data = malloc(region->bytes);
    if (region->data == NULL) abort();
    region->touched = region->bytes;
  }
  memset(region->data, 0xff, region->touched);
  region->touched = 0;
  region->stuck = NO_SECTOR;
}

void fuzz_reboot(void) {
  clear_memory();
  machine.now_us = machine.sent_bytes = 0;
  machine.cycles = machine.cut_at = machine.writes = 0;
  machine.heard = machine.read = machine.is_listening = 0;
  for (uint32_t i = 0; i < RT_HAL_LINKS; i++) {
    machine.link[i].at = machine.link[i].size = 0;
    machine.link[i].is_open = 1;
  }
  memset(machine.mode, 0, sizeof machine.mode);
  memset(machine.level, 1, sizeof machine.level);
  memset(machine.registers, 0, sizeof machine.registers);
  machine.frame_bytes = machine.was_escape = 0;
  machine.analog = 0x8000;
}

uint64_t *fuzz_heap(size_t bytes) {
  static uint64_t *heap;
  free(heap);
  heap = malloc(bytes);
  if (heap == NULL) abort();
  return heap;
}

void fuzz_power_on(uint32_t seed) {
  for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) erase_region(&regions[i]);
  machine.random = seed;
  machine.ear = NULL;
  fuzz_reboot();
}

int fuzz_run(void (*body)(void *context), void *context) {
  FUZZ_CHECK(!is_running);
  is_running = 1;
  const int was_left = setjmp(leave);
  if (was_left == 0) body(context);
  is_running = 0;
  return was_left;
}

static _Noreturn void stop(void) {
  FUZZ_CHECK(is_running);
  longjmp(leave, 1);
}

_Noreturn void rt_hal_reset(void) { stop(); }

_Noreturn void rt_hal_halt(uint32_t code) {
  (void)code;
  stop();
}

/* ---- Time and life ---- */

void fuzz_advance_to(uint64_t now_us) {
  if (now_us > machine.now_us) machine.now_us = now_us;
}

void fuzz_advance(uint64_t us) { machine.now_us += us; }

void rt_hal_init(void) {}
uint64_t rt_hal_now_us(void) { return machine.now_us += LOOK_US; }
void rt_hal_sleep_until(uint64_t deadline_us) { fuzz_advance_to(deadline_us); }
void rt_hal_deep_sleep_until(uint64_t deadline_us) { fuzz_advance_to(deadline_us); }

void rt_hal_spent(uint32_t cycles) {
  const uint32_t per_us = rt_board.clock_hz / 1000000u;
  const uint64_t total = (uint64_t)machine.cycles + cycles;
  machine.now_us += total / per_us;
  machine.cycles = (uint32_t)(total % per_us);
}

rt_hal_reset_cause_t rt_hal_reset_cause(void) { return RT_HAL_RESET_POWER_ON; }
void rt_hal_watchdog(uint32_t milliseconds) { (void)milliseconds; }
uint64_t rt_hal_device_id(void) { return 0x9f9148ee0ea3461du; }

/* mulberry32 (public domain). */
uint32_t rt_hal_random(void) {
  machine.random += 0x6d2b79f5u;
  uint32_t t = machine.random;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return t ^ t >> 14;
}

uint32_t rt_hal_stack_used_bytes(void) { return 0; }

/* ---- Links ---- */

void fuzz_open(rt_hal_link_t link, uint32_t open) { machine.link[link].is_open = open != 0; }
uint64_t fuzz_sent_bytes(void) { return machine.sent_bytes; }

void fuzz_send(rt_hal_link_t link, const uint8_t *bytes, size_t size) {
  link_t *to = &machine.link[link];
  if (to->at == to->size) to->at = to->size = 0;
  if (size > INPUT_BYTES - to->size) size = INPUT_BYTES - to->size;
  if (size > 0) memcpy(to->bytes + to->size, bytes, size);
  to->size += size;
}

void fuzz_send_frame(rt_hal_link_t link, const uint8_t *frame, size_t size) {
  static const uint8_t begin[] = {0xfe, 0xfc}, end[] = {0xfe, 0xfd}, literal[] = {0xfe, 0xf8};
  fuzz_send(link, begin, sizeof begin);
  for (size_t i = 0; i < size; i++) {
    if (frame[i] == 0xfe)
      fuzz_send(link, literal, sizeof literal);
    else
      fuzz_send(link, frame + i, 1);
  }
  fuzz_send(link, end, sizeof end);
}

uint32_t rt_hal_link_is_open(rt_hal_link_t link) { return machine.link[link].is_open; }

size_t rt_hal_link_read(rt_hal_link_t link, uint8_t *bytes, size_t capacity) {
  link_t *from = &machine.link[link];
  size_t count = from->size - from->at;
  if (count > capacity) count = capacity;
  if (count > 0) memcpy(bytes, from->bytes + from->at, count);
  from->at += count;
  return count;
}

void fuzz_listen(fuzz_ear_t ear) { machine.ear = ear; }

/* 0xfe 0xfc begins a frame, 0xfe 0xfd ends it, 0xfe 0xf8 is a byte 0xfe in it. */
static void hear_byte(uint8_t byte) {
  const uint32_t was_escape = machine.was_escape;
  machine.was_escape = !was_escape && byte == 0xfe;
  if (machine.was_escape) return;
  if (was_escape && byte == 0xfc) {
    machine.frame_bytes = 0;
  } else if (was_escape && byte == 0xfd) {
    machine.ear(machine.frame, machine.frame_bytes);
  } else if (machine.frame_bytes < FRAME_BYTES) {
    machine.frame[machine.frame_bytes++] = was_escape ? 0xfe : byte;
  }
}

/* Takes all, or one time in four a part: a computer reads when it likes. */
size_t rt_hal_link_write(rt_hal_link_t link, const uint8_t *bytes, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i < size; i++) sum += bytes[i]; /* so that the sanitizer sees all of it */
  const size_t taken = machine.writes++ % 4u == 3u ? sum % (size + 1u) : size;
  machine.sent_bytes += taken;
  const uint32_t is_heard = link == RT_HAL_LINK_USB && machine.ear != NULL;
  for (size_t i = 0; i < taken && is_heard; i++) hear_byte(bytes[i]);
  return taken;
}

/* ---- Flash ---- */

uint8_t *fuzz_program_flash(void) {
  regions[0].touched = regions[0].bytes;
  return regions[0].data;
}

uint8_t *fuzz_store_flash(void) {
  regions[1].touched = regions[1].bytes;
  return regions[1].data;
}

void fuzz_cut_power_at(uint32_t operation) { machine.cut_at = operation; }
void fuzz_stick_sector(uint32_t sector) { regions[1].stuck = sector; }

static region_t *region_at(uint32_t offset, uint32_t bytes) {
  for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
    const uint32_t from = offset - regions[i].offset;
    if (from <= regions[i].bytes && bytes <= regions[i].bytes - from) return &regions[i];
  }
  return NULL;
}

const uint8_t *rt_hal_flash_data(uint32_t offset) {
  const region_t *region = region_at(offset, 0);
  FUZZ_CHECK(region != NULL); /* neither the program's region nor the store's */
  return region->data + (offset - region->offset);
}

/* The region to be written at `*offset`, which counts from its start afterwards. */
static region_t *begin_write(uint32_t *offset, uint32_t bytes, uint32_t unit) {
  FUZZ_CHECK(*offset % unit == 0 && bytes % unit == 0);
  region_t *region = region_at(*offset, bytes);
  FUZZ_CHECK(region != NULL); /* writes outside its own flash */
  *offset -= region->offset;
  if (*offset + bytes > region->touched) region->touched = *offset + bytes;
  return region;
}

static uint32_t is_cut(void) { return machine.cut_at != 0 && --machine.cut_at == 0; }

static uint32_t is_stuck(const region_t *region, uint32_t offset) {
  return region->stuck == offset / RT_HAL_FLASH_SECTOR_BYTES;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  region_t *region = begin_write(&offset, bytes, RT_HAL_FLASH_SECTOR_BYTES);
  for (uint32_t i = 0; i < bytes; i += RT_HAL_FLASH_SECTOR_BYTES) {
    if (is_stuck(region, offset + i)) continue;
    const uint32_t cut = is_cut();
    memset(region->data + offset + i, 0xff, cut ? 1000u : RT_HAL_FLASH_SECTOR_BYTES);
    if (cut) stop();
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  region_t *region = begin_write(&offset, bytes, RT_HAL_FLASH_PAGE_BYTES);
  for (uint32_t i = 0; i < bytes; i += RT_HAL_FLASH_PAGE_BYTES) {
    if (is_stuck(region, offset + i)) continue;
    const uint32_t cut = is_cut(), count = cut ? 100u : RT_HAL_FLASH_PAGE_BYTES;
    for (uint32_t k = i; k < i + count; k++) region->data[offset + k] &= data[k];
    if (cut) stop();
  }
  return RT_OK;
}

/* ---- Pins and converter ---- */

void fuzz_pin(uint8_t pin, uint32_t level) {
  if (pin < PINS) machine.level[pin] = level != 0;
}

void fuzz_analog(uint16_t value) { machine.analog = value; }

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  if (pin >= PINS) return RT_ERROR_ARGUMENT;
  machine.mode[pin] = (uint8_t)mode;
  return RT_OK;
}

void rt_hal_pin_write(uint8_t pin, uint32_t level) { fuzz_pin(pin, level); }
uint32_t rt_hal_pin_read(uint8_t pin) { return pin < PINS ? machine.level[pin] : 0; }

rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  (void)duty;
  return pin < PINS ? RT_OK : RT_ERROR_ARGUMENT;
}

rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  if (pin < 26 || pin > 28) return RT_ERROR_ARGUMENT;
  *value = machine.analog;
  return RT_OK;
}

rt_status_t rt_hal_audio_start(uint8_t pin, uint32_t rate_hz) {
  if (pin < 26 || pin > 28 || rate_hz == 0 || machine.is_listening) return RT_ERROR_STATE;
  machine.is_listening = 1;
  machine.heard = machine.read = 0;
  return RT_OK;
}

void rt_hal_audio_stop(void) { machine.is_listening = 0; }

void fuzz_hear(const int16_t *samples, size_t count) {
  if (!machine.is_listening) return;
  for (size_t i = 0; i < count; i++) machine.audio[machine.heard++ % AUDIO_SAMPLES] = samples[i];
}

size_t rt_hal_audio_read(int16_t *samples, size_t capacity, uint32_t *lost) {
  if (machine.heard - machine.read > AUDIO_SAMPLES) {
    *lost += machine.heard - machine.read - AUDIO_SAMPLES;
    machine.read = machine.heard - AUDIO_SAMPLES;
  }
  size_t count = 0;
  while (count < capacity && machine.read != machine.heard) {
    samples[count++] = machine.audio[machine.read++ % AUDIO_SAMPLES];
  }
  return count;
}

/* ---- Buses: one I2C device with registers; what SPI sends comes back ---- */

rt_status_t rt_hal_i2c_transfer(uint8_t address, const uint8_t *write, size_t write_bytes,
                                uint8_t *read, size_t read_bytes) {
  if (address != I2C_ADDRESS) return RT_ERROR_EMPTY;
  const size_t first = write_bytes > 0 ? write[0] : 0;
  for (size_t i = 1; i < write_bytes; i++) {
    machine.registers[(first + i - 1) % I2C_REGISTERS] = write[i];
  }
  for (size_t i = 0; i < read_bytes; i++) read[i] = machine.registers[(first + i) % I2C_REGISTERS];
  return RT_OK;
}

rt_status_t rt_hal_spi_configure(const rt_hal_spi_config_t *config) {
  return config->mode > 3 || config->hz == 0 ? RT_ERROR_ARGUMENT : RT_OK;
}

rt_status_t rt_hal_spi_transfer(const uint8_t *write, uint8_t *read, size_t bytes) {
  for (size_t i = 0; i < bytes && read != NULL; i++) read[i] = write != NULL ? write[i] : 0;
  return RT_OK;
}

rt_status_t rt_hal_led_strip_send(uint8_t pin, const uint8_t *bytes, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i < size; i++) sum += bytes[i];
  (void)sum;
  return pin < PINS ? RT_OK : RT_ERROR_ARGUMENT;
}
