/* Who knows the battery tells module power: the simulator does, a board with a gauge could. */
#ifndef RT_SERVICES_POWER_H
#define RT_SERVICES_POWER_H

#include <stdint.h>

/* charge: 65,535 is full. Without a call the battery is full, its voltage and capacity are 0. */
void rt_power_set(uint32_t charge_q16, uint32_t millivolts, uint32_t capacity_milliwatt_hours);

#endif
