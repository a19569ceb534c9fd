/*
 * The simulator as a board: what the host (sim/firmware-chip.ts) does to it. The host owns virtual
 * time; nothing here is imported from it, so that a run depends on nothing but what it feeds in.
 *
 * Order of calls: rt_sim_power_on, then whatever is set up (flash content, model, pins), then
 * rt_sim_start, then rt_sim_poll for ever. After a poll the host takes what came out, and asks
 * rt_sim_stopped: a board that resets or halts traps, and its instance is thrown away with
 * everything but the flash.
 *
 * Times are microseconds of virtual time since power on, as doubles (exact below 2^53).
 */
#ifndef RT_HAL_SIM_MACHINE_H
#define RT_HAL_SIM_MACHINE_H

#include "hal/hal.h"
#include "services/learner.h"

#define RT_SIM_FLASH_BYTES 0x200000u
#define RT_SIM_PROGRAM_BYTES 0x40000u
#define RT_SIM_PINS 32u

/* Why a board no longer runs. */
typedef enum {
  RT_SIM_RUNNING = 0,
  RT_SIM_RESET = 1,     /* rt_hal_reset */
  RT_SIM_HALTED = 2,    /* rt_hal_halt; rt_sim_halt_code */
  RT_SIM_POWER_CUT = 3, /* the flash operation that rt_sim_cut_power_at named */
  RT_SIM_WATCHDOG = 4,  /* rt_hal_watchdog was not called in time */
} rt_sim_stop_t;

/* First of all: everything as after manufacture, flash erased. */
void rt_sim_power_on(uint32_t seed, uint32_t device_id_low, uint32_t device_id_high,
                     rt_hal_reset_cause_t cause);
/* Size of the script's heap from the next rt_sim_start on, a multiple of 8. */
void rt_sim_set_heap_bytes(uint32_t bytes);
/* What learner and capture work with, in memory that the host has written; NULL: they are not
 * offered.
 */
void rt_sim_set_learner(const rt_learner_setup_t *setup);
/* The adapter that the learner service predicts with; NULL: none. For rt_blob_save. */
const rt_adapter_t *rt_sim_active_adapter(void);
/* The owner's public key (32 bytes) as if the build had put it in, NULL: none; before rt_sim_start.
 */
void rt_sim_set_owner(const uint8_t *key, uint32_t is_locked);
/* Where the host may put a program for rt_sim_start, RT_SIM_PROGRAM_BYTES at most. */
uint8_t *rt_sim_program(void);
/* Starts the firmware. The program of `program_bytes` bytes runs while none is deployed; 0: none.
 * `stays_stopped`: see rt_firmware_config_t. */
rt_status_t rt_sim_start(uint32_t program_bytes, uint32_t stays_stopped);
/* Moves time to `now_us`, unless the firmware is further already, and runs what is due. Returns
 * when the firmware wants to run again, at the latest; infinity: when something happens. */
double rt_sim_poll(double now_us);
/* Virtual time of the firmware: `now_us` of the last poll and what it has spent since. */
double rt_sim_now_us(void);

rt_sim_stop_t rt_sim_stopped(void);
uint32_t rt_sim_halt_code(void);

/* Cycles that the firmware says it has spent (rt_hal_spent) since power on. */
double rt_sim_spent_cycles(void);

uint8_t *rt_sim_flash(void);
/* Cuts the power in the middle of the `nth` flash page programmed or sector erased from now on; 0:
 * never. */
void rt_sim_cut_power_at(uint32_t nth);
/* The same, but of the bits that the operation would change, some are changed and others not, by
 * `seed`. */
void rt_sim_tear_at(uint32_t nth, uint32_t seed);
/* Pages programmed and sectors erased since power on. */
uint32_t rt_sim_flash_operations(void);

/* Where a link is asked for: the console, all lines uncut; can only be taken from. */
#define RT_SIM_CONSOLE ((rt_hal_link_t)RT_HAL_LINKS)

/* The computer's end of a link. Both return how many bytes were taken. */
void rt_sim_link_open(rt_hal_link_t link, uint32_t open);
uint32_t rt_sim_link_receive(rt_hal_link_t link, const uint8_t *bytes, uint32_t size);
uint32_t rt_sim_link_take(rt_hal_link_t link, uint8_t *bytes, uint32_t capacity);
uint32_t rt_sim_link_pending(rt_hal_link_t link);

/* 0 while the converter is off. */
uint32_t rt_sim_audio_rate_hz(void);
/* How often the converter was started, and when last: its first sample is the one of that instant.
 */
uint32_t rt_sim_audio_starts(void);
double rt_sim_audio_start_us(void);
/* Samples in order; what does not fit overwrites the oldest. */
void rt_sim_audio_feed(const int16_t *samples, uint32_t count);

void rt_sim_pin_input(uint8_t pin, uint32_t level);
/* 0 to 65,535: a level, or the duty of a pulse-width modulated output. */
uint32_t rt_sim_pin_output(uint8_t pin);
uint32_t rt_sim_pin_mode(uint8_t pin);
void rt_sim_adc_value(uint8_t pin, uint16_t value);
/* Bytes last sent to an LED strip; returns how many. */
uint32_t rt_sim_led_strip(uint8_t *pin, uint8_t *bytes, uint32_t capacity);

/* Puts a device with 256 registers on the I2C bus: the first byte written names the register at
 * which further bytes are written or read. Returns its registers; NULL: four are there already. */
uint8_t *rt_sim_i2c_device(uint8_t address);

#endif
