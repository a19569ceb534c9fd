/*
 * Included before every file of native/: its variables go into sections of their own, so that each
 * boot can begin with all of them as the program starts (machine.c), whatever the input before did.
 */
#ifdef __clang__
#pragma clang section bss = "rt_fuzz_bss" data = "rt_fuzz_data"
#else
#error "the fuzz targets need clang, or npm's zig"
#endif
