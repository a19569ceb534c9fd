/*
 * A boot ROM for the emulated RP2040, written from the datasheet's description: it starts the
 * flash's second stage after checking it, and has the functions that firmware finds by two letters.
 * sim/rp2040/bootrom.ts links it at address 0 and writes the table of the functions.
 */
#include <stddef.h>

#include "hal/rp2040/registers.h"

#define BOOT2_BYTES 252u
#define BOOT2_RAM 0x20041f00u
#define FLASH_PAGE 256u
#define FLASH_SECTOR 4096u
#define SELECT_BITS (3u << 8)
#define SELECT_LOW (2u << 8)
#define SELECT_HIGH (3u << 8)
#define XIP_CTRL_FLUSH 0x14000004u

void rom_reset(void);
void rom_halt(void);
void rom_connect_internal_flash(void);
void rom_flash_exit_xip(void);
void rom_flash_range_erase(uint32_t offset, uint32_t bytes, uint32_t block_bytes, uint8_t command);
void rom_flash_range_program(uint32_t offset, const uint8_t *data, uint32_t bytes);
void rom_flash_flush_cache(void);
void rom_flash_enter_cmd_xip(void);
void rom_reset_usb_boot(uint32_t led_mask, uint32_t disable);
uint32_t rom_table_lookup(const uint16_t *table, uint32_t code);
void *rom_memcpy(void *to, const void *from, uint32_t bytes);
void *rom_memset(void *to, uint32_t value, uint32_t bytes);

__attribute__((section(".vectors"), used)) static const uint32_t stack_top = BOOT2_RAM;
__attribute__((section(".vectors"), used)) static void (*const handlers[3])(void) = {
    rom_reset, rom_halt, rom_halt};
/* 'M', 'u', 1, version; then what bootrom.ts fills in. */
__attribute__((section(".vectors"), used)) static const uint32_t magic = 0x0301754du;

void rom_halt(void) {
  for (;;) __asm__ volatile("bkpt #1");
}

static void select_flash(uint32_t level) {
  RT_REGISTER(IO_QSPI_SS_CTRL) = (RT_REGISTER(IO_QSPI_SS_CTRL) & ~SELECT_BITS) | level;
}

static uint8_t exchange(uint8_t byte) {
  while ((RT_REGISTER(SSI_SR) & SSI_SR_TFNF) == 0) {
  }
  RT_REGISTER(SSI_DR0) = byte;
  while ((RT_REGISTER(SSI_SR) & SSI_SR_RFNE) == 0) {
  }
  return (uint8_t)RT_REGISTER(SSI_DR0);
}

void rom_connect_internal_flash(void) {
  RT_REGISTER(RESETS_RESET + 0x3000u) = (1u << 6) | (1u << 9); /* IO_QSPI, PADS_QSPI */
  RT_REGISTER(IO_QSPI_SS_CTRL) = 0;
}

void rom_flash_exit_xip(void) {
  RT_REGISTER(SSI_SSIENR) = 0;
  RT_REGISTER(SSI_BAUDR) = 6;
  RT_REGISTER(SSI_CTRLR0) = 7u << 16;
  RT_REGISTER(SSI_CTRLR1) = 0;
  RT_REGISTER(SSI_SER) = 1;
  RT_REGISTER(SSI_SSIENR) = 1;
  /* Ones where a chip in continuous read expects its mode bits. */
  select_flash(SELECT_LOW);
  for (uint32_t i = 0; i < 4; i++) exchange(0xff);
  select_flash(SELECT_HIGH);
  select_flash(SELECT_LOW);
  exchange(0xff);
  exchange(0xff);
  select_flash(SELECT_HIGH);
}

static void send_command(uint8_t command, uint32_t address, uint32_t address_bytes) {
  select_flash(SELECT_LOW);
  exchange(command);
  for (uint32_t i = address_bytes; i-- > 0;) exchange((uint8_t)(address >> (8 * i)));
}

static void simple_command(uint8_t command) {
  send_command(command, 0, 0);
  select_flash(SELECT_HIGH);
}

