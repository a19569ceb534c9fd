/* A firmware of the HAL alone: says hello over both links, echoes, sleeps. */
#include <stdint.h>

#include "hal/hal.h"

static void say(const char *text) {
  const uint8_t *bytes = (const uint8_t *)text;
  size_t size = 0;
  while (text[size] != 0) size++;
  rt_hal_link_write(RT_HAL_LINK_UART, bytes, size);
  rt_hal_link_write(RT_HAL_LINK_USB, bytes, size);
}

static void say_number(const char *what, uint64_t number) {
  char text[24];
  uint32_t at = sizeof text - 1;
  text[at] = 0;
  do {
    text[--at] = "0123456789abcdef"[number & 15u];
    number >>= 4;
  } while (number != 0);
  say(what);
  say(text + at);
  say("\n");
}

static void echo(rt_hal_link_t link) {
  uint8_t bytes[64];
  const size_t count = rt_hal_link_read(link, bytes, sizeof bytes);
  if (count > 0) rt_hal_link_write(link, bytes, count);
}

int main(void) {
  rt_hal_init();
  say_number("hello ", rt_hal_device_id());
  say_number("reset ", rt_hal_reset_cause());
  uint64_t next_us = 0;
  uint32_t was_open = 0;
  for (;;) {
    const uint32_t is_open = rt_hal_link_is_open(RT_HAL_LINK_USB);
    if (is_open && !was_open) say("open\n");
    was_open = is_open;
    echo(RT_HAL_LINK_UART);
    echo(RT_HAL_LINK_USB);
    const uint64_t now_us = rt_hal_now_us();
    if (now_us >= next_us) {
      say_number("tick ", now_us / 1000000u);
      next_us = (now_us / 1000000u + 1) * 1000000u;
    }
    rt_hal_sleep_until(next_us);
  }
}
