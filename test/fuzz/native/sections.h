/*
 * Included before every file of native/: its variables go into sections of their own, so that each
 * boot can begin with all of them as the program starts (machine.c), whatever the input before did.
 * Where objects are not ELF files a boot finds them as they were.
 */
#if defined(__clang__) && defined(__ELF__)
#pragma clang section bss = "rt_fuzz_bss" data = "rt_fuzz_data"
#endif
