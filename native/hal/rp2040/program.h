/*
 * The script that the firmware brings along: runs while none is deployed. The build writes it; the
 * emulator overwrites it in the image, to run another program without linking again.
 */
#ifndef RT_HAL_RP2040_PROGRAM_H
#define RT_HAL_RP2040_PROGRAM_H

#include <stdint.h>

typedef struct {
  const uint8_t *image; /* 4-aligned; NULL: none */
  uint32_t bytes;
  uint32_t stays_stopped; /* as in rt_firmware_config_t */
} rt_program_t;

extern const rt_program_t rt_program;

#endif
