#include "cuts.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

#define SCRIPT_OPERATIONS_MOST 60000u
#define RECOVERY_OPERATIONS_MOST 2000u
/* Steps in the recovery begin here, so that their contents are no other's. */
#define RECOVERY_SERIAL 1000000u
#define CANDIDATES_MOST 4u

/* One start after a cut: what may be there, and then what is. */
typedef struct {
  rt_power_model_t candidate[CANDIDATES_MOST];
  uint32_t count;
} allowed_t;

/* Where we are, for the report of a failure. */
typedef struct {
  const rt_power_operation_t *operation;
  uint32_t index;
  rt_power_outcome_t outcome;
  uint32_t repeat;
} cut_t;

static struct {
  const rt_power_script_t *script;
  const rt_power_plan_t *plan;
  rt_power_tally_t *tally;
  cut_t cut[3];
  uint32_t cuts;
} now;

/* Traces of the script, and of the recoveries from a first and a second cut. */
static rt_power_trace_t traces[3];
/* The flash before the operation that is cut, by number of cuts; and the one after the cut. */
static rt_power_image_t before[3], cut_image;
/* States of the model between steps of the script. */
static rt_power_model_t models[RT_POWER_STEPS_MOST + 1];

static void make_trace(rt_power_trace_t *trace, uint32_t capacity) {
  if (trace->operation != NULL) return;
  trace->operation = malloc(capacity * sizeof *trace->operation);
  trace->capacity = capacity;
  if (trace->operation == NULL) exit(2);
}

/* ---- Reports ---- */

static void fail(const char *what) {
  if (now.tally->failures++ >= now.plan->failures_most) return;
  printf("failure: %s; script %s, seed %u", what, now.script->profile->name,
         (unsigned)now.script->seed);
  for (uint32_t i = 0; i < now.cuts; i++) {
    const cut_t *cut = &now.cut[i];
    printf("; cut %u in operation %u, %s at %u, %s (draw %u)", (unsigned)i + 1,
           (unsigned)cut->index, cut->operation->kind == RT_POWER_ERASE ? "erase" : "program",
           (unsigned)cut->operation->at, rt_power_outcome_name(cut->outcome),
           (unsigned)cut->repeat);
  }
  printf("\n");
}

static uint32_t is_enough(void) { return now.tally->failures >= now.plan->failures_most; }

/* ---- A start ---- */

/* Mounts; 0 when that fails. */
static uint32_t mount(uint32_t tag) {
  rt_power_flash_tag(tag);
  now.tally->mounts++;
  if (rt_store_init() == RT_OK) return 1;
  fail("mount fails");
  return 0;
}

/* Narrows what is allowed to what is there; 0 when that is none of them. */
static uint32_t observe(allowed_t *allowed) {
  const char *reason = "";
  now.tally->checks++;
  const int found = rt_power_check(allowed->candidate, allowed->count, &reason);
  if (found < 0) {
    fail(reason);
    return 0;
  }
  allowed->candidate[0] = allowed->candidate[found];
  allowed->count = 1;
  return 1;
}

/* A mount must leave nothing to do for the next one. */
static uint32_t mount_again(allowed_t *allowed, rt_power_trace_t *trace) {
  const uint32_t operations = trace->count;
  if (!mount(0)) return 0;
  if (trace->count != operations) {
    fail("a second mount writes to the flash");
    return 0;
  }
  return observe(allowed);
}

/* The power goes and comes when nothing is under way: what was committed must last. */
static uint32_t start_again(allowed_t *allowed, rt_power_random_t *random) {
  rt_power_flash_record(NULL);
  rt_power_flash_start(rt_power_flash_image(), random);
  return mount(0) && observe(allowed);
}

/* The first write after a start: another key than the one that was cut, or the same. */
static rt_power_step_t recovery_step(uint32_t level) {
  const uint32_t draw = rt_power_mix(now.cut[0].index * 31u + level, now.cut[0].outcome);
  const rt_power_profile_t *profile = now.script->profile;
  rt_power_step_t step = {.verb = RT_POWER_PUT, .serial = RECOVERY_SERIAL + level};
  const uint32_t span = profile->adapter_bytes_most - profile->adapter_bytes_least + 1;
  if (profile->settings > 0 && (draw & 3u) == 0) {
    step.key = RT_POWER_KEYS - 1 - draw / 4 % profile->settings;
    step.bytes = 1 + draw / 64 % profile->setting_bytes_most;
  } else {
    step.key = draw / 4 % profile->adapters;
    step.bytes = profile->adapter_bytes_least + draw / 64 % span;
  }
  return step;
}

