/*
 * QEMU's riscv32 `virt` machine: what the files of this HAL share. It has a core as the ESP32-C3's
 * (RV32IMC), a timer, a serial line and a register to end the emulation; pins, converters and buses
 * are not there.
 */
#ifndef RT_HAL_RV32VIRT_RV32VIRT_H
#define RT_HAL_RV32VIRT_RV32VIRT_H

#include <stddef.h>
#include <stdint.h>

#define RT_RV32VIRT_FLASH_BYTES 0x60000u

/* What the starter of the emulator leaves in memory: 16 bytes, then the script's program. */
typedef struct {
  uint32_t program_bytes; /* 0: none */
  uint32_t limit_ms;      /* virtual time after which a run is cut off; 0: never */
  uint32_t flags;         /* RT_RV32VIRT_… */
  uint32_t reserved;
} rt_rv32virt_start_t;

#define RT_RV32VIRT_START ((const rt_rv32virt_start_t *)0x80800000u)
#define RT_RV32VIRT_PROGRAM ((const uint8_t *)0x80800010u)

/* The serial line is a link for tools, as on a board, instead of a console. */
#define RT_RV32VIRT_LINK 1u

/* One character on the serial line. */
void rt_rv32virt_put(char c);

/* Ends the emulation with this exit code, 0 to 255. */
_Noreturn void rt_rv32virt_exit(uint32_t code);

#endif
