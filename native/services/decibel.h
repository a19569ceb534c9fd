/*
 * Power and decibels without a float: levels are the root mean square in dB below full scale (a
 * square wave of 32768 is 0), i8.8 as in the specifications.
 */
#ifndef RT_SERVICES_DECIBEL_H
#define RT_SERVICES_DECIBEL_H

#include <stdint.h>

#define RT_DECIBEL_FLOOR (-96 * 256)

/*
 * The least sum of squares of `count` 16-bit samples whose level is at least `level_q9` / 512 dB;
 * relative error below 2^-28. level_q9 from -128 * 512 to 128 * 512, count below 2^18.
 */
uint64_t rt_decibel_power(int32_t level_q9, uint32_t count);

/* Level of a sum of squares, rounded to 1/256 dB, at least RT_DECIBEL_FLOOR. count > 0. */
int16_t rt_decibel_level(uint64_t sum, uint32_t count);

#endif
