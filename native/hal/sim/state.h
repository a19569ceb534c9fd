/* What the files of this folder share: the state of the simulated board. */
#ifndef RT_HAL_SIM_STATE_H
#define RT_HAL_SIM_STATE_H

#include "hal/sim/machine.h"

/* Stops the board for good: the instance ends with a trap. */
_Noreturn void rt_sim_stop(rt_sim_stop_t reason);

/* Each part puts itself into the state after power on. */
void rt_sim_flash_power_on(void);
void rt_sim_link_power_on(void);
void rt_sim_pins_power_on(void);

#endif
