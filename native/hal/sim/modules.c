/* The native modules of the simulator: all there are. In the order of the services on the bus. */
#include "services/service.h"

extern const rt_service_module_t rt_module_learner;
extern const rt_service_module_t rt_module_capture;
extern const rt_service_module_t rt_module_button;
extern const rt_service_module_t rt_module_light_bulb;
extern const rt_service_module_t rt_module_power;
extern const rt_service_module_t rt_module_adc_stats;
extern const rt_service_module_t rt_module_template;

const rt_service_module_t *const rt_service_modules[] = {
    &rt_module_learner, &rt_module_capture,   &rt_module_button,   &rt_module_light_bulb,
    &rt_module_power,   &rt_module_adc_stats, &rt_module_template,
};
const uint16_t rt_service_module_count = sizeof rt_service_modules / sizeof rt_service_modules[0];
