/*
 * What the fuzz targets share: a board whose flash, links, microphone and clock belong to the
 * input, and a reader that takes the input apart. The same targets are linked into two programs:
 * with libFuzzer (fuzzer.c), and into one that replays files (replay.c), which any C compiler
 * builds.
 */
#ifndef RT_TEST_FUZZ_H
#define RT_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "hal/hal.h"
#include "services/learner_setup.h"

/* ---- The input, taken apart: a list of numbers, 0 behind its end ---- */

typedef struct {
  const uint8_t *at, *end;
} fuzz_input_t;

uint32_t fuzz_take8(fuzz_input_t *input);
uint32_t fuzz_take16(fuzz_input_t *input);
uint32_t fuzz_take32(fuzz_input_t *input);
/* Copies up to `bytes` bytes; returns how many there were. */
size_t fuzz_take(fuzz_input_t *input, void *to, size_t bytes);
static inline size_t fuzz_left(const fuzz_input_t *input) {
  return (size_t)(input->end - input->at);
}

/* ---- Targets ---- */

typedef struct {
  const char *name;
  /* One input. A finding ends the process: a sanitizer, or FUZZ_CHECK. */
  void (*run)(const uint8_t *data, size_t size);
  /* Changes an input in place and returns its new size; NULL: libFuzzer's own changes only. */
  size_t (*mutate)(uint8_t *data, size_t size, size_t capacity, uint32_t seed);
} fuzz_target_t;

extern const fuzz_target_t fuzz_targets[];
extern const uint32_t fuzz_target_count;
/* NULL: there is none of that name. */
const fuzz_target_t *fuzz_find_target(const char *name);

/* Says what does not hold, and ends the process. */
#define FUZZ_CHECK(condition)                                    \
  do {                                                           \
    if (!(condition)) fuzz_fail(#condition, __FILE__, __LINE__); \
  } while (0)
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* ---- The board: machine.c ---- */

#define FUZZ_PROGRAM_BYTES 0x10000u
#define FUZZ_STORE_BYTES 0x10000u
#define FUZZ_PROGRAM_OFFSET 0x100000u
#define FUZZ_STORE_OFFSET 0x1e0000u

/* All as after manufacture: time 0, flash erased, nothing on the links. */
void fuzz_power_on(uint32_t seed);
/* The same with the flash as it is. */
void fuzz_reboot(void);
/* Memory for a script's heap, of exactly this size, until the next call. */
uint64_t *fuzz_heap(size_t bytes);
/*
 * Runs `body(context)`; returns 1 when it was left by rt_hal_reset, rt_hal_halt or a power cut, 0
 * when it returned. Calls do not nest.
 */
int fuzz_run(void (*body)(void *context), void *context);

/* Flash region as it is; each lies in memory of exactly its size. */
uint8_t *fuzz_program_flash(void);
uint8_t *fuzz_store_flash(void);
/* Cuts the power in the middle of this flash operation from now on; 0: never. */
void fuzz_cut_power_at(uint32_t operation);
/* Erases and programs of this sector (from the start of the store) do nothing from now on. */
void fuzz_stick_sector(uint32_t sector);

void fuzz_advance(uint64_t us);
void fuzz_advance_to(uint64_t now_us);
/* What a link's other end sends; what does not fit is lost. */
void fuzz_send(rt_hal_link_t link, const uint8_t *bytes, size_t size);
/* The same as a frame: escaped, between its marks. */
void fuzz_send_frame(rt_hal_link_t link, const uint8_t *frame, size_t size);
void fuzz_open(rt_hal_link_t link, uint32_t open);
/* Told every frame that the board sends on USB, header included; NULL: nobody. */
typedef void (*fuzz_ear_t)(const uint8_t *frame, size_t size);
void fuzz_listen(fuzz_ear_t ear);
/* Bytes that were sent from the board on all links since power on. */
uint64_t fuzz_sent_bytes(void);
void fuzz_hear(const int16_t *samples, size_t count);
void fuzz_pin(uint8_t pin, uint32_t level);
void fuzz_analog(uint16_t value);

/* ---- Models and programs that build.mjs makes: seeds.c ---- */

extern const uint8_t fuzz_program_roles[]; /* test/bus/programs/everything.ts */
extern const uint32_t fuzz_program_roles_bytes;
extern const uint8_t fuzz_program_small[];
extern const uint32_t fuzz_program_small_bytes;

/*
 * The owner built into the firmware (32 bytes; NULL: none, it can be claimed), and whether programs
 * need a signature. Signatures are good when they begin with FUZZ_SIGNED.
 */
#define FUZZ_SIGNED 0x5au
void fuzz_set_owner(const uint8_t *owner, uint32_t is_locked);

/* Learner setup with every kind of adapter on a small model; memory is allocated once. */
const rt_learner_setup_t *fuzz_learner_setup(void);

#endif
