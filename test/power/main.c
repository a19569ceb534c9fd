/*
 * retune-power [options]: cuts the power of a board in every flash operation of its store, and lets
 * its flash age. Prints one line of JSON for each part; ends with status 1 when something was lost.
 *
 *   --seed N            of scripts, outcomes and bits (1)
 *   --script NAME       only this one
 *   --seeds N           scripts of each name (1)
 *   --repeats N         draws of each outcome with chance in it (2)
 *   --second-stride N   of N outcomes of an operation one is taken (another with each operation),
 *                       and every operation of the recovery from it is cut again, and then a third
 *                       time; 0: none (1)
 *   --only-cut K        only operation K of the script
 *   --flips N           damages N flashes at rest, for each script (0)
 *   --stuck N           breaks sectors of N flashes, for each script (0)
 *   --wear N            saves an adapter N times (0)
 *   --failures N        are printed at most, and then it stops (10)
 *   --list              prints the names of the scripts
 *   --no-cuts           without the matrix
 *   --no-scripts        only --wear
 *   --stop              ends after the first script in which something is lost
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aging.h"
#include "crc.h"
#include "cuts.h"

/* A region as boards/rp2040_pico.board.json has it. */
#define WEAR_SECTORS 56u
#define WEAR_BYTES 4032u

typedef struct {
  rt_power_plan_t plan;
  const char *script;
  uint32_t seeds, flips, stuck, wear, no_cuts, stops;
} options_t;

static uint64_t failures;

typedef struct {
  const char *name;
  uint32_t *value;
} number_t;

static int parse(options_t *options, int count, char **arguments) {
  const number_t numbers[] = {
      {"--seed", &options->plan.seed},
      {"--seeds", &options->seeds},
      {"--repeats", &options->plan.repeats},
      {"--second-stride", &options->plan.second_stride},
      {"--only-cut", &options->plan.only_cut},
      {"--flips", &options->flips},
      {"--stuck", &options->stuck},
      {"--wear", &options->wear},
      {"--failures", &options->plan.failures_most},
  };
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--no-cuts") == 0) {
      options->no_cuts = 1;
      continue;
    }
    if (strcmp(arguments[i], "--no-scripts") == 0) {
      options->script = "";
      continue;
    }
    if (strcmp(arguments[i], "--stop") == 0) {
      options->stops = 1;
      continue;
    }
    if (i + 1 == count) return -1;
    if (strcmp(arguments[i], "--script") == 0) {
      options->script = arguments[++i];
      continue;
    }
    const number_t *number = NULL;
    for (uint32_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
      if (strcmp(arguments[i], numbers[n].name) == 0) number = &numbers[n];
    }
    if (number == NULL) return -1;
    *number->value = (uint32_t)strtoul(arguments[++i], NULL, 0);
  }
  return 0;
}

static void print_tally(const rt_power_script_t *script, const rt_power_tally_t *tally) {
  printf("{\"part\":\"cuts\",\"script\":\"%s\",\"seed\":%u,\"cutPoints\":%llu",
         script->profile->name, (unsigned)script->seed, (unsigned long long)tally->cut_points);
  static const char *const kinds[] = {"erase", "program"};
  for (uint32_t kind = 0; kind < 2; kind++) {
    printf(",\"%s\":{", kinds[kind]);
    for (uint32_t o = 0; o < RT_POWER_OUTCOMES; o++) {
      printf("%s\"%s\":%llu", o == 0 ? "" : ",", rt_power_outcome_name((rt_power_outcome_t)o),
             (unsigned long long)tally->first[kind][o]);
    }
    printf("}");
  }
  printf(",\"second\":%llu,\"third\":%llu,\"mounts\":%llu,\"checks\":%llu,\"puts\":%llu",
         (unsigned long long)tally->second, (unsigned long long)tally->third,
         (unsigned long long)tally->mounts, (unsigned long long)tally->checks,
         (unsigned long long)tally->puts);
  printf(",\"mountOperationsMost\":%llu,\"programsOfPageMost\":%u,\"lost\":%llu}\n",
         (unsigned long long)tally->mount_operations_most, (unsigned)tally->most_programs_of_a_page,
         (unsigned long long)tally->failures);
  fflush(stdout);
}

