#include "aging.h"

#include <stdio.h>
#include <string.h>

#include "flash.h"
#include "store/store.h"

#define REPORTS_MOST 10u
/* A step after the script, of another content than any of it. */
#define LATER_SERIAL 2000000u

static uint32_t reports;

static uint64_t report(const char *what, const rt_power_script_t *script, uint32_t trial) {
  if (reports++ < REPORTS_MOST) {
    printf("failure: %s; script %s, seed %u, trial %u\n", what, script->profile->name,
           (unsigned)script->seed, (unsigned)trial);
  }
  return 1;
}

static uint32_t region_bytes(const rt_power_script_t *script) {
  return (script->profile->sectors + rt_power_other_sectors()) * RT_HAL_FLASH_SECTOR_BYTES;
}

static uint32_t later_step_works(uint32_t key, uint32_t bytes, uint32_t trial) {
  const rt_power_step_t step = {
      .verb = RT_POWER_PUT, .key = key, .serial = LATER_SERIAL + trial, .bytes = bytes};
  if (rt_power_store_step(&step) != RT_OK) return 0;
  const uint8_t *data;
  uint32_t size;
  if (rt_store_get(rt_power_key(key), &data, &size) != RT_OK) return 0;
  return rt_power_is_content(key, (rt_power_version_t){.serial = step.serial, .bytes = bytes}, data,
                             size);
}

/* ---- Bits that flip ---- */

/* Plays the script on a sound flash; the model at its end. */
static void play(const rt_power_script_t *script, rt_power_model_t *model) {
  rt_power_flash_make(region_bytes(script));
  rt_power_flash_record(NULL);
  memset(model, 0, sizeof *model);
  if (rt_store_init() != RT_OK) return;
  for (uint32_t i = 0; i < script->count; i++) {
    const rt_power_step_t *step = &script->step[i];
    if (rt_power_judge(model, step, rt_power_store_step(step)) == RT_POWER_STEP_DONE) {
      rt_power_model_step(model, step);
    }
  }
}

/* Mostly where something is written: an erased cell matters to nobody until it is programmed. */
static uint32_t random_place(const rt_power_image_t *image, rt_power_random_t *random) {
  uint32_t at = rt_power_below(random, image->bytes);
  for (uint32_t i = 0; i < 1000 && image->data[at] == 0xff; i++) {
    at = rt_power_below(random, image->bytes);
  }
  return at;
}

/* One bit, or some near each other, or some anywhere. */
static void flip(rt_power_image_t *image, rt_power_random_t *random) {
  const uint32_t count = 1 + rt_power_below(random, 4), are_near = rt_power_below(random, 2);
  uint32_t at = random_place(image, random);
  for (uint32_t i = 0; i < count; i++) {
    image->data[at] ^= (uint8_t)(1u << rt_power_below(random, 8));
    at = are_near ? (at + rt_power_below(random, 16)) % image->bytes : random_place(image, random);
  }
}

typedef enum { INTACT, FELL_BACK, REPORTED, MISSING, STALE, WRONG } key_state_t;

/* Whether the script ever wrote this to the key: something older than what had to be kept. */
static uint32_t was_written(const rt_power_script_t *script, uint32_t key, const uint8_t *data,
                            uint32_t bytes) {
  for (uint32_t i = 0; i < script->count; i++) {
    const rt_power_step_t *step = &script->step[i];
    const rt_power_version_t version = {.serial = step->serial, .bytes = step->bytes};
    if (step->verb != RT_POWER_PUT || step->key != key) continue;
    if (rt_power_is_content(key, version, data, bytes)) return 1;
  }
  return 0;
}

static key_state_t judge_key(const rt_power_script_t *script, const rt_power_key_model_t *model,
                             uint32_t key) {
  const uint8_t *data;
  uint32_t bytes;
  const rt_status_t status = rt_store_get(rt_power_key(key), &data, &bytes);
  if (status == RT_ERROR_BLOB_CHECKSUM) return REPORTED;
  if (status == RT_ERROR_EMPTY) return model->sure == 0 ? INTACT : MISSING;
  if (status != RT_OK) return WRONG;
  for (uint32_t i = 0; i < model->sure; i++) {
    if (!rt_power_is_content(key, model->version[i], data, bytes)) continue;
    return i == 0 ? INTACT : FELL_BACK;
  }
  return was_written(script, key, data, bytes) ? STALE : WRONG;
}

static void judge_flips(const rt_power_script_t *script, const rt_power_model_t *model,
                        uint32_t trial, rt_power_flips_t *flips) {
  uint32_t states[WRONG + 1] = {0};
  for (uint32_t key = 0; key < RT_POWER_KEYS; key++) {
    states[judge_key(script, &model->key[key], key)]++;
  }
  if (states[WRONG] > 0) flips->wrong += report("a content that never was", script, trial);
  if (states[STALE] > 0) flips->stale++;
  if (states[MISSING] > 0) flips->missing++;
  if (states[REPORTED] > 0) flips->reported++;
  if (states[FELL_BACK] > 0) flips->fell_back++;
  if (states[INTACT] == RT_POWER_KEYS) flips->harmless++;
}

void rt_power_flip_bits(const rt_power_script_t *script, uint32_t count, rt_power_flips_t *flips) {
  static rt_power_image_t sound;
  rt_power_model_t model;
  play(script, &model);
  rt_power_image_copy(&sound, rt_power_flash_image());
  for (uint32_t trial = 0; trial < count; trial++) {
    rt_power_random_t random = {rt_power_mix(script->seed + 5, trial * 512u + script->count)};
    flips->tried++;
    rt_power_flash_start(&sound, &random);
    flip(rt_power_flash_image(), &random);
    if (rt_store_init() != RT_OK) {
      flips->wrong += report("mount fails after a flip", script, trial);
      continue;
    }
    judge_flips(script, &model, trial, flips);
    /* What was full before may be so still. */
    const uint32_t key = RT_POWER_KEYS - 1;
    if (!later_step_works(key, 8, trial) || rt_store_init() != RT_OK) {
      flips->unwritable += report("nothing can be saved after a flip", script, trial);
    }
  }
}

