#include "script.h"

#include <string.h>

#include "random.h"
#include "store/store.h"

const rt_power_profile_t rt_power_profiles[] = {
    {.name = "adapters",
     .second_stride = 1,
     .sectors = 9,
     .steps = 60,
     .adapters = 3,
     .settings = 2,
     .adapter_bytes_least = 300,
     .adapter_bytes_most = 1500,
     .setting_bytes_most = 16,
     .drops = 4,
     .roll_backs = 4,
     .remounts = 6,
     .puts_of_settings = 25},
    {.name = "settings",
     .second_stride = 2,
     .sectors = 3,
     .steps = 220,
     .adapters = 1,
     .settings = 6,
     .adapter_bytes_least = 20,
     .adapter_bytes_most = 200,
     .setting_bytes_most = 40,
     .drops = 6,
     .remounts = 4,
     .puts_of_settings = 85},
    {.name = "versions",
     .second_stride = 1,
     .sectors = 7,
     .steps = 90,
     .adapters = 2,
     .settings = 1,
     .adapter_bytes_least = 100,
     .adapter_bytes_most = 900,
     .setting_bytes_most = 8,
     .drops = 12,
     .roll_backs = 30,
     .remounts = 5,
     .puts_of_settings = 5},
    {.name = "records",
     .second_stride = 1,
     .sectors = 9,
     .steps = 100,
     .adapters = 3,
     .settings = 1,
     .adapter_bytes_least = 200,
     .adapter_bytes_most = 1200,
     .setting_bytes_most = 8,
     .drops = 5,
     .roll_backs = 15,
     .remounts = 4,
     .states = 35,
     .puts_of_settings = 3,
     .has_records = 1},
    {.name = "large",
     .second_stride = 2,
     .sectors = 20,
     .steps = 24,
     .adapters = 2,
     .settings = 1,
     .adapter_bytes_least = 3900,
     .adapter_bytes_most = 8300,
     .setting_bytes_most = 8,
     .drops = 4,
     .roll_backs = 8,
     .remounts = 8,
     .puts_of_settings = 20},
    {.name = "full",
     .second_stride = 1,
     .sectors = 8,
     .steps = 90,
     .adapters = 6,
     .settings = 3,
     .adapter_bytes_least = 400,
     .adapter_bytes_most = 1800,
     .setting_bytes_most = 60,
     .drops = 15,
     .roll_backs = 5,
     .remounts = 5,
     .puts_of_settings = 20,
     .may_be_full = 1},
};

const uint32_t rt_power_profile_count = sizeof rt_power_profiles / sizeof rt_power_profiles[0];

uint32_t rt_power_other_sectors(void) { return RT_STORE_STAGING_SECTORS + RT_STORE_LOG_SECTORS; }

static rt_power_verb_t random_verb(const rt_power_profile_t *profile, uint32_t draw) {
  if (draw < profile->drops) return RT_POWER_DROP;
  draw -= profile->drops;
  if (draw < profile->roll_backs) return RT_POWER_ROLL_BACK;
  draw -= profile->roll_backs;
  if (draw < profile->states) return RT_POWER_SET_STATE;
  draw -= profile->states;
  return draw < profile->remounts ? RT_POWER_REMOUNT : RT_POWER_PUT;
}

void rt_power_script_make(rt_power_script_t *script, const rt_power_profile_t *profile,
                          uint32_t seed) {
  rt_power_random_t random = {rt_power_mix(seed, (uint32_t)profile->steps)};
  rt_power_expect_short_room(profile->may_be_full);
  rt_power_expect_records(profile->has_records);
  *script = (rt_power_script_t){.profile = profile, .seed = seed, .count = profile->steps};
  for (uint32_t i = 0; i < script->count; i++) {
    rt_power_step_t *step = &script->step[i];
    step->verb = random_verb(profile, rt_power_below(&random, 100));
    step->serial = i + 1;
    step->state = (uint8_t)rt_power_below(&random, 3); /* kept, fresh, trial */
    step->key = rt_power_below(&random, profile->adapters);
    const uint32_t span = profile->adapter_bytes_most - profile->adapter_bytes_least + 1;
    step->bytes = profile->adapter_bytes_least + rt_power_below(&random, span);
    const uint32_t of_setting = step->verb == RT_POWER_PUT || step->verb == RT_POWER_DROP;
    if (!of_setting || rt_power_below(&random, 100) >= profile->puts_of_settings) continue;
    step->key = RT_POWER_KEYS - 1 - rt_power_below(&random, profile->settings);
    step->bytes = 1 + rt_power_below(&random, profile->setting_bytes_most);
  }
}
