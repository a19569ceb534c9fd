/*
 * The firmware as a program of this computer, for tests and sanitizers: a board without links,
 * whose time is virtual (it jumps to the next deadline, and moves by what rt_hal_spent says and a
 * little at every look at the clock), so that runs are fast and the same every time.
 */
#ifndef RT_HAL_HOST_HOST_H
#define RT_HAL_HOST_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "hal/hal.h"

#define RT_HOST_FLASH_BYTES 0x200000u
#define RT_HOST_PINS 32u

/* Takes a line of the log; `text` has `bytes` bytes and no newline. */
typedef void (*rt_host_console_t)(char level, const char *text, size_t bytes);

typedef struct {
  const uint8_t *image; /* 4-aligned, `image_bytes` exactly: what lies behind belongs to others */
  size_t image_bytes;
  uint64_t *heap;
  size_t heap_bytes;
  uint32_t seed;
  uint64_t limit_us; /* virtual time after which the run is cut off */
  uint32_t fail_at;  /* this allocation of the script finds no memory; 0: none */
  rt_host_console_t console;
} rt_host_run_t;

typedef enum {
  RT_HOST_REFUSED = 0, /* the image did not pass rt_image_check */
  RT_HOST_ENDED = 1,   /* nothing left to do */
  RT_HOST_RESTART = 2,
  RT_HOST_REBOOT = 3,
  RT_HOST_PANIC = 4,
  RT_HOST_WAITING = 5, /* at limit_us */
  RT_HOST_RESET = 6,   /* rt_hal_reset or rt_hal_halt was called */
} rt_host_end_t;

/* One boot, from power on until the program stops. `*panic` (out) is its code. */
rt_host_end_t rt_host_run(const rt_host_run_t *run, uint32_t *panic);

/* Takes the board back to power on; flash erased. */
void rt_host_power_on(uint32_t seed);
/* Moves virtual time forward. */
void rt_host_advance(uint64_t now_us);

/* What rt_hal_reset and rt_hal_halt do: leaves rt_host_run. */
_Noreturn void rt_host_leave(void);

#endif
