/*
 * Tables that the build generates beside the board's: the script that the firmware brings along.
 */
#ifndef RT_HAL_RP2040_PROGRAM_H
#define RT_HAL_RP2040_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* NULL and 0: none; one is deployed later. */
extern const uint8_t *const rt_program;
extern const size_t rt_program_bytes;

#endif
