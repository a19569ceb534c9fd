/*
 * Crystal 12 MHz → PLL_SYS → system clock; PLL_USB 48 MHz → USB and converter. Peripherals (UART,
 * SPI) run on the system clock. The reference clock is the crystal; the watchdog divides it to the
 * microsecond tick that drives the timer.
 */
#include "hal/board.h"
#include "hal/rp2040/rp2040.h"

#define CRYSTAL_MHZ 12u
#define REF_SOURCE_XOSC 2u
#define SYS_SOURCE_REF 0u
#define SYS_SOURCE_AUX 1u
#define AUX_SHIFT 5u
#define AUX_PERI_SYS 0u
#define XOSC_ENABLE ((0xfabu << 12) | 0xaa0u)
/* About 1 ms, in units of 256 cycles of the crystal. */
#define XOSC_STARTUP_DELAY 47u
#define XOSC_DORMANT_CODE 0x636f6d61u
#define PLL_PWR_PD 0x01u
#define PLL_PWR_VCOPD 0x20u
#define PLL_PWR_POSTDIVPD 0x08u

void rt_rp2040_reset_blocks(uint32_t blocks) {
  RT_SET_BITS(RESETS_RESET) = blocks;
  RT_CLEAR_BITS(RESETS_RESET) = blocks;
  while ((~RT_REGISTER(RESETS_RESET_DONE) & blocks) != 0) {
  }
}

static void wait_for(uint32_t address, uint32_t bits) {
  while ((RT_REGISTER(address) & bits) == 0) {
  }
}

/* Output is 12 MHz × feedback / (first × second). The VCO wants 750 to 1,600 MHz. */
static void start_pll(uint32_t base, uint32_t feedback, uint32_t first, uint32_t second) {
  RT_REGISTER(base + PLL_CS) = 1;
  RT_REGISTER(base + PLL_FBDIV_INT) = feedback;
  RT_CLEAR_BITS(base + PLL_PWR) = PLL_PWR_PD | PLL_PWR_VCOPD;
  wait_for(base + PLL_CS, PLL_LOCK);
  RT_REGISTER(base + PLL_PRIM) = (first << 16) | (second << 12);
  RT_CLEAR_BITS(base + PLL_PWR) = PLL_PWR_POSTDIVPD;
}

static void start_crystal(void) {
  RT_REGISTER(XOSC_STARTUP) = XOSC_STARTUP_DELAY;
  RT_REGISTER(XOSC_CTRL) = XOSC_ENABLE;
  wait_for(XOSC_STATUS, XOSC_STABLE);
}

void rt_rp2040_clocks_slow(void) {
  RT_CLEAR_BITS(CLK_SYS_CTRL) = SYS_SOURCE_AUX;
  wait_for(CLK_SYS_SELECTED, 1u << SYS_SOURCE_REF);
  RT_CLEAR_BITS(CLK_USB_CTRL) = CLK_ENABLE;
  RT_CLEAR_BITS(CLK_ADC_CTRL) = CLK_ENABLE;
  RT_REGISTER(PLL_SYS_BASE + PLL_PWR) = PLL_PWR_PD | PLL_PWR_VCOPD | PLL_PWR_POSTDIVPD;
  RT_REGISTER(PLL_USB_BASE + PLL_PWR) = PLL_PWR_PD | PLL_PWR_VCOPD | PLL_PWR_POSTDIVPD;
}

void rt_rp2040_clocks_fast(void) {
  rt_rp2040_reset_blocks(RESET_PLL_SYS | RESET_PLL_USB);
  /* 6 × 2 behind the VCO: its multiple of 12 MHz is the output in MHz. */
  start_pll(PLL_SYS_BASE, rt_board.clock_hz / 1000000u, 6, 2);
  start_pll(PLL_USB_BASE, 100, 5, 5);
  RT_REGISTER(CLK_SYS_CTRL) = (0u << AUX_SHIFT) | SYS_SOURCE_REF; /* auxiliary source PLL_SYS */
  RT_SET_BITS(CLK_SYS_CTRL) = SYS_SOURCE_AUX;
  wait_for(CLK_SYS_SELECTED, 1u << SYS_SOURCE_AUX);
  RT_REGISTER(CLK_PERI_CTRL) = CLK_ENABLE | (AUX_PERI_SYS << AUX_SHIFT);
  RT_REGISTER(CLK_USB_DIV) = 1u << 8;
  RT_REGISTER(CLK_USB_CTRL) = CLK_ENABLE; /* auxiliary source 0: PLL_USB */
  RT_REGISTER(CLK_ADC_DIV) = 1u << 8;
  RT_REGISTER(CLK_ADC_CTRL) = CLK_ENABLE;
}

void rt_rp2040_clocks_init(void) {
  start_crystal();
  RT_REGISTER(CLK_REF_DIV) = 1u << 8;
  RT_REGISTER(CLK_REF_CTRL) = REF_SOURCE_XOSC;
  wait_for(CLK_REF_SELECTED, 1u << REF_SOURCE_XOSC);
  RT_CLEAR_BITS(CLK_SYS_CTRL) = SYS_SOURCE_AUX;
  wait_for(CLK_SYS_SELECTED, 1u << SYS_SOURCE_REF);
  RT_REGISTER(CLK_SYS_DIV) = 1u << 8;
  rt_rp2040_clocks_fast();
  RT_REGISTER(WATCHDOG_TICK) = CRYSTAL_MHZ | (1u << 9);
}

void rt_rp2040_dormant(void) {
  RT_REGISTER(XOSC_DORMANT) = XOSC_DORMANT_CODE;
  wait_for(XOSC_STATUS, XOSC_STABLE);
}