/* ---- Sectors that break ---- */

typedef struct {
  uint32_t sector, step, reports;
  rt_power_defect_t defect;
} breakage_t;

/* Not in the staging area, which is not the store's. */
static breakage_t random_breakage(const rt_power_script_t *script, rt_power_random_t *random) {
  const uint32_t payloads = script->profile->sectors;
  uint32_t sector = rt_power_below(random, payloads + RT_STORE_LOG_SECTORS);
  if (sector >= payloads) sector += RT_STORE_STAGING_SECTORS;
  return (breakage_t){.sector = sector,
                      .step = rt_power_below(random, script->count),
                      .reports = rt_power_below(random, 2),
                      .defect = (rt_power_defect_t)(1 + rt_power_below(random, 3))};
}

/* 0: something was lost. */
static uint32_t play_step(const rt_power_script_t *script, rt_power_model_t *model, uint32_t i,
                          uint32_t *refused) {
  const rt_power_step_t *step = &script->step[i];
  const int status = rt_power_store_step(step);
  const rt_power_result_t result = rt_power_judge(model, step, status);
  if (result == RT_POWER_STEP_DONE) {
    rt_power_model_step(model, step);
  } else if (result == RT_POWER_STEP_WRONG && status != RT_ERROR_STATE) {
    return 0;
  } else if (result != RT_POWER_STEP_NOTHING) {
    ++*refused;
  }
  const char *reason;
  return rt_power_check(model, 1, &reason) == 0;
}

static uint32_t play_broken(const rt_power_script_t *script, const breakage_t *breakage,
                            uint32_t *refused) {
  rt_power_model_t model;
  memset(&model, 0, sizeof model);
  rt_power_flash_make(region_bytes(script));
  rt_power_flash_record(NULL);
  if (rt_store_init() != RT_OK) return 0;
  for (uint32_t i = 0; i < script->count; i++) {
    if (i == breakage->step) {
      rt_power_flash_break(breakage->sector, breakage->defect, breakage->reports);
    }
    if (!play_step(script, &model, i, refused)) return 0;
  }
  const char *reason;
  return rt_store_init() == RT_OK && rt_power_check(&model, 1, &reason) == 0;
}

void rt_power_stick_sectors(const rt_power_script_t *script, uint32_t count,
                            rt_power_stuck_t *stuck) {
  for (uint32_t trial = 0; trial < count; trial++) {
    rt_power_random_t random = {rt_power_mix(script->seed + 9, trial * 512u + script->count)};
    const breakage_t breakage = random_breakage(script, &random);
    uint32_t refused = 0;
    stuck->tried++;
    if (!play_broken(script, &breakage, &refused)) {
      static const char *const kinds[] = {"", "does not erase", "does not program",
                                          "erases but for a bit"};
      char what[80];
      snprintf(what, sizeof what, "sector %u %s from step %u on, board %s",
               (unsigned)breakage.sector, kinds[breakage.defect], (unsigned)breakage.step,
               breakage.reports ? "reports" : "says nothing");
      stuck->failures += report(what, script, trial);
    }
    if (refused == 0) stuck->went_on++;
    stuck->refused += refused;
  }
}

/* ---- Many saves ---- */

static void spread(rt_power_wear_t *wear) {
  const rt_power_counters_t *counters = rt_power_flash_counters();
  wear->erases = counters->erases;
  wear->programs = counters->programs;
  wear->least_erases = wear->most_erases = counters->erases_of[0];
  for (uint32_t i = 0; i < wear->sectors; i++) {
    const uint32_t erases = counters->erases_of[i];
    if (erases < wear->least_erases) wear->least_erases = erases;
    if (erases > wear->most_erases) wear->most_erases = erases;
  }
  const uint32_t log = wear->sectors + RT_STORE_STAGING_SECTORS;
  for (uint32_t i = log; i < log + RT_STORE_LOG_SECTORS; i++) {
    const uint32_t erases = counters->erases_of[i];
    if (erases > wear->most_log_erases) wear->most_log_erases = erases;
  }
}

void rt_power_wear_out(uint32_t sectors, uint32_t saves, uint32_t bytes, rt_power_wear_t *wear) {
  rt_power_model_t model;
  memset(&model, 0, sizeof model);
  *wear = (rt_power_wear_t){.saves = saves, .bytes = bytes, .sectors = sectors};
  rt_power_flash_make((sectors + rt_power_other_sectors()) * RT_HAL_FLASH_SECTOR_BYTES);
  rt_power_flash_record(NULL);
  if (rt_store_init() != RT_OK) wear->failures++;
  for (uint32_t i = 0; i < saves; i++) {
    const rt_power_step_t step = {
        .verb = RT_POWER_PUT, .key = i % 2, .serial = i + 1, .bytes = bytes};
    if (rt_power_store_step(&step) != RT_OK) wear->failures++;
    rt_power_model_step(&model, &step);
    if (i % 1000 != 999) continue;
    const char *reason;
    if (rt_store_init() != RT_OK || rt_power_check(&model, 1, &reason) != 0) wear->failures++;
  }
  spread(wear);
  if (wear->most_erases > 2 * (wear->erases / sectors + 1)) {
    printf("failure: a sector was erased %u times, all %u together %u times\n",
           (unsigned)wear->most_erases, (unsigned)sectors, (unsigned)wear->erases);
    wear->failures++;
  }
}
