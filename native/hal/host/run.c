/* One boot of the firmware with a program. */
#include <setjmp.h>

#include "bus/bus.h"
#include "firmware/firmware.h"
#include "hal/host/host.h"
#include "vm/heap.h"

static jmp_buf leave;

_Noreturn void rt_host_leave(void) { longjmp(leave, 1); }

static rt_host_end_t end_of(rt_vm_state_t state) {
  switch (state) {
    case RT_VM_EMPTY:
      return RT_HOST_REFUSED;
    case RT_VM_ENDED:
      return RT_HOST_ENDED;
    case RT_VM_RESTART:
      return RT_HOST_RESTART;
    case RT_VM_REBOOT:
      return RT_HOST_REBOOT;
    case RT_VM_PANICKED:
      return RT_HOST_PANIC;
    default:
      return RT_HOST_WAITING;
  }
}

/* The main loop of a board, until the program stops or time is up. */
static void run_until_end(uint64_t limit_us) {
  for (;;) {
    const uint64_t now_us = rt_hal_now_us();
    if (now_us >= limit_us) return;
    const uint64_t next_us = rt_firmware_poll(now_us);
    if (rt_vm_state() != RT_VM_RUNNING) return;
    rt_hal_sleep_until(next_us < limit_us ? next_us : limit_us);
  }
}

rt_host_end_t rt_host_run(const rt_host_run_t *run, uint32_t *panic) {
  const rt_firmware_config_t config = {
      .heap = run->heap,
      .heap_bytes = run->heap_bytes,
      .program = run->image,
      .program_bytes = run->image_bytes,
      .stays_stopped = 1,
  };
  *panic = 0;
  rt_host_power_on(run->seed);
  rt_bus_tap_log(run->console);
  if (setjmp(leave) != 0) return RT_HOST_RESET;
  rt_hal_init();
  rt_heap_fail_at(run->fail_at);
  if (rt_firmware_init(&config) != RT_OK) return RT_HOST_REFUSED;
  run_until_end(run->limit_us);
  *panic = rt_vm_panic_code();
  return end_of(rt_vm_state());
}
