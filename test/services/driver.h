/*
 * A bench for service modules: driver.c is a board in virtual time, driver_bus.c a list of what was
 * sent. bench.ts drives it as WebAssembly, test/native/services_test.c under the sanitizers.
 */
#ifndef RT_TEST_SERVICES_DRIVER_H
#define RT_TEST_SERVICES_DRIVER_H

#include "services/learner_setup.h"
#include "services/service.h"

/* Models and memory; before bench_power_on. NULL: none. */
void bench_set_setup(const rt_learner_setup_t *setup);
/* The first time, and after a power cut; the flash stays. */
void bench_power_on(void);
/* What the firmware does before a script starts. */
void bench_restart_script(void);

/* Microseconds since power on; does not go back. */
double bench_now_us(void);
void bench_set_now_us(double now_us);
/* Lets the modules work; when one of them wants to be called again. */
double bench_poll(void);
/* A poll, and time up to the next one or to `end_us`; returns 0 there. For cores without double. */
uint32_t bench_step(uint32_t end_us);
/* All that rt_hal_spent was told, and its lower half. */
double bench_cycles(void);
uint32_t bench_cycles_low(void);

/* Microphone. */
uint32_t bench_is_converting(void);
void bench_hear(const int16_t *samples, uint32_t count);

/* A packet to service `service`, from 1. */
void bench_command(uint32_t service, uint32_t command, const uint8_t *payload, uint32_t size);

void bench_set_pin(uint32_t pin, uint32_t level);
uint32_t bench_duty(uint32_t pin);

uint8_t *bench_flash(void);
/* Pages programmed and stretches erased since power on. */
uint32_t bench_flash_operations(void);
/* The operation of this number from now on is done by half, and none after it. */
void bench_cut_power_after(uint32_t operations);

/* Class of a service, 0: there is none. */
uint32_t bench_class(uint32_t service);
/* What was sent, 240 bytes each: service, size of the payload, command (two bytes), payload. */
uint32_t bench_sent_count(void);
const void *bench_sent(void);
void bench_forget_sent(void);
/* Nothing can be sent until it is called with 0. */
void bench_fill_bus(uint32_t is_full);
/* The lines of the log. */
const char *bench_log(void);
uint32_t bench_log_bytes(void);

/* For driver.c: forgets services, what was sent and the log. */
void driver_bus_clear(void);

#endif
