/* Image: drawing. Coordinates may lie outside, however far. */
#include "vm/abi.h"
#include "vm/draw.h"

#define FAR 0x7fff /* coordinates beyond are of no use; held to, sums cannot overflow */

static int32_t coordinate(rt_value_t value) {
  int32_t at = rt_to_int32(value);
  if (at > FAR) return FAR;
  return at < -FAR ? -FAR : at;
}

rt_value_t rt_native_image_set(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  rt_picture_set(picture, rt_to_int32(call->arguments[0]), rt_to_int32(call->arguments[1]),
                 (uint32_t)rt_to_int32(call->arguments[2]));
  return RT_UNDEFINED;
}

rt_value_t rt_native_image_fill(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  rt_picture_fill_rect(picture, 0, 0, picture->width, picture->height,
                       (uint32_t)rt_to_int32(call->arguments[0]));
  return RT_UNDEFINED;
}

rt_value_t rt_native_image_fill_rect(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  rt_picture_fill_rect(picture, coordinate(call->arguments[0]), coordinate(call->arguments[1]),
                       coordinate(call->arguments[2]), coordinate(call->arguments[3]),
                       (uint32_t)rt_to_int32(call->arguments[4]));
  return RT_UNDEFINED;
}

/* ---- Lines and circles ---- */

typedef struct {
  int32_t x, y;
} rt_point_t;

/* From `a` to `b`, which is further on along the longer of both ways: x, or y when `steep`. */
static void line(rt_picture_t *picture, rt_point_t a, rt_point_t b, int steep, uint32_t color) {
  int32_t along = steep ? b.y - a.y : b.x - a.x;
  int32_t across = steep ? b.x - a.x : b.y - a.y;
  int32_t step = across < 0 ? -1 : 1;
  across *= step;
  int32_t error = 2 * across - along;
  for (int32_t i = 0; i <= along; i++) {
    rt_picture_set(picture, a.x, a.y, color);
    if (error > 0) {
      *(steep ? &a.x : &a.y) += step;
      error -= 2 * along;
    }
    error += 2 * across;
    *(steep ? &a.y : &a.x) += 1;
  }
}

rt_value_t rt_native_image_draw_line(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  rt_point_t a = {coordinate(call->arguments[0]), coordinate(call->arguments[1])};
  rt_point_t b = {coordinate(call->arguments[2]), coordinate(call->arguments[3])};
  int32_t wide = b.x > a.x ? b.x - a.x : a.x - b.x;
  int32_t high = b.y > a.y ? b.y - a.y : a.y - b.y;
  int steep = high >= wide;
  uint32_t color = (uint32_t)rt_to_int32(call->arguments[4]);
  if (steep ? a.y > b.y : a.x > b.x) {
    line(picture, b, a, steep, color);
  } else {
    line(picture, a, b, steep, color);
  }
  return RT_UNDEFINED;
}

/* Midpoint circle, each column filled. The radius counts the middle: 1 is a single pixel. */
rt_value_t rt_native_image_fill_circle(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  int32_t cx = coordinate(call->arguments[0]), cy = coordinate(call->arguments[1]);
  int32_t radius = coordinate(call->arguments[2]);
  uint32_t color = (uint32_t)rt_to_int32(call->arguments[3]);
  int32_t x = radius - 1, y = 0, grow_x = 1, grow_y = 1;
  int32_t error = grow_x - 2 * radius;
  while (x >= y) {
    rt_picture_fill_rect(picture, cx + x, cy - y, 1, 2 * y + 1, color);
    rt_picture_fill_rect(picture, cx + y, cy - x, 1, 2 * x + 1, color);
    rt_picture_fill_rect(picture, cx - x, cy - y, 1, 2 * y + 1, color);
    rt_picture_fill_rect(picture, cx - y, cy - x, 1, 2 * x + 1, color);
    if (error <= 0) {
      y++;
      error += grow_y;
      grow_y += 2;
    }
    if (error > 0) {
      x--;
      grow_x += 2;
      error += grow_x - 2 * radius;
    }
  }
  return RT_UNDEFINED;
}

/* ---- Images on images ---- */

typedef struct {
  rt_picture_t *to;
  const rt_picture_t *from;
  int32_t x, y;
  uint32_t color; /* of the set pixels of a 1-bit image on a 4-bit one */
  int is_transparent;
} rt_draw_t;

