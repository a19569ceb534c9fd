/*
 * A NOR flash that can be stopped anywhere: the store's region of a board, as rt_hal_flash_* sees
 * it.
 *
 * What a flash holds is more than what it reads as. Each bit also has a `weak` mark: a cell that an
 * interrupted erase or program left between 0 and 1. It reads as one of them now and may read as
 * the other after the next start, until its sector is erased or (for a 0) it is programmed again.
 *
 * A run is recorded as a list of operations (one sector erased, one page programmed). Since code up
 * to an operation cannot know that the power goes away in it, a cut is not an event of the run: it
 * is the flash before operation k, with a part of the operation done to it, and a start from there.
 */
#ifndef RT_POWER_FLASH_H
#define RT_POWER_FLASH_H

#include <stdint.h>

#include "hal/hal.h"
#include "random.h"

#define RT_POWER_SECTORS_MOST 64u
#define RT_POWER_BYTES_MOST (RT_POWER_SECTORS_MOST * RT_HAL_FLASH_SECTOR_BYTES)
#define RT_POWER_PAGES_MOST (RT_POWER_BYTES_MOST / RT_HAL_FLASH_PAGE_BYTES)
/* Where the region lies in the chip: not at 0, so that a forgotten offset is noticed. */
#define RT_POWER_STORE_OFFSET 0x40000u

typedef struct {
  uint32_t bytes;    /* of the region; the arrays are used so far */
  uint32_t has_weak; /* 0: `weak` is not looked at */
  uint8_t data[RT_POWER_BYTES_MOST];
  uint8_t weak[RT_POWER_BYTES_MOST];
} rt_power_image_t;

typedef enum { RT_POWER_ERASE = 0, RT_POWER_PROGRAM = 1 } rt_power_kind_t;

typedef struct {
  rt_power_kind_t kind;
  uint32_t at;    /* from the start of the region */
  uint32_t bytes; /* a sector or a page */
  uint32_t tag;   /* what rt_power_flash_tag said then */
  uint8_t page[RT_HAL_FLASH_PAGE_BYTES];
} rt_power_operation_t;

typedef struct {
  rt_power_operation_t *operation; /* owned by who records */
  uint32_t count, capacity;
} rt_power_trace_t;

/* A sector that wears out. `from`: number of the operation on this flash from which on it is so. */
typedef enum {
  RT_POWER_SOUND = 0,
  RT_POWER_NO_ERASE = 1,   /* erasing has no effect */
  RT_POWER_NO_PROGRAM = 2, /* programming has no effect */
  RT_POWER_STUCK_BIT = 3,  /* erasing leaves one cell 0 */
} rt_power_defect_t;

/* Sets the region's size for rt_board and the flash; contents erased, counters 0, no defects. */
void rt_power_flash_make(uint32_t bytes);

/* The contents now. Writing to them is how bits flip at rest. */
rt_power_image_t *rt_power_flash_image(void);

/*
 * A start with these contents: weak cells take one of their two values, by `random`. `image` may be
 * the flash's own.
 */
void rt_power_flash_start(const rt_power_image_t *image, rt_power_random_t *random);

void rt_power_image_copy(rt_power_image_t *to, const rt_power_image_t *from);

/* The operation done completely. */
void rt_power_image_apply(rt_power_image_t *image, const rt_power_operation_t *operation);

/* Records operations from now on, NULL: no longer. Too many for the trace end the program. */
void rt_power_flash_record(rt_power_trace_t *trace);

/* Operations recorded from now on belong to this step. */
void rt_power_flash_tag(uint32_t tag);

/* `reports`: whether the board notices (the RP2040's HAL reads back) or says RT_OK regardless. */
void rt_power_flash_break(uint32_t sector, rt_power_defect_t defect, uint32_t reports);

typedef struct {
  uint32_t erases, programs;
  uint32_t most_programs_of_a_page; /* between two erases */
  uint32_t outside;                 /* operations outside the region: must stay 0 */
  uint32_t erases_of[RT_POWER_SECTORS_MOST];
} rt_power_counters_t;

/* Since rt_power_flash_make. */
const rt_power_counters_t *rt_power_flash_counters(void);

#endif
