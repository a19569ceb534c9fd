/*
 * A firmware of HAL and store for the whole emulated board: starts up, then sleeps. bench/store.ts
 * has it call the store's functions; the table keeps the linker from dropping them.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"
#include "store/adapter_record.h"
#include "store/store.h"

#define ENTRY(name) ((void (*)(void))(name))

void (*const volatile calls[])(void) = {ENTRY(rt_store_init), ENTRY(rt_store_put),
                                        ENTRY(rt_store_get), ENTRY(rt_store_drop),
                                        ENTRY(rt_store_roll_back), ENTRY(rt_hal_stack_used_bytes)};

/* Memory for arguments. */
uint8_t shared[8192] __attribute__((aligned(8)));

int main(void) {
  rt_hal_init();
  rt_hal_link_write(RT_HAL_LINK_UART, (const uint8_t *)"up\n", 3);
  for (;;) {
    rt_hal_sleep_until(rt_hal_now_us() + 100000u);
    shared[sizeof shared - 1] = (uint8_t)(uintptr_t)calls[0];
  }
}
