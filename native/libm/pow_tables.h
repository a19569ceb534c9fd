/*
 * Tables of pow.c.
 *
 * Copyright (c) 2018, Arm Limited.
 * SPDX-License-Identifier: MIT
 */
#ifndef RT_LIBM_POW_TABLES_H
#define RT_LIBM_POW_TABLES_H

#include <stdint.h>

/* 1/c of subinterval i of the logarithm, in 1/256. */
extern const uint16_t rt_libm_inverse_256[128];
/* log(c), rounded to a multiple of 2^-43, and what was rounded off. */
extern const double rt_libm_log_c[128][2];
/* 2^(k/128): a small correction, then the bits of the value less k << 45. */
extern const uint64_t rt_libm_exp[256];

#endif
