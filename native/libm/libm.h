/*
 * The few functions of <math.h> that the VM's natives need, with the same bits on every target.
 * None sets errno or floating-point flags.
 */
#ifndef RT_LIBM_LIBM_H
#define RT_LIBM_LIBM_H

/* x to the y, within 0.54 units in the last place; special cases as IEEE 754 pow. */
double rt_libm_pow(double x, double y);

/* Natural logarithm, within 0.51 units in the last place. Negative: NaN; 0: -Infinity. */
double rt_libm_log(double x);

/* Exact, as in <math.h>. */
double rt_libm_floor(double x);
double rt_libm_ceil(double x);
double rt_libm_trunc(double x);

#endif