static void run_cuts(const options_t *options, const rt_power_script_t *script) {
  static rt_power_tally_t tally;
  memset(&tally, 0, sizeof tally);
  rt_power_cut_script(script, &options->plan, &tally);
  print_tally(script, &tally);
  failures += tally.failures;
}

static void run_flips(const options_t *options, const rt_power_script_t *script) {
  rt_power_flips_t flips = {0};
  rt_power_flip_bits(script, options->flips, &flips);
  printf(
      "{\"part\":\"flips\",\"script\":\"%s\",\"seed\":%u,\"tried\":%llu,\"harmless\":%llu,"
      "\"fellBack\":%llu,\"reported\":%llu,\"missing\":%llu,\"stale\":%llu,\"wrong\":%llu,"
      "\"unwritable\":%llu}\n",
      script->profile->name, (unsigned)script->seed, (unsigned long long)flips.tried,
      (unsigned long long)flips.harmless, (unsigned long long)flips.fell_back,
      (unsigned long long)flips.reported, (unsigned long long)flips.missing,
      (unsigned long long)flips.stale, (unsigned long long)flips.wrong,
      (unsigned long long)flips.unwritable);
  fflush(stdout);
  failures += flips.wrong + flips.unwritable;
}

static void run_stuck(const options_t *options, const rt_power_script_t *script) {
  rt_power_stuck_t stuck = {0};
  rt_power_stick_sectors(script, options->stuck, &stuck);
  printf(
      "{\"part\":\"stuck\",\"script\":\"%s\",\"seed\":%u,\"tried\":%llu,\"wentOn\":%llu,"
      "\"refused\":%llu,\"lost\":%llu}\n",
      script->profile->name, (unsigned)script->seed, (unsigned long long)stuck.tried,
      (unsigned long long)stuck.went_on, (unsigned long long)stuck.refused,
      (unsigned long long)stuck.failures);
  fflush(stdout);
  failures += stuck.failures;
}

static void run_wear(const options_t *options) {
  rt_power_wear_t wear = {0};
  rt_power_wear_out(WEAR_SECTORS, options->wear, WEAR_BYTES, &wear);
  printf(
      "{\"part\":\"wear\",\"saves\":%u,\"bytes\":%u,\"sectors\":%u,\"erases\":%u,"
      "\"programs\":%u,\"leastErases\":%u,\"mostErases\":%u,\"mostLogErases\":%u,\"lost\":%llu}\n",
      (unsigned)wear.saves, (unsigned)wear.bytes, (unsigned)wear.sectors, (unsigned)wear.erases,
      (unsigned)wear.programs, (unsigned)wear.least_erases, (unsigned)wear.most_erases,
      (unsigned)wear.most_log_erases, (unsigned long long)wear.failures);
  fflush(stdout);
  failures += wear.failures;
}

int main(int count, char **arguments) {
  options_t options = {.plan = {.seed = 1,
                                .repeats = 2,
                                .second_stride = 1,
                                .failures_most = 10,
                                .only_cut = RT_POWER_ALL},
                       .seeds = 1};
  if (count == 2 && strcmp(arguments[1], "--list") == 0) {
    for (uint32_t i = 0; i < rt_power_profile_count; i++) puts(rt_power_profiles[i].name);
    return 0;
  }
  if (parse(&options, count, arguments) != 0) {
    fprintf(stderr, "usage: retune-power [--seed N] [--script NAME] …; see test/power/main.c\n");
    return 2;
  }
  rt_power_crc_begin();
  uint32_t found = 0;
  for (uint32_t i = 0; i < rt_power_profile_count; i++) {
    const rt_power_profile_t *profile = &rt_power_profiles[i];
    if (options.script != NULL && strcmp(options.script, profile->name) != 0) continue;
    found++;
    for (uint32_t s = 0; s < options.seeds; s++) {
      static rt_power_script_t script;
      rt_power_script_make(&script, profile, options.plan.seed + s);
      if (!options.no_cuts) run_cuts(&options, &script);
      if (options.flips > 0) run_flips(&options, &script);
      if (options.stuck > 0) run_stuck(&options, &script);
      if (options.stops && failures > 0) return 1;
    }
  }
  if (found == 0 && options.script[0] != 0) {
    fprintf(stderr, "there is no script %s\n", options.script);
    return 2;
  }
  if (options.wear > 0) run_wear(&options);
  return failures == 0 ? 0 : 1;
}
