/*
 * Time and sleep. The 64-bit timer counts microseconds since reset; its alarm 0 ends a sleep.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

volatile uint32_t rt_rp2040_has_event;

/* Bits of CLK_SLEEP_EN0 and CLK_SLEEP_EN1: blocks whose clock goes on while the core sleeps. */
#define EN0_CLOCKS (1u << 0)
#define EN0_BUS (3u << 3)
#define EN0_IO (1u << 8)
#define EN0_JTAG (1u << 9)
#define EN0_POWER ((1u << 10) | (1u << 16) | (1u << 18))
#define EN0_PADS (1u << 11)
#define EN0_PIO1 (1u << 13)
#define EN0_ROSC (1u << 20)
#define EN0_RTC (3u << 21)
#define EN0_SIO (1u << 23)
#define EN0_SRAM (0xfu << 28)
#define EN1_SRAM (3u << 0)
#define EN1_SYSCFG (1u << 2)
#define EN1_TBMAN (1u << 4)
#define EN1_TIMER (1u << 5)
#define EN1_WATCHDOG (1u << 12)
#define EN1_XIP (1u << 13)
#define EN1_XOSC (1u << 14)

/* Light sleep: all but what nobody uses here. */
#define LIGHT_SLEEP_EN0 (~(EN0_JTAG | EN0_PIO1 | EN0_RTC))
#define LIGHT_SLEEP_EN1 (0x7fffu & ~EN1_TBMAN)
/* Deep sleep: what keeps memory and wakes. */
#define DEEP_SLEEP_EN0 \
  (EN0_CLOCKS | EN0_BUS | EN0_IO | EN0_POWER | EN0_PADS | EN0_ROSC | EN0_SIO | EN0_SRAM)
#define DEEP_SLEEP_EN1 (EN1_SRAM | EN1_SYSCFG | EN1_TIMER | EN1_WATCHDOG | EN1_XIP | EN1_XOSC)

/* The alarm compares 32 bits; a later deadline is slept for in parts. */
#define LONGEST_ALARM_US 0x40000000u

uint64_t rt_hal_now_us(void) {
  uint32_t high = RT_REGISTER(TIMER_TIMERAWH);
  for (;;) {
    const uint32_t low = RT_REGISTER(TIMER_TIMERAWL);
    const uint32_t again = RT_REGISTER(TIMER_TIMERAWH);
    if (again == high) return ((uint64_t)high << 32) | low;
    high = again;
  }
}

void rt_rp2040_sleep_init(void) {
  RT_REGISTER(TIMER_INTE) = 1;
  rt_rp2040_enable_irq(IRQ_TIMER_0);
  RT_REGISTER(CLK_SLEEP_EN0) = LIGHT_SLEEP_EN0;
  RT_REGISTER(CLK_SLEEP_EN1) = LIGHT_SLEEP_EN1;
  /* The chip gates clocks when both cores sleep deeply; the boot ROM has core 1 do so. */
  RT_REGISTER(PPB_SCR) = SCR_SLEEPDEEP;
}

void rt_rp2040_timer_interrupt(void) {
  RT_REGISTER(TIMER_INTR) = 1;
  rt_rp2040_has_event = 1;
}

void rt_hal_spent(uint32_t cycles) { (void)cycles; }

/* With interrupts locked: sets the alarm; 0 when `deadline_us` is past. */
static uint32_t set_alarm(uint64_t deadline_us) {
  const uint64_t now_us = rt_hal_now_us();
  if (deadline_us <= now_us) return 0;
  uint64_t wait_us = deadline_us - now_us;
  if (wait_us > LONGEST_ALARM_US) wait_us = LONGEST_ALARM_US;
  const uint64_t end_us = now_us + wait_us;
  RT_REGISTER(TIMER_ALARM0) = (uint32_t)end_us;
  /* An alarm in the past would fire in 71 minutes. */
  if (rt_hal_now_us() < end_us) return 1;
  RT_REGISTER(TIMER_ARMED) = 1;
  return 0;
}

/* With interrupts locked. A pending interrupt ends it even so; it is served after the unlock. */
static void wait_for_interrupt(void) { __asm__ volatile("dsb\n wfi" ::: "memory"); }

void rt_hal_sleep_until(uint64_t deadline_us) {
  const uint64_t audio_us = rt_rp2040_audio_due_us(rt_hal_now_us());
  if (audio_us < deadline_us) deadline_us = audio_us;
  const uint32_t lock = rt_rp2040_lock();
  if (!rt_rp2040_has_event && set_alarm(deadline_us)) {
    rt_rp2040_pins_watch(0);
    wait_for_interrupt();
    rt_rp2040_pins_unwatch();
    RT_REGISTER(TIMER_ARMED) = 1;
  }
  rt_rp2040_unlock(lock);
  rt_rp2040_has_event = 0;
}

static uint32_t is_listening(void) { return rt_rp2040_audio_due_us(0) != UINT64_MAX; }

void rt_hal_deep_sleep_until(uint64_t deadline_us) {
  if (is_listening()) {
    rt_hal_sleep_until(deadline_us);
    return;
  }
  const uint32_t lock = rt_rp2040_lock();
  /* Off until the main loop asks for it again: the sleep may be longer. */
  rt_hal_watchdog(0);
  rt_rp2040_usb_stop();
  rt_rp2040_clocks_slow();
  RT_REGISTER(CLK_SLEEP_EN0) = DEEP_SLEEP_EN0;
  RT_REGISTER(CLK_SLEEP_EN1) = DEEP_SLEEP_EN1;
  const uint32_t is_dormant = deadline_us == UINT64_MAX && rt_rp2040_pins_watched();
  rt_rp2040_pins_watch(is_dormant);
  if (is_dormant) {
    rt_rp2040_dormant();
  } else if (!rt_rp2040_has_event && set_alarm(deadline_us)) {
    wait_for_interrupt();
    RT_REGISTER(TIMER_ARMED) = 1;
  }
  rt_rp2040_pins_unwatch();
  RT_REGISTER(CLK_SLEEP_EN0) = LIGHT_SLEEP_EN0;
  RT_REGISTER(CLK_SLEEP_EN1) = LIGHT_SLEEP_EN1;
  rt_rp2040_clocks_fast();
  rt_rp2040_usb_init();
  rt_rp2040_unlock(lock);
  rt_rp2040_has_event = 0;
}
