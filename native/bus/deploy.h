/*
 * The service (class 0x1134ea2b) through which DeviceScript's tools put a program into flash, start
 * and stop it; where it lies there: places.h. A new program is written beside the one that runs,
 * and takes its place when all of it has come; a deploy that fails, is refused or breaks off leaves
 * the old one, and starts it again where the tools had stopped it.
 *
 * Beyond DeviceScript's own commands and registers:
 *   command 0x90     a statement (store/trust.h) of RT_TRUST_STATEMENT_BYTES; answered with a byte,
 *                    rt_trust_answer_t. That of a program is for the deploy that follows
 *   register 0x190   u8 rt_trust_state_t, u8 locked, u8 the present program is signed, u8 0,
 *                    u32 highest counter of a program, u64 challenge, u8[32] the owner if any
 *   register 0x191   u8 rt_trust_answer_t of the last deploy
 * On a locked board (rt_trust_is_locked) a program must be signed, and nobody stops it over a link.
 *
 * Memory: static, one page to gather bytes in and one statement.
 */
#ifndef RT_BUS_DEPLOY_H
#define RT_BUS_DEPLOY_H

#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "engine/status.h"

#define RT_DEPLOY_SERVICE_CLASS 0x1134ea2bu

/* Looks at the flash and adds the service. After rt_trust_init and rt_bus_init, before the modules'
 * services. */
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
/* Gives up a sender that has gone. Returns when to be called next. */
uint64_t rt_deploy_poll(uint64_t now_us);

#endif