/* What a pixel of `from` is on `to`: 1-bit images keep their bits, a 4-bit one has no place on a
 * 1-bit one. */
static uint32_t painted(const rt_draw_t *draw, uint32_t pixel) {
  if (draw->to->bits == draw->from->bits) return pixel;
  return draw->from->bits == 1 && pixel != 0 ? draw->color : 0;
}

static rt_value_t draw_image(const rt_draw_t *draw) {
  int32_t backwards = draw->to == draw->from; /* an image on itself, moved to the right or down */
  for (int32_t i = 0; i < draw->from->width; i++) {
    int32_t x = backwards && draw->x > 0 ? draw->from->width - 1 - i : i;
    for (int32_t k = 0; k < draw->from->height; k++) {
      int32_t y = backwards && draw->y > 0 ? draw->from->height - 1 - k : k;
      uint32_t pixel = rt_picture_get(draw->from, x, y);
      if (draw->is_transparent && (pixel == 0 || (draw->from->bits == 4 && draw->to->bits == 1))) {
        continue;
      }
      rt_picture_set(draw->to, draw->x + x, draw->y + y, painted(draw, pixel));
    }
  }
  return RT_UNDEFINED;
}

static int begin(const rt_call_t *call, rt_draw_t *draw) {
  draw->to = rt_picture_writable(call->receiver);
  draw->from = draw->to != NULL ? rt_picture_of(call->arguments[0]) : NULL;
  if (draw->from == NULL) return -1;
  draw->x = coordinate(call->arguments[1]);
  draw->y = coordinate(call->arguments[2]);
  draw->color = 0;
  draw->is_transparent = 0;
  return 0;
}

rt_value_t rt_native_image_draw_image(rt_call_t *call) {
  rt_draw_t draw;
  return begin(call, &draw) == 0 ? draw_image(&draw) : RT_UNDEFINED;
}

rt_value_t rt_native_image_draw_transparent_image(rt_call_t *call) {
  rt_draw_t draw;
  if (begin(call, &draw) != 0) return RT_UNDEFINED;
  rt_value_t color = call->arguments[3];
  draw.color = color == RT_UNDEFINED ? 1u : (uint32_t)rt_to_int32(color);
  draw.is_transparent = 1;
  return draw_image(&draw);
}

rt_value_t rt_native_image_overlaps_with(rt_call_t *call) {
  const rt_picture_t *image = rt_picture_of(call->receiver);
  const rt_picture_t *other = image != NULL ? rt_picture_of(call->arguments[0]) : NULL;
  if (other == NULL) return RT_UNDEFINED;
  if (image->bits != other->bits) return RT_FALSE;
  int32_t x = coordinate(call->arguments[1]), y = coordinate(call->arguments[2]);
  for (int32_t i = 0; i < other->width; i++) {
    for (int32_t k = 0; k < other->height; k++) {
      if (rt_picture_get(other, i, k) != 0 && rt_picture_get(image, x + i, y + k) != 0) {
        return RT_TRUE;
      }
    }
  }
  return RT_FALSE;
}

/* blitRow(from, x, y, from x, height): column `from x` stretched over `height` pixels from y on. As
 * upstream the texture counts as high as it is wide, and only 4-bit images are drawn. */
rt_value_t rt_native_image_blit_row(rt_call_t *call) {
  rt_draw_t draw;
  if (begin(call, &draw) != 0) return RT_UNDEFINED;
  int32_t from_x = coordinate(call->arguments[3]), height = coordinate(call->arguments[4]);
  if (draw.to->bits != 4 || draw.from->bits != 4) return RT_UNDEFINED;
  if (draw.x < 0 || draw.x >= draw.to->width || from_x < 0 || from_x >= draw.from->width ||
      height <= 0) {
    return RT_UNDEFINED;
  }
  uint32_t step = ((uint32_t)draw.from->width << 16) / (uint32_t)height;
  for (int32_t i = draw.y < 0 ? -draw.y : 0; i < height; i++) {
    if (draw.y + i >= draw.to->height) break;
    uint32_t row = (uint32_t)((uint64_t)step * (uint32_t)i >> 16);
    rt_picture_set(draw.to, draw.x, draw.y + i, rt_picture_get(draw.from, from_x, (int32_t)row));
  }
  return RT_UNDEFINED;
}
