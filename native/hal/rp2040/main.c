/*
 * The firmware on an RP2040: chip up, then the main loop of every board.
 */
#include "firmware/firmware.h"
#include "hal/hal.h"
#include "hal/rp2040/program.h"

/* The script's heap: build/BOARD/board.c gives it the size that the board file says. */
extern uint64_t rt_heap[];
extern const uint32_t rt_heap_bytes;

/* A main loop that hangs for so long restarts the board. */
#define WATCHDOG_MS 8000u
/* Nothing sleeps past it. */
#define LONGEST_SLEEP_US 4000000u

int main(void) {
  rt_hal_init();
  const rt_firmware_config_t config = {
      .heap = rt_heap,
      .heap_bytes = rt_heap_bytes,
      .program = rt_program.image,
      .program_bytes = rt_program.bytes,
      .stays_stopped = (uint8_t)rt_program.stays_stopped,
  };
  const rt_status_t status = rt_firmware_init(&config);
  if (status != RT_OK) rt_hal_halt((uint32_t)status);
  for (;;) {
    rt_hal_watchdog(WATCHDOG_MS);
    const uint64_t next_us = rt_firmware_poll(rt_hal_now_us());
    const uint64_t latest_us = rt_hal_now_us() + LONGEST_SLEEP_US;
    rt_hal_sleep_until(next_us < latest_us ? next_us : latest_us);
  }
}
