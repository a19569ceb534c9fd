/*
 * What makes a firmware of the rooms: bus, services, virtual machine and the deployed program.
 * Every HAL's main function calls rt_firmware_init once and rt_firmware_poll for ever.
 */
#ifndef RT_FIRMWARE_FIRMWARE_H
#define RT_FIRMWARE_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"
#include "vm/vm.h"

/* Longest stretch of script before the bus and the services get their turn. */
#define RT_FIRMWARE_SLICE_US 10000u
/* A script that computes this long without waiting is stopped with RT_PANIC_TIMEOUT. */
#define RT_FIRMWARE_WATCHDOG_US 10000000u
/* A program that panicked starts again after this long. */
#define RT_FIRMWARE_RESTART_US 5000000u

typedef struct {
  /* The script's heap: 8-aligned, owned by the caller. */
  void *heap;
  size_t heap_bytes;
  /* The program to run while none is deployed; NULL: none. 4-aligned, stays where it is. */
  const uint8_t *program;
  size_t program_bytes;
  /*
   * What happens when the program calls ds.restart() or panics: 0 starts it again, as a board does;
   * 1 leaves it stopped for the caller to see (tests, `retune run`).
   */
  uint8_t stays_stopped;
} rt_firmware_config_t;

/* After rt_hal_init: bus, services, then the deployed or given program. */
rt_status_t rt_firmware_init(const rt_firmware_config_t *config);

/* One turn of the main loop. Returns when it wants the next one (microseconds since boot). */
uint64_t rt_firmware_poll(uint64_t now_us);

/* ---- For the deploy service (native/bus/deploy.c) ---- */

/* Starts or stops the program; starting reads the newest deployed one. Takes effect in the next
 * rt_firmware_poll, never inside the caller. */
void rt_firmware_set_running(uint32_t running);
uint32_t rt_firmware_is_running(void);
/* Stops the program at once: its flash is about to be erased. */
void rt_firmware_release_program(void);

#endif
