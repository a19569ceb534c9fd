#include "firmware/firmware.h"

#include "bus/bus.h"
#include "bus/deploy.h"
#include "hal/hal.h"
#include "services/service.h"
#include "store/trust.h"

/* One firmware on a chip: all its state. */
static struct {
  rt_firmware_config_t config;
  uint64_t start_at_us; /* UINT64_MAX: not to be started */
  uint8_t has_reported; /* the end of the present run */
} firmware;

static const uint64_t NEVER = UINT64_MAX;

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

static void log_text(char level, const char *text) { rt_bus_log(level, text, length_of(text)); }

/* Writes `number` in decimals at `text`; returns how many. */
static size_t print_decimal(char *text, uint32_t number) {
  char digits[10];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  for (size_t i = 0; i < count; i++) text[i] = digits[count - 1 - i];
  return count;
}

static void log_number(char level, const char *text, uint32_t number) {
  char line[96];
  size_t length = length_of(text);
  if (length > sizeof line - 10) length = sizeof line - 10;
  for (size_t i = 0; i < length; i++) line[i] = text[i];
  length += print_decimal(line + length, number);
  rt_bus_log(level, line, length);
}

/* The deployed program, else the one that came with the firmware. */
static size_t find_program(const uint8_t **program) {
  size_t bytes = rt_deploy_program(program);
  if (bytes != 0) return bytes;
  *program = firmware.config.program;
  return firmware.config.program == NULL ? 0 : firmware.config.program_bytes;
}

static void start_program(void) {
  const uint8_t *program;
  const size_t bytes = find_program(&program);
  firmware.start_at_us = NEVER;
  firmware.has_reported = 0;
  rt_services_reset();
  rt_bus_drop_script_services();
  if (bytes == 0) return;
  const rt_vm_config_t config = {
      .heap = firmware.config.heap,
      .heap_bytes = firmware.config.heap_bytes,
      .watchdog_us = RT_FIRMWARE_WATCHDOG_US,
      .now_us = rt_hal_now_us,
      .random = rt_hal_random,
      .spent = rt_hal_spent,
  };
  rt_image_fault_t fault = {0};
  if (rt_vm_start(&config, program, bytes, &fault) == RT_OK) return;
  log_text('!', fault.what != NULL ? fault.what : "the program cannot be started");
  log_number('!', "program refused; noticed at byte ", fault.offset);
}

rt_status_t rt_firmware_init(const rt_firmware_config_t *config) {
  firmware.config = *config;
  firmware.start_at_us = NEVER;
  firmware.has_reported = 0;
  rt_trust_init();
  rt_bus_init(rt_hal_device_id());
  rt_status_t status = rt_deploy_init();
  if (status == RT_OK) status = rt_services_init();
  if (status != RT_OK) return status;
  if (rt_deploy_autostart()) firmware.start_at_us = 0;
  return RT_OK;
}

/* The program has stopped by itself: says why, once, and plans what comes next. */
static void handle_end(rt_vm_state_t state, uint64_t now_us) {
  if (firmware.has_reported) return;
  firmware.has_reported = 1;
  if (state == RT_VM_PANICKED) {
    log_number('!', "PANIC ", rt_vm_panic_code());
    rt_deploy_panicked(rt_vm_panic_code(), 0);
  }
  if (firmware.config.stays_stopped) return;
  if (state == RT_VM_REBOOT) rt_hal_reset();
  if (state == RT_VM_RESTART) firmware.start_at_us = now_us;
  if (state == RT_VM_PANICKED) firmware.start_at_us = now_us + RT_FIRMWARE_RESTART_US;
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t rt_firmware_poll(uint64_t now_us) {
  if (firmware.start_at_us <= now_us) start_program();
  uint64_t next_us = rt_bus_process(now_us);
  next_us = earlier(next_us, rt_services_poll(now_us));
  next_us = earlier(next_us, rt_vm_run(rt_hal_now_us(), RT_FIRMWARE_SLICE_US));
  const rt_vm_state_t state = rt_vm_state();
  if (state == RT_VM_RESTART || state == RT_VM_REBOOT || state == RT_VM_PANICKED) {
    handle_end(state, rt_hal_now_us());
  }
  /* What the script has just sent is dispatched in the next turn, at once. */
  if (rt_bus_is_pending()) return now_us;
  return earlier(next_us, firmware.start_at_us);
}

void rt_firmware_set_running(uint32_t running) {
  if (!running) {
    firmware.start_at_us = NEVER;
    rt_firmware_release_program();
    return;
  }
  rt_vm_stop();
  firmware.start_at_us = 0;
}

uint32_t rt_firmware_is_running(void) {
  const rt_vm_state_t state = rt_vm_state();
  return state == RT_VM_RUNNING || state == RT_VM_ENDED || firmware.start_at_us != NEVER;
}

void rt_firmware_release_program(void) {
  rt_vm_stop();
  firmware.has_reported = 1;
  rt_bus_drop_script_services();
}
