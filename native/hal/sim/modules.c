/* The native modules of the simulator: all there are. In the order of the services on the bus. */
#include "hal/sim/machine.h"
#include "services/service.h"
#include "store/trust.h"

extern const rt_service_module_t rt_module_learner;
extern const rt_service_module_t rt_module_capture;
extern const rt_service_module_t rt_module_button;
extern const rt_service_module_t rt_module_light_bulb;
extern const rt_service_module_t rt_module_power;
extern const rt_service_module_t rt_module_adc_stats;
extern const rt_service_module_t rt_module_template;
extern const rt_service_module_t rt_module_delta;
extern const rt_service_module_t rt_module_settings;

const rt_service_module_t *const rt_service_modules[] = {
    &rt_module_learner,    &rt_module_capture, &rt_module_button,
    &rt_module_light_bulb, &rt_module_power,   &rt_module_adc_stats,
    &rt_module_template,   &rt_module_delta,   &rt_module_settings,
};
const uint16_t rt_service_module_count = sizeof rt_service_modules / sizeof rt_service_modules[0];

/* The owner that the host has built in, if any. */
static uint8_t owner[RT_TRUST_KEY_BYTES];
static rt_trust_setup_t setup = {.verify = rt_ed25519_verify};

const rt_trust_setup_t *rt_trust_setup(void) { return &setup; }

void rt_sim_set_owner(const uint8_t *key, uint32_t is_locked) {
  setup.owner = key == NULL ? NULL : owner;
  setup.is_locked = is_locked != 0;
  if (key != NULL) __builtin_memcpy(owner, key, sizeof owner);
}
