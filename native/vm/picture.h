/*
 * Images of the graphics library: pixels of 1 or 4 bits, a column after the other. A column of
 * 1-bit pixels fills whole bytes, one of 4-bit pixels whole words; the first pixel is in the lowest
 * bits.
 */
#ifndef RT_VM_PICTURE_H
#define RT_VM_PICTURE_H

#include "vm/object.h"

/* RT_KIND_IMAGE */
typedef struct {
  rt_object_t header;
  rt_value_t
      buffer;      /* heap buffer, or one of the program's, which is copied before it is written */
  uint32_t offset; /* of the first column, bytes */
  uint16_t width, height; /* pixels, at least 1 */
  uint16_t stride;        /* bytes a column */
  uint8_t bits;           /* a pixel: 1 or 4 */
  uint8_t reserved;
} rt_picture_t;

/* The bytes that are the image; good until the next allocation. */
uint8_t *rt_picture_data(const rt_picture_t *picture);
/* Pixel, 0 outside. */
uint32_t rt_picture_get(const rt_picture_t *picture, int32_t x, int32_t y);
/* Sets a pixel; outside nothing happens. Of a colour the low 4 bits count; on a 1-bit image any
 * that is not 0 sets the bit. */
void rt_picture_set(rt_picture_t *picture, int32_t x, int32_t y, uint32_t color);
void rt_picture_fill_rect(rt_picture_t *picture, int32_t x, int32_t y, int32_t width,
                          int32_t height, uint32_t color);

#endif
