/*
 * A firmware for tests of the HAL: starts up, then sleeps. The test has the emulated chip call the
 * HAL's functions one by one; the table keeps the linker from dropping them.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

#define ENTRY(name) ((void (*)(void))(name))

void (*const volatile calls[])(void) = {
    ENTRY(rt_hal_now_us),           ENTRY(rt_hal_sleep_until),  ENTRY(rt_hal_reset),
    ENTRY(rt_hal_deep_sleep_until), ENTRY(rt_hal_halt),         ENTRY(rt_hal_watchdog),
    ENTRY(rt_hal_device_id),        ENTRY(rt_hal_reset_cause),  ENTRY(rt_hal_random),
    ENTRY(rt_hal_stack_used_bytes), ENTRY(rt_hal_link_is_open), ENTRY(rt_hal_link_read),
    ENTRY(rt_hal_link_write),       ENTRY(rt_hal_flash_erase),  ENTRY(rt_hal_flash_program),
    ENTRY(rt_hal_pin_mode),         ENTRY(rt_hal_pin_write),    ENTRY(rt_hal_pin_read),
    ENTRY(rt_hal_pwm_write),        ENTRY(rt_hal_adc_read),     ENTRY(rt_hal_audio_start),
    ENTRY(rt_hal_audio_stop),       ENTRY(rt_hal_audio_read),   ENTRY(rt_hal_i2c_transfer),
    ENTRY(rt_hal_spi_configure),    ENTRY(rt_hal_spi_transfer), ENTRY(rt_hal_led_strip_send),
};

/* Memory that tests put arguments into. */
uint8_t shared[16384] __attribute__((aligned(8)));

/* For the time between two calls. */
volatile uint32_t deep_sleeps;

/* Loops without an end, as a program that hangs. */
void hang(void);
void hang(void) {
  for (;;) __asm__ volatile("");
}

int main(void) {
  rt_hal_init();
  rt_hal_link_write(RT_HAL_LINK_UART, (const uint8_t *)"up\n", 3);
  for (;;) {
    calls[0]();
    shared[sizeof shared - 1] = 0;
    if (deep_sleeps == 1) rt_hal_deep_sleep_until(rt_hal_now_us() + 1000000u);
    if (deep_sleeps == 2) rt_hal_deep_sleep_until(UINT64_MAX);
    if (deep_sleeps == 3) hang();
    rt_hal_sleep_until(rt_hal_now_us() + 100000u);
  }
}
