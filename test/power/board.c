/* A board that is nothing but its store. Declared const everywhere else; its size changes between
 * two scripts, when nothing of the store is running. */
#define rt_board rt_board_as_declared
#include "hal/board.h"
#undef rt_board

#include "board.h"
#include "flash.h"

rt_board_t rt_board = {
    .name = "power",
    .clock_hz = 125000000u,
    .store_offset = RT_POWER_STORE_OFFSET,
};

void rt_power_board_set(uint32_t store_bytes) { rt_board.store_bytes = store_bytes; }
