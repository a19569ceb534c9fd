/* Pixels of images. */
#include "vm/picture.h"

uint8_t *rt_picture_data(const rt_picture_t *picture) {
  uint32_t bytes, writable;
  return rt_bytes_of(picture->buffer, &bytes, &writable) + picture->offset;
}

static int is_inside(const rt_picture_t *picture, int32_t x, int32_t y) {
  return x >= 0 && y >= 0 && x < picture->width && y < picture->height;
}

uint32_t rt_picture_get(const rt_picture_t *picture, int32_t x, int32_t y) {
  if (!is_inside(picture, x, y)) return 0;
  const uint8_t *column = rt_picture_data(picture) + (uint32_t)x * picture->stride;
  if (picture->bits == 1) return column[y >> 3] >> (y & 7) & 1u;
  return column[y >> 1] >> 4 * (y & 1) & 15u;
}

static void set_in_column(const rt_picture_t *picture, uint8_t *column, int32_t y, uint32_t color) {
  uint32_t shift, mask;
  uint8_t *byte;
  if (picture->bits == 1) {
    byte = &column[y >> 3];
    shift = (uint32_t)y & 7u;
    mask = 1;
    color = color != 0;
  } else {
    byte = &column[y >> 1];
    shift = 4u * ((uint32_t)y & 1u);
    mask = 15;
  }
  *byte = (uint8_t)((*byte & ~(mask << shift)) | (color & mask) << shift);
}

void rt_picture_set(rt_picture_t *picture, int32_t x, int32_t y, uint32_t color) {
  if (!is_inside(picture, x, y)) return;
  set_in_column(picture, rt_picture_data(picture) + (uint32_t)x * picture->stride, y, color);
}

/* [*start, *start + *count) cut to [0, limit); computed without overflow. */
static void clip(int32_t *start, int32_t *count, int32_t limit) {
  int64_t first = *start, end = (int64_t)*start + (*count > 0 ? *count : 0);
  if (first < 0) first = 0;
  if (end > limit) end = limit;
  *count = end > first ? (int32_t)(end - first) : 0;
  *start = (int32_t)(*count > 0 ? first : 0);
}

void rt_picture_fill_rect(rt_picture_t *picture, int32_t x, int32_t y, int32_t width,
                          int32_t height, uint32_t color) {
  clip(&x, &width, picture->width);
  clip(&y, &height, picture->height);
  uint8_t *data = rt_picture_data(picture);
  for (int32_t i = x; i < x + width; i++) {
    for (int32_t k = y; k < y + height; k++) {
      set_in_column(picture, data + (uint32_t)i * picture->stride, k, color);
    }
  }
}