/* Does the step; `allowed` becomes what is there afterwards. */
static uint32_t write_once(allowed_t *allowed, uint32_t level) {
  const rt_power_step_t step = recovery_step(level);
  rt_power_model_t *model = &allowed->candidate[0];
  rt_power_flash_tag(1);
  now.tally->puts++;
  const rt_power_result_t result = rt_power_judge(model, &step, rt_power_store_step(&step));
  if (result == RT_POWER_STEP_WRONG ||
      (result == RT_POWER_STEP_FULL && !now.script->profile->may_be_full)) {
    fail("the first write after the start fails");
    return 0;
  }
  if (result == RT_POWER_STEP_DONE) rt_power_model_step(model, &step);
  return observe(allowed);
}

/* What may be there after a cut in the recovery: with tag 0 in the mount, with 1 in the write. */
static void allow_after(allowed_t *allowed, const allowed_t *unseen, const allowed_t *seen,
                        uint32_t level, uint32_t tag) {
  *allowed = tag == 0 ? *unseen : *seen;
  if (tag == 0) return;
  const rt_power_step_t step = recovery_step(level);
  allowed->candidate[1] = seen->candidate[0];
  rt_power_model_step(&allowed->candidate[1], &step);
  allowed->count = 2;
}

/*
 * A start from `cut_image`, recorded in the trace of this level. `allowed` (in, out): what may be
 * there; then what was seen after the mount. The flash as it was at the start is left in
 * before[level].
 */
static uint32_t recover(uint32_t level, allowed_t *allowed, rt_power_random_t *random) {
  rt_power_trace_t *trace = &traces[level];
  rt_power_flash_start(&cut_image, random);
  if (level < 3) rt_power_image_copy(&before[level], rt_power_flash_image());
  rt_power_flash_record(trace);
  if (!mount(0)) return 0;
  if (trace->count > now.tally->mount_operations_most) {
    now.tally->mount_operations_most = trace->count;
  }
  if (!observe(allowed) || !mount_again(allowed, trace)) return 0;
  allowed_t after = *allowed;
  return write_once(&after, level) && start_again(&after, random);
}

/* ---- Cuts ---- */

/* Cuts operation `index` of a trace; `cut_image` is what is left. */
static void cut(uint32_t level, uint32_t index, rt_power_outcome_t outcome, uint32_t repeat,
                rt_power_random_t *random) {
  const rt_power_operation_t *operation = &traces[level].operation[index];
  now.cut[level] = (cut_t){operation, index, outcome, repeat};
  now.cuts = level + 1;
  rt_power_image_copy(&cut_image, &before[level]);
  rt_power_outcome_apply(outcome, &cut_image, operation, random);
}

static rt_power_outcome_t random_outcome(rt_power_kind_t kind, rt_power_random_t *random) {
  for (;;) {
    const rt_power_outcome_t outcome =
        (rt_power_outcome_t)rt_power_below(random, RT_POWER_OUTCOMES);
    if (rt_power_outcome_is_of(outcome, kind)) return outcome;
  }
}

/* The third cut: somewhere in the recovery from the second, which traces[2] and before[2] hold. */
static void cut_third(const allowed_t *unseen, const allowed_t *seen, rt_power_random_t *random) {
  const rt_power_trace_t *trace = &traces[2];
  if (trace->count == 0) return;
  const uint32_t index = rt_power_below(random, trace->count);
  for (uint32_t i = 0; i < index; i++) rt_power_image_apply(&before[2], &trace->operation[i]);
  const rt_power_operation_t *operation = &trace->operation[index];
  allowed_t allowed;
  allow_after(&allowed, unseen, seen, 2, operation->tag);
  cut(2, index, random_outcome(operation->kind, random), 0, random);
  now.tally->third++;
  rt_power_flash_start(&cut_image, random);
  rt_power_flash_record(NULL);
  if (!mount(0) || !observe(&allowed)) return;
  if (write_once(&allowed, 3)) (void)start_again(&allowed, random);
}

/* Cuts at every operation of the recovery that traces[1] and before[1] hold. */
static void cut_second(const allowed_t *unseen, const allowed_t *seen, rt_power_random_t *random) {
  const uint32_t count = traces[1].count;
  for (uint32_t i = 0; i < count; i++) {
    const rt_power_operation_t *operation = &traces[1].operation[i];
    for (uint32_t o = 0; o < RT_POWER_OUTCOMES; o++) {
      const rt_power_outcome_t outcome = (rt_power_outcome_t)o;
      if (!rt_power_outcome_is_of(outcome, operation->kind)) continue;
      allowed_t allowed;
      allow_after(&allowed, unseen, seen, 1, operation->tag);
      cut(1, i, outcome, 0, random);
      now.tally->second++;
      const allowed_t unseen_again = allowed;
      if (recover(2, &allowed, random)) cut_third(&unseen_again, &allowed, random);
      now.cuts = 1;
      if (is_enough()) return;
    }
    rt_power_image_apply(&before[1], operation);
  }
}

