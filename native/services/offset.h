/*
 * Takes the offset of a microphone away: the middle of its signal is seldom the middle of the
 * converter's range (resistors of 1 % alone make a hundred steps of a 12-bit converter). And says
 * whether the converter is stuck.
 *
 * A mean over a word is never quite 0, and the base models have learned that from recordings. So
 * the offset is a running median, in effect, of the means of blocks: it follows at one unit a
 * block, and below RT_OFFSET_LEAST nothing is taken away. A signal that has no offset comes out bit
 * by bit as it went in. All integer: the same on every target.
 */
#ifndef RT_SERVICES_OFFSET_H
#define RT_SERVICES_OFFSET_H

#include <stdint.h>

/* Units are those of samples: full scale is 32,767. */
#define RT_OFFSET_LEAST 96 /* six steps of a 12-bit converter */
#define RT_OFFSET_LIMIT \
  8192 /* a signal that is farther off has too little room left to be mended */
#define RT_OFFSET_FAR \
  512 /* every block of a second this far away on one side: that is the offset */
#define RT_OFFSET_SECOND 50u /* blocks */

typedef struct {
  int16_t applied;  /* what was taken away from the last block, 0 or at least RT_OFFSET_LEAST */
  int16_t estimate; /* within RT_OFFSET_LIMIT */
  int32_t far_sum;  /* of the means of `far_count` blocks in a row, all on one side */
  int8_t far_count; /* below 0: on the lower side */
  uint8_t is_stuck; /* one value for a second, and not about the middle */
  uint8_t same;     /* blocks in a row that hold one value, at most RT_OFFSET_SECOND */
  int16_t value;    /* which */
} rt_offset_t;

/* Looks at a block of 20 ms and takes the offset away from it. count: 1 to 32,768. All zero: the
 * state at the beginning. */
void rt_offset_take(rt_offset_t *offset, int16_t *samples, uint32_t count);

#endif
