/*
 * Flash: erase, program and identity through the boot ROM's functions. While they work the flash
 * cannot be read, so they run from RAM with interrupts locked: some 45 ms a sector, 0.7 ms a page.
 * Converter and DMA go on meanwhile; the audio ring is longer than that.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

/* End of the firmware's own image, and size of the chip, from the linker. */
extern const uint8_t __flash_image_end[], __flash_chip_bytes[];

#define BOOT2_BYTES 252u
#define BLOCK_BYTES 65536u
#define COMMAND_ERASE_BLOCK 0xd8u
#define COMMAND_UNIQUE_ID 0x4bu
/* Output override of the flash's select line. */
#define SELECT_LOW (2u << 8)
#define SELECT_HIGH (3u << 8)
#define SELECT_BITS (3u << 8)

/* The ROM's functions by two letters; 16-bit pointers lie at fixed places at its start. */
#define ROM_CODE(a, b) ((uint32_t)(a) | ((uint32_t)(b) << 8))
#define ROM_FUNCTION_TABLE 0x14u
#define ROM_TABLE_LOOKUP 0x18u

typedef void *(*rom_lookup_t)(const uint16_t *table, uint32_t code);

typedef struct {
  void (*connect_internal_flash)(void);
  void (*flash_exit_xip)(void);
  void (*flash_range_erase)(uint32_t offset, size_t bytes, uint32_t block_bytes, uint8_t command);
  void (*flash_range_program)(uint32_t offset, const uint8_t *data, size_t bytes);
  void (*flash_flush_cache)(void);
  uint32_t boot2[BOOT2_BYTES / 4];
} rom_t;

static inline void *rom_pointer(uint32_t at) {
  /* Address 0 is the ROM: the compiler must not know that it is a null pointer. */
  __asm__("" : "+r"(at));
  return (void *)(uintptr_t) * (const uint16_t *)(uintptr_t)at;
}

static void *rom_function(uint32_t code) {
  const rom_lookup_t lookup = (rom_lookup_t)rom_pointer(ROM_TABLE_LOOKUP);
  return lookup(rom_pointer(ROM_FUNCTION_TABLE), code);
}

static void find_rom(rom_t *rom) {
  *(void **)&rom->connect_internal_flash = rom_function(ROM_CODE('I', 'F'));
  *(void **)&rom->flash_exit_xip = rom_function(ROM_CODE('E', 'X'));
  *(void **)&rom->flash_range_erase = rom_function(ROM_CODE('R', 'E'));
  *(void **)&rom->flash_range_program = rom_function(ROM_CODE('R', 'P'));
  *(void **)&rom->flash_flush_cache = rom_function(ROM_CODE('F', 'C'));
  const volatile uint32_t *boot2 = (const volatile uint32_t *)XIP_BASE;
  for (uint32_t i = 0; i < BOOT2_BYTES / 4; i++) rom->boot2[i] = boot2[i];
}

_Noreturn void rt_rp2040_usb_boot(void) {
  void (*reset_usb_boot)(uint32_t led_mask, uint32_t disable) = NULL;
  *(void **)&reset_usb_boot = rom_function(ROM_CODE('U', 'B'));
  reset_usb_boot(0, 0);
  for (;;) {
  }
}

const uint8_t *rt_hal_flash_data(uint32_t offset) {
  return (const uint8_t *)(uintptr_t)(XIP_BASE + offset);
}

static RT_RAM_CODE("leave_xip") void leave_xip(const rom_t *rom) {
  rom->connect_internal_flash();
  rom->flash_exit_xip();
}

/* The second stage sets up fast reads again; it returns because its link register is not zero. */
static RT_RAM_CODE("enter_xip") void enter_xip(const rom_t *rom) {
  rom->flash_flush_cache();
  ((void (*)(void))((uintptr_t)rom->boot2 | 1u))();
}

static RT_RAM_CODE("erase_sector") void erase_sector(const rom_t *rom, uint32_t offset) {
  leave_xip(rom);
  rom->flash_range_erase(offset, RT_HAL_FLASH_SECTOR_BYTES, BLOCK_BYTES, COMMAND_ERASE_BLOCK);
  enter_xip(rom);
}

static RT_RAM_CODE("program_page") void program_page(const rom_t *rom, uint32_t offset,
                                                     const uint8_t *page) {
  leave_xip(rom);
  rom->flash_range_program(offset, page, RT_HAL_FLASH_PAGE_BYTES);
  enter_xip(rom);
}

