/*
 * A fence for the compiler, not for the processor: x and y are computed before what follows.
 *
 * clang gathers the loads of an unrolled loop at its top and spills what no longer fits into the
 * eight low registers of Cortex-M0+; a fence after each term keeps a loop in registers. Takes no
 * instruction and changes no result.
 */
#ifndef RT_ENGINE_SETTLE_H
#define RT_ENGINE_SETTLE_H

#define RT_SETTLE(x, y) __asm__("" : "+r"(x), "+r"(y))

/* A loop that shall have the registers to itself. */
#define RT_NOINLINE __attribute__((noinline))

#endif