static void cut_first(uint32_t index, rt_power_outcome_t outcome, uint32_t repeat) {
  const rt_power_operation_t *operation = &traces[0].operation[index];
  const uint32_t mixed = rt_power_mix(now.script->seed * 977u + index, outcome * 64u + repeat);
  rt_power_random_t random = {rt_power_mix(now.plan->seed, mixed)};
  allowed_t unseen = {.count = 2};
  /* The new state first: a step that changes nothing visible is done. */
  unseen.candidate[0] = models[operation->tag + 1];
  unseen.candidate[1] = models[operation->tag];
  cut(0, index, outcome, repeat, &random);
  now.tally->first[operation->kind][outcome]++;
  allowed_t seen = unseen;
  if (!recover(1, &seen, &random)) return;
  const uint32_t stride = now.plan->second_stride * now.script->profile->second_stride;
  if (repeat > 0 || stride == 0 || (index + outcome) % stride != 0) return;
  cut_second(&unseen, &seen, &random);
}

static void cut_operation(uint32_t index) {
  const rt_power_kind_t kind = traces[0].operation[index].kind;
  for (uint32_t o = 0; o < RT_POWER_OUTCOMES; o++) {
    const rt_power_outcome_t outcome = (rt_power_outcome_t)o;
    if (!rt_power_outcome_is_of(outcome, kind)) continue;
    const uint32_t repeats = rt_power_outcome_is_random(outcome) ? now.plan->repeats : 1;
    for (uint32_t repeat = 0; repeat < repeats && !is_enough(); repeat++) {
      cut_first(index, outcome, repeat);
    }
  }
}

/* ---- The script itself ---- */

static uint32_t play(void) {
  const rt_power_script_t *script = now.script;
  rt_power_flash_record(&traces[0]);
  if (!mount(0)) return 0;
  for (uint32_t i = 0; i < script->count; i++) {
    const rt_power_step_t *step = &script->step[i];
    rt_power_flash_tag(i);
    models[i + 1] = models[i];
    const rt_power_result_t result = rt_power_judge(&models[i], step, rt_power_store_step(step));
    if (result == RT_POWER_STEP_WRONG ||
        (result == RT_POWER_STEP_FULL && !script->profile->may_be_full)) {
      fail("a step fails without any cut");
      return 0;
    }
    if (result == RT_POWER_STEP_DONE) rt_power_model_step(&models[i + 1], step);
    const char *reason = "";
    if (rt_power_check(&models[i + 1], 1, &reason) < 0) {
      fail(reason);
      return 0;
    }
  }
  rt_power_flash_record(NULL);
  const rt_power_counters_t *counters = rt_power_flash_counters();
  if (counters->outside > 0) fail("an operation outside the region");
  if (counters->most_programs_of_a_page > now.tally->most_programs_of_a_page) {
    now.tally->most_programs_of_a_page = counters->most_programs_of_a_page;
  }
  return 1;
}

void rt_power_cut_script(const rt_power_script_t *script, const rt_power_plan_t *plan,
                         rt_power_tally_t *tally) {
  now.script = script;
  now.plan = plan;
  now.tally = tally;
  now.cuts = 0;
  make_trace(&traces[0], SCRIPT_OPERATIONS_MOST);
  make_trace(&traces[1], RECOVERY_OPERATIONS_MOST);
  make_trace(&traces[2], RECOVERY_OPERATIONS_MOST);
  rt_power_flash_make((script->profile->sectors + rt_power_other_sectors()) *
                      RT_HAL_FLASH_SECTOR_BYTES);
  rt_power_image_copy(&before[0], rt_power_flash_image());
  models[0] = (rt_power_model_t){.key = {{.count = 0}}};
  if (!play()) return;
  tally->cut_points += traces[0].count;
  for (uint32_t i = 0; i < traces[0].count && !is_enough(); i++) {
    if (plan->only_cut == RT_POWER_ALL || plan->only_cut == i) cut_operation(i);
    rt_power_image_apply(&before[0], &traces[0].operation[i]);
  }
  now.cuts = 0;
}
