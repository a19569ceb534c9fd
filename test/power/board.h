#ifndef RT_POWER_BOARD_H
#define RT_POWER_BOARD_H

#include <stdint.h>

/* The size of the store's region from the next mount on. */
void rt_power_board_set(uint32_t store_bytes);

#endif