static RT_RAM_CODE("transfer_byte") uint8_t transfer_byte(uint8_t byte) {
  while ((RT_REGISTER(SSI_SR) & SSI_SR_TFNF) == 0) {
  }
  RT_REGISTER(SSI_DR0) = byte;
  while ((RT_REGISTER(SSI_SR) & SSI_SR_RFNE) == 0) {
  }
  return (uint8_t)RT_REGISTER(SSI_DR0);
}

static inline __attribute__((always_inline)) void select_flash(uint32_t level) {
  RT_REGISTER(IO_QSPI_SS_CTRL) = (RT_REGISTER(IO_QSPI_SS_CTRL) & ~SELECT_BITS) | level;
}

/* The ROM leaves the interface set up for 8-bit commands. */
static RT_RAM_CODE("read_unique_id") void read_unique_id(const rom_t *rom, uint8_t *id) {
  leave_xip(rom);
  select_flash(SELECT_LOW);
  transfer_byte(COMMAND_UNIQUE_ID);
  for (uint32_t i = 0; i < 4; i++) transfer_byte(0);
  for (uint32_t i = 0; i < 8; i++) id[i] = transfer_byte(0);
  select_flash(SELECT_HIGH);
  RT_REGISTER(IO_QSPI_SS_CTRL) &= ~SELECT_BITS;
  enter_xip(rom);
}

void rt_rp2040_flash_unique_id(uint8_t id[8]) {
  rom_t rom;
  find_rom(&rom);
  const uint32_t lock = rt_rp2040_lock();
  read_unique_id(&rom, id);
  rt_rp2040_unlock(lock);
}

/* Whole units, within the chip, behind the firmware. */
static uint32_t is_allowed(uint32_t offset, uint32_t bytes, uint32_t unit) {
  const uint32_t first = (uint32_t)(uintptr_t)__flash_image_end - XIP_BASE;
  const uint32_t end = (uint32_t)(uintptr_t)__flash_chip_bytes;
  if (offset % unit != 0 || bytes % unit != 0) return 0;
  return offset >= first && offset <= end && bytes <= end - offset;
}

static uint32_t is_erased(uint32_t offset) {
  const volatile uint32_t *word = (const volatile uint32_t *)(XIP_BASE + offset);
  for (uint32_t i = 0; i < RT_HAL_FLASH_SECTOR_BYTES / 4; i++) {
    if (word[i] != 0xffffffffu) return 0;
  }
  return 1;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  if (!is_allowed(offset, bytes, RT_HAL_FLASH_SECTOR_BYTES)) return RT_ERROR_ARGUMENT;
  rom_t rom;
  find_rom(&rom);
  for (const uint32_t end = offset + bytes; offset < end; offset += RT_HAL_FLASH_SECTOR_BYTES) {
    const uint32_t lock = rt_rp2040_lock();
    erase_sector(&rom, offset);
    rt_rp2040_unlock(lock);
    if (!is_erased(offset)) return RT_ERROR_STATE;
  }
  return RT_OK;
}

/* `data` may lie in flash, which cannot be read during programming: it goes through the stack. */
static rt_status_t program_copy(const rom_t *rom, uint32_t offset, const uint8_t *data) {
  uint8_t page[RT_HAL_FLASH_PAGE_BYTES];
  const volatile uint8_t *flash = (const volatile uint8_t *)(XIP_BASE + offset);
  uint8_t before[RT_HAL_FLASH_PAGE_BYTES];
  for (uint32_t i = 0; i < sizeof page; i++) {
    page[i] = data[i];
    before[i] = flash[i];
  }
  const uint32_t lock = rt_rp2040_lock();
  program_page(rom, offset, page);
  rt_rp2040_unlock(lock);
  for (uint32_t i = 0; i < sizeof page; i++) {
    if (flash[i] != (page[i] & before[i])) return RT_ERROR_STATE;
  }
  return RT_OK;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  if (!is_allowed(offset, bytes, RT_HAL_FLASH_PAGE_BYTES)) return RT_ERROR_ARGUMENT;
  rom_t rom;
  find_rom(&rom);
  for (uint32_t done = 0; done < bytes; done += RT_HAL_FLASH_PAGE_BYTES) {
    const rt_status_t status = program_copy(&rom, offset + done, data + done);
    if (status != RT_OK) return status;
  }
  return RT_OK;
}
