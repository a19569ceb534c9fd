/* What musl's pow.c needs of <math.h>, on targets with a C library and without. */
#ifndef RT_LIBM_MUSL_MATH_H
#define RT_LIBM_MUSL_MATH_H

#include <features.h>

#include "libm/libm.h"

/* Never wider: the bits are to be the same on every target. */
typedef float float_t;
typedef double double_t;

#define INFINITY __builtin_inff()
#define fabs(x) __builtin_fabs(x)

#endif
