/*
 * Runs the program that lies behind the firmware until it stops: its console on the serial line,
 * each line with its level, then how it ended: `= restart`, `= panic 60005`. Exit code as the
 * runner on a host: 0 ended or restarted, 1 after a panic, 2 refused, 3 at the time limit.
 *
 * With the flag for a link it is the firmware of a board instead: programs come over the line.
 */
#include "bus/bus.h"
#include "firmware/firmware.h"
#include "hal/hal.h"
#include "hal/rv32virt/rv32virt.h"
#include "vm/text.h"

#define HEAP_BYTES 65536u

static uint64_t heap[HEAP_BYTES / 8u];

int main(void);

static void put_line(char level, const char *text, size_t bytes) {
  rt_rv32virt_put(level);
  rt_rv32virt_put(' ');
  for (size_t i = 0; i < bytes; i++) rt_rv32virt_put(text[i]);
  rt_rv32virt_put('\n');
}

static int report_end(rt_vm_state_t state) {
  static const char *const names[] = {"refused", "waiting", "ended", "restart", "reboot", "panic"};
  static const uint8_t codes[] = {2, 3, 0, 0, 0, 1};
  char line[32];
  rt_text_t text = {line, sizeof line, 0};
  rt_text_add_words(&text, names[state]);
  if (state == RT_VM_PANICKED) {
    rt_text_add_char(&text, ' ');
    rt_text_add_int(&text, (int32_t)rt_vm_panic_code());
  }
  put_line('=', line, text.length);
  return codes[state];
}

int main(void) {
  const rt_rv32virt_start_t *start = RT_RV32VIRT_START;
  const int is_board = (start->flags & RT_RV32VIRT_LINK) != 0;
  const uint64_t limit_us = start->limit_ms == 0 ? UINT64_MAX : start->limit_ms * (uint64_t)1000;
  const rt_firmware_config_t config = {
      .heap = heap,
      .heap_bytes = sizeof heap,
      .program = start->program_bytes == 0 ? NULL : RT_RV32VIRT_PROGRAM,
      .program_bytes = start->program_bytes,
      .stays_stopped = !is_board,
  };
  rt_hal_init();
  if (!is_board) rt_bus_tap_log(put_line);
  if (rt_firmware_init(&config) != RT_OK) rt_hal_halt(0xfcu);
  for (;;) {
    const uint64_t now_us = rt_hal_now_us();
    if (now_us >= limit_us) return report_end(RT_VM_RUNNING);
    const uint64_t next_us = rt_firmware_poll(now_us);
    if (!is_board && rt_vm_state() != RT_VM_RUNNING) return report_end(rt_vm_state());
    rt_hal_sleep_until(next_us < limit_us ? next_us : limit_us);
  }
}
