/*
 * Flash for the store's tests: NOR rules, power that goes during an operation and leaves it half
 * done, stuck sectors, counts. Its first bytes are the store's region. Driven through WebAssembly.
 */
#ifndef TEST_STORE_FLASH_H
#define TEST_STORE_FLASH_H

#include <stdint.h>

#define TEST_FLASH_SECTORS 128u
#define TEST_FLASH_BYTES (TEST_FLASH_SECTORS * 4096u)

/* Sectors of the board's store. */
void test_set_sectors(uint32_t sectors);

uint8_t *test_flash(void);

/* The power goes during the `operations`-th erase or page from now: of its bits that were to change
 * some have (seed: which). 0: it stays. */
void test_cut_in(uint32_t operations, uint32_t seed);
uint32_t test_is_dark(void);
/* Power is back. */
void test_power_on(void);

/* This sector changes no more, or does again. */
void test_stick(uint32_t sector, uint32_t is_stuck);

uint32_t test_erases(void);
uint32_t test_programs(void);
uint32_t test_erases_of(uint32_t sector);
void test_clear_counts(void);

#endif
