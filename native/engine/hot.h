/*
 * Where code lies that runs for most of the time.
 *
 * The RP2040 fetches code in flash through a cache of 16 KB that weights in flash push code out of;
 * a miss stops the core for tens of cycles. So kernels run from SRAM, and the cache is left to
 * weights. link.ld of the chip places `.ramcode` there; the start-up code copies it with the
 * variables.
 *
 * `RT_HOT` goes in front of the definition: `RT_HOT void rt_depthwise_rows(...) {`. Every byte of
 * it is a byte of RAM, so it is for loops over pixels, rows or parameters, not for what runs once a
 * layer. What such a loop calls must not lie in flash, or each call takes 13 cycles more (a veneer,
 * since flash is out of reach of BL) and may miss the cache: helpers are `static inline` or
 * `RT_HOT` themselves. Never inlined, because an inlined copy would lie where its caller lies.
 *
 * File-scope assembler says `.section .ramcode.NAME,"ax",%progbits` (RT_HOT_SECTION("NAME")) under
 * `#if defined(__ARM_ARCH_6M__)`. On other targets RT_HOT is nothing.
 */
#ifndef RT_ENGINE_HOT_H
#define RT_ENGINE_HOT_H

#if defined(__ARM_ARCH_6M__)
#define RT_HOT_TEXT(x) #x
#define RT_HOT_NAME(line) ".ramcode.line" RT_HOT_TEXT(line)
/* A section a function, so that the linker drops those that nothing calls. */
#define RT_HOT __attribute__((noinline, section(RT_HOT_NAME(__LINE__))))
#define RT_HOT_SECTION(name) "  .section .ramcode." name ",\"ax\",%progbits\n"
#else
#define RT_HOT
#define RT_HOT_SECTION(name)
#endif

#endif
