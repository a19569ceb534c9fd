/*
 * The deployed program in flash, and the service (class 0x1134ea2b) through which DeviceScript's
 * tools put it there, start and stop it.
 *
 * Flash: the board's program region. Its first page is a header that is written last, so that a
 * deploy that was cut off leaves no program rather than half of one:
 *   0  u32 magic "RTP1"     4  u32 bytes of the program     8  u32 CRC-32 of the program
 *   12 u8[32] SHA-256 of the program     44 u32 CRC-32 of bytes 0 to 43     48.. 0xff
 * The program follows at offset RT_DEPLOY_HEADER_BYTES and runs in place.
 *
 * Memory: static, one page to gather bytes in.
 */
#ifndef RT_BUS_DEPLOY_H
#define RT_BUS_DEPLOY_H

#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "engine/status.h"

#define RT_DEPLOY_SERVICE_CLASS 0x1134ea2bu
#define RT_DEPLOY_HEADER_BYTES 256u

/* Looks at the flash and adds the service. After rt_bus_init, before the modules' services. */
rt_status_t rt_deploy_init(void);

/* The program in flash, 4-aligned; returns its size in bytes, 0 and NULL when there is none. */
size_t rt_deploy_program(const uint8_t **program);

/* Whether the program starts by itself at boot and after a panic. */
uint32_t rt_deploy_autostart(void);

/* Tells the tools that the program stopped with `code` (0: restart or reboot). */
void rt_deploy_panicked(uint32_t code, uint32_t program_counter);

/* For the bus: a command to the service, a packet of the pipe that it opened. */
void rt_deploy_command(const rt_packet_t *packet);
void rt_deploy_pipe(const rt_packet_t *packet);

#endif
