/*
 * Second stage of the boot: the boot ROM copies the first 256 bytes of flash to the end of SRAM,
 * checks their CRC32 (the build writes it) and jumps to the first. This sets the flash up for fast
 * reads in place (four data lines, continuous read) and starts the firmware behind it.
 *
 * flash.c calls a copy of it after erasing or programming: then the caller wants back control, and
 * the link register is not zero. Runs anywhere; calls nothing; no variables.
 *
 * For chips that take 0xEB with mode bits 0xA0 and keep their quad enable bit in bit 1 of status
 * register 2 (Winbond W25Q and most others).
 */
#include "hal/rp2040/registers.h"

#define COMMAND_WRITE_STATUS 0x01u
#define COMMAND_READ_STATUS_1 0x05u
#define COMMAND_WRITE_ENABLE 0x06u
#define COMMAND_READ_STATUS_2 0x35u
#define COMMAND_READ_QUAD 0xebu
#define MODE_CONTINUOUS_READ 0xa0u
#define STATUS_1_BUSY 1u
#define STATUS_2_QUAD_ENABLE 2u

/* Half of the system clock: 62.5 MHz at 125. W25Q chips take 104 MHz and more. */
#define CLOCK_DIVIDER 2u

/* 8-bit frames in both directions. */
#define CTRLR0_COMMANDS (7u << 16)
/* 32-bit frames on four lines, sent as command, then read. */
#define CTRLR0_READS ((2u << 21) | (31u << 16) | (3u << 8))
/* Address and mode bits are eight nibbles, four dummy cycles. */
#define SPI_CTRLR0_SHAPE ((4u << 11) | (8u << 2))
#define SPI_CTRLR0_FIRST_READ (SPI_CTRLR0_SHAPE | (2u << 8) | 1u)
#define SPI_CTRLR0_LATER_READS (SPI_CTRLR0_SHAPE | (MODE_CONTINUOUS_READ << 24) | 2u)

#define PAD_8MA_FAST_NO_SCHMITT_OUT ((2u << 4) | 1u)

/* Small beats fast here: the whole has 252 bytes. */
#ifdef __clang__
#define PART __attribute__((noinline, minsize, section(".boot2.setup")))
#else
#define PART __attribute__((noinline, optimize("Os"), section(".boot2.setup")))
#endif

/* Registers relative to one base in a register of the core: shorter than an address each. */
#define SSI(base, address) ((base)[((address)-XIP_SSI_BASE) / 4])

static PART void wait_until_sent(rt_register_t *ssi) {
  while ((SSI(ssi, SSI_SR) & SSI_SR_TFE) == 0) {
  }
  while ((SSI(ssi, SSI_SR) & SSI_SR_BUSY) != 0) {
  }
}

static PART uint32_t exchange(rt_register_t *ssi, uint32_t command) {
  SSI(ssi, SSI_DR0) = command;
  SSI(ssi, SSI_DR0) = command;
  wait_until_sent(ssi);
  (void)SSI(ssi, SSI_DR0);
  return SSI(ssi, SSI_DR0);
}

static PART void enable_quad(rt_register_t *ssi) {
  if ((exchange(ssi, COMMAND_READ_STATUS_2) & STATUS_2_QUAD_ENABLE) != 0) return;
  SSI(ssi, SSI_DR0) = COMMAND_WRITE_ENABLE;
  wait_until_sent(ssi);
  (void)SSI(ssi, SSI_DR0);
  SSI(ssi, SSI_DR0) = COMMAND_WRITE_STATUS;
  SSI(ssi, SSI_DR0) = 0;
  SSI(ssi, SSI_DR0) = STATUS_2_QUAD_ENABLE;
  wait_until_sent(ssi);
  for (uint32_t i = 0; i < 3; i++) (void)SSI(ssi, SSI_DR0);
  while ((exchange(ssi, COMMAND_READ_STATUS_1) & STATUS_1_BUSY) != 0) {
  }
}

void rt_rp2040_boot2_setup(void);

PART void rt_rp2040_boot2_setup(void) {
  rt_register_t *pads = (rt_register_t *)PADS_QSPI_SCLK;
  __asm__("" : "+r"(pads));
  pads[0] = PAD_8MA_FAST_NO_SCHMITT_OUT;
  for (uint32_t line = 1; line <= 4; line++) pads[line] &= ~PAD_SCHMITT;

  rt_register_t *ssi = (rt_register_t *)XIP_SSI_BASE;
  __asm__("" : "+r"(ssi));
  SSI(ssi, SSI_SSIENR) = 0;
  SSI(ssi, SSI_BAUDR) = CLOCK_DIVIDER;
  SSI(ssi, SSI_RX_SAMPLE_DLY) = 1;
  SSI(ssi, SSI_CTRLR0) = CTRLR0_COMMANDS;
  SSI(ssi, SSI_SSIENR) = 1;
  enable_quad(ssi);

  SSI(ssi, SSI_SSIENR) = 0;
  SSI(ssi, SSI_CTRLR0) = CTRLR0_READS;
  SSI(ssi, SSI_CTRLR1) = 0;
  SSI(ssi, SSI_SPI_CTRLR0) = SPI_CTRLR0_FIRST_READ;
  SSI(ssi, SSI_SSIENR) = 1;
  /* One read at address 0 with its command; the chip then expects addresses only. */
  SSI(ssi, SSI_DR0) = COMMAND_READ_QUAD;
  SSI(ssi, SSI_DR0) = MODE_CONTINUOUS_READ;
  wait_until_sent(ssi);
  SSI(ssi, SSI_SSIENR) = 0;
  SSI(ssi, SSI_SPI_CTRLR0) = SPI_CTRLR0_LATER_READS;
  SSI(ssi, SSI_SSIENR) = 1;
}

void rt_rp2040_boot2(void);

/* First in flash. The setup follows directly behind (link.ld), within the same 252 bytes. */
__attribute__((naked, section(".boot2.entry"))) void rt_rp2040_boot2(void) {
  __asm__ volatile(
      "push {lr}\n"
      "bl rt_rp2040_boot2_setup\n"
      "pop {r0}\n"
      "cmp r0, #0\n"
      "bne 1f\n"
      "ldr r0, =0x10000100\n" /* the firmware's vector table */
      "ldr r1, =0xe000ed08\n" /* VTOR */
      "str r0, [r1]\n"
      "ldmia r0, {r0, r1}\n"
      "msr msp, r0\n"
      "bx r1\n"
      "1: bx r0\n"
      ".pool\n");
}