static void wait_ready(void) {
  uint8_t status;
  do {
    select_flash(SELECT_LOW);
    exchange(0x05);
    status = exchange(0);
    select_flash(SELECT_HIGH);
  } while ((status & 1u) != 0);
}

void rom_flash_range_erase(uint32_t offset, uint32_t bytes, uint32_t block_bytes, uint8_t command) {
  const uint32_t end = offset + bytes;
  while (offset < end) {
    const uint32_t is_block =
        block_bytes != 0 && (offset & (block_bytes - 1)) == 0 && end - offset >= block_bytes;
    simple_command(0x06);
    send_command(is_block ? command : 0x20, offset, 3);
    select_flash(SELECT_HIGH);
    wait_ready();
    offset += is_block ? block_bytes : FLASH_SECTOR;
  }
}

void rom_flash_range_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  for (uint32_t done = 0; done < bytes; done += FLASH_PAGE) {
    simple_command(0x06);
    send_command(0x02, offset + done, 3);
    for (uint32_t i = 0; i < FLASH_PAGE; i++) exchange(data[done + i]);
    select_flash(SELECT_HIGH);
    wait_ready();
  }
}

void rom_flash_flush_cache(void) {
  RT_REGISTER(XIP_CTRL_FLUSH) = 1;
  (void)RT_REGISTER(XIP_CTRL_FLUSH);
  RT_REGISTER(IO_QSPI_SS_CTRL) &= ~SELECT_BITS;
}

/* Reads in place with the plain command 03h, which every chip knows. */
void rom_flash_enter_cmd_xip(void) {
  RT_REGISTER(SSI_SSIENR) = 0;
  RT_REGISTER(SSI_CTRLR0) = (31u << 16) | (3u << 8);
  RT_REGISTER(SSI_CTRLR1) = 0;
  RT_REGISTER(SSI_SPI_CTRLR0) = (3u << 24) | (2u << 8) | (6u << 2);
  RT_REGISTER(SSI_SSIENR) = 1;
}

/* The emulator has no USB drive: it sees this and stops. */
void rom_reset_usb_boot(uint32_t led_mask, uint32_t disable) {
  (void)led_mask;
  (void)disable;
  for (;;) __asm__ volatile("bkpt #2");
}

uint32_t rom_table_lookup(const uint16_t *table, uint32_t code) {
  for (; table[0] != 0; table += 2) {
    if (table[0] == code) return table[1];
  }
  return 0;
}

void *rom_memcpy(void *to, const void *from, uint32_t bytes) {
  volatile uint8_t *t = to;
  const uint8_t *f = from;
  for (uint32_t i = 0; i < bytes; i++) t[i] = f[i];
  return to;
}

void *rom_memset(void *to, uint32_t value, uint32_t bytes) {
  volatile uint8_t *t = to;
  for (uint32_t i = 0; i < bytes; i++) t[i] = (uint8_t)value;
  return to;
}

static uint32_t crc32(const uint8_t *bytes, uint32_t count) {
  uint32_t crc = 0xffffffffu;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= (uint32_t)bytes[i] << 24;
    for (uint32_t bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc >> 31) * 0x04c11db7u);
  }
  return crc;
}

void rom_reset(void) {
  uint32_t *boot2 = (uint32_t *)BOOT2_RAM;
  rom_connect_internal_flash();
  rom_flash_exit_xip();
  rom_flash_flush_cache();
  rom_flash_enter_cmd_xip();
  const volatile uint32_t *flash = (const volatile uint32_t *)XIP_BASE;
  for (uint32_t i = 0; i <= BOOT2_BYTES / 4; i++) boot2[i] = flash[i];
  if (crc32((const uint8_t *)boot2, BOOT2_BYTES) != boot2[BOOT2_BYTES / 4]) {
    rom_reset_usb_boot(0, 0);
  }
  __asm__ volatile(
      "movs r1, #0\n"
      "mov lr, r1\n"
      "bx %0\n" ::"r"(BOOT2_RAM | 1u)
      : "r1");
}
