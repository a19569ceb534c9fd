/*
 * The virtual machine for DeviceScript bytecode: what a firmware needs of it. One VM in a firmware.
 */
#ifndef RT_VM_VM_H
#define RT_VM_VM_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"
#include "vm/image.h"

/* Panic codes; numbers as upstream's tools know them where they have one. */
#define RT_PANIC_NONE 0u
#define RT_PANIC_REBOOT 60000u
#define RT_PANIC_TIMEOUT 60001u
#define RT_PANIC_OUT_OF_MEMORY 60004u
#define RT_PANIC_UNHANDLED_EXCEPTION 60005u
#define RT_PANIC_STACK_OVERFLOW 60006u
/* The program did what the compiler never emits and the check at load cannot see. */
#define RT_PANIC_BAD_PROGRAM 60014u

/* Calls of the script within each other, in one fiber; memory may run out before. */
#define RT_VM_CALL_DEPTH 500u

typedef enum {
  RT_VM_EMPTY = 0,    /* no program */
  RT_VM_RUNNING = 1,  /* fibers run or wait */
  RT_VM_ENDED = 2,    /* no fiber is left and nothing can start one */
  RT_VM_RESTART = 3,  /* ds.restart(): the script asks to start again */
  RT_VM_REBOOT = 4,   /* ds.reboot() */
  RT_VM_PANICKED = 5, /* stopped; rt_vm_panic_code says why */
} rt_vm_state_t;

typedef struct {
  void *heap; /* 8-aligned */
  size_t heap_bytes;
  /* Longest time that a fiber may run without waiting, microseconds; 0: no watchdog. */
  uint32_t watchdog_us;
  uint64_t (*now_us)(void);
  /* Told about the processor cycles that opcodes took, roughly; for a clock that only moves when
   * told (rt_hal_spent). May be NULL. */
  void (*spent)(uint32_t cycles);
  uint32_t (*random)(void);
} rt_vm_config_t;

/* Checks and starts a program; the image must stay where it is. Drops the one before. */
rt_status_t rt_vm_start(const rt_vm_config_t *config, const uint8_t *image, size_t size,
                        rt_image_fault_t *fault);
void rt_vm_stop(void);

/*
 * Runs fibers until all wait, or for `slice_us`. Returns when it wants to run again (microseconds
 * since boot): now when fibers are runnable, UINT64_MAX when only a packet can wake it.
 */
uint64_t rt_vm_run(uint64_t now_us, uint32_t slice_us);

rt_vm_state_t rt_vm_state(void);
uint32_t rt_vm_panic_code(void);

#endif
