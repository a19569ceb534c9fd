/* Image: making, looking, turning. Drawing is in natives_draw.c. */
#include <string.h>

#include "vm/abi.h"
#include "vm/draw.h"
#include "vm/heap_internal.h"

#define LARGEST_BYTES 0x40000u

rt_picture_t *rt_picture_of(rt_value_t value) {
  rt_picture_t *picture = (rt_picture_t *)rt_object_of(value, RT_KIND_IMAGE);
  if (picture == NULL) (void)rt_throw_expecting("Image", value);
  return picture;
}

rt_picture_t *rt_picture_writable(rt_value_t value) {
  rt_picture_t *picture = rt_picture_of(value);
  if (picture == NULL || rt_object_of(picture->buffer, RT_KIND_BUFFER) != NULL) return picture;
  uint32_t bytes = (uint32_t)picture->stride * picture->width;
  rt_heap_root(value);
  rt_buffer_t *copy = rt_buffer_new(bytes);
  if (copy == NULL) return NULL;
  memcpy(copy->bytes, rt_picture_data(picture), bytes);
  picture->buffer = RT_OBJECT(copy);
  picture->offset = 0;
  return picture;
}

/* ---- Making ---- */

/* Bytes a column; 0: no such image. */
static uint32_t stride_of(int32_t width, int32_t height, int32_t bits) {
  if (width < 1 || height < 1 || width > 0xffff || height > 0xffff) return 0;
  uint32_t stride;
  if (bits == 1) {
    stride = ((uint32_t)height + 7u) / 8u;
  } else if (bits == 4) {
    stride = ((uint32_t)height * 4u + 31u) / 32u * 4u;
  } else {
    return 0;
  }
  return stride <= 0xffffu && stride * (uint32_t)width <= LARGEST_BYTES ? stride : 0;
}

static rt_value_t make(int32_t width, int32_t height, uint32_t bits, rt_value_t buffer,
                       uint32_t offset) {
  uint32_t stride = stride_of(width, height, (int32_t)bits);
  if (buffer == RT_UNDEFINED) {
    rt_buffer_t *fresh = rt_buffer_new(stride * (uint32_t)width);
    if (fresh == NULL) return RT_UNDEFINED;
    buffer = RT_OBJECT(fresh);
  }
  rt_heap_root(buffer);
  rt_picture_t *picture =
      (rt_picture_t *)rt_heap_allocate(RT_KIND_IMAGE, sizeof(rt_picture_t) - sizeof(rt_object_t));
  if (picture == NULL) return RT_UNDEFINED;
  picture->buffer = buffer;
  picture->offset = offset;
  picture->width = (uint16_t)width;
  picture->height = (uint16_t)height;
  picture->stride = (uint16_t)stride;
  picture->bits = (uint8_t)bits;
  rt_heap_root(RT_OBJECT(picture));
  return RT_OBJECT(picture);
}

rt_value_t rt_native_image_alloc(rt_call_t *call) {
  int32_t width = rt_to_int32(call->arguments[0]);
  int32_t height = rt_to_int32(call->arguments[1]);
  int32_t bits = rt_to_int32(call->arguments[2]);
  rt_value_t init = call->arguments[3];
  uint32_t stride = stride_of(width, height, bits);
  if (stride == 0) {
    return rt_throw_range_error("invalid dimensions %dx%dx%d", (int)width, (int)height, (int)bits);
  }
  if (init == RT_UNDEFINED || init == RT_NULL) {
    return make(width, height, (uint32_t)bits, RT_UNDEFINED, 0);
  }
  uint32_t bytes, writable;
  const uint8_t *data = rt_bytes_of(init, &bytes, &writable);
  if (data == NULL || rt_is_string(init)) return rt_throw_expecting("buffer", init);
  int32_t offset = rt_to_int32(call->arguments[4]);
  uint32_t size = stride * (uint32_t)width;
  if (offset < 0 || size > bytes || (uint32_t)offset > bytes - size) {
    return rt_throw_range_error("invalid offset %d", (int)offset);
  }
  return make(width, height, (uint32_t)bits, init, (uint32_t)offset);
}

rt_value_t rt_native_image_clone(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_of(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  rt_value_t copy = make(picture->width, picture->height, picture->bits, RT_UNDEFINED, 0);
  if (rt_is_throwing()) return RT_UNDEFINED;
  memcpy(rt_picture_data((const rt_picture_t *)RT_POINTER(RT_PAYLOAD(copy))),
         rt_picture_data(picture), (size_t)picture->stride * picture->width);
  return copy;
}

/* ---- Looking ---- */

rt_value_t rt_native_image_width(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_of(call->receiver);
  return picture != NULL ? RT_INT(picture->width) : RT_UNDEFINED;
}

rt_value_t rt_native_image_height(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_of(call->receiver);
  return picture != NULL ? RT_INT(picture->height) : RT_UNDEFINED;
}

rt_value_t rt_native_image_bpp(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_of(call->receiver);
  return picture != NULL ? RT_INT(picture->bits) : RT_UNDEFINED;
}

rt_value_t rt_native_image_buffer(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_writable(call->receiver);
  return picture != NULL ? picture->buffer : RT_UNDEFINED;
}

rt_value_t rt_native_image_get(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_of(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  return RT_INT(
      rt_picture_get(picture, rt_to_int32(call->arguments[0]), rt_to_int32(call->arguments[1])));
}

rt_value_t rt_native_image_equals(rt_call_t *call) {
  const rt_picture_t *a = rt_picture_of(call->receiver);
  const rt_picture_t *b = a != NULL ? rt_picture_of(call->arguments[0]) : NULL;
  if (b == NULL) return RT_UNDEFINED;
  if (a->width != b->width || a->height != b->height || a->bits != b->bits) return RT_FALSE;
  for (int32_t x = 0; x < a->width; x++) {
    for (int32_t y = 0; y < a->height; y++) {
      if (rt_picture_get(a, x, y) != rt_picture_get(b, x, y)) return RT_FALSE;
    }
  }
  return RT_TRUE;
}

/* ---- Turning ---- */

rt_value_t rt_native_image_flip_x(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  uint8_t *data = rt_picture_data(picture);
  uint32_t stride = picture->stride;
  for (uint32_t x = 0; x < picture->width / 2u; x++) {
    uint8_t *left = data + x * stride;
    uint8_t *right = data + (picture->width - 1u - x) * stride;
    for (uint32_t i = 0; i < stride; i++) {
      uint8_t swapped = left[i];
      left[i] = right[i];
      right[i] = swapped;
    }
  }
  return RT_UNDEFINED;
}

rt_value_t rt_native_image_flip_y(rt_call_t *call) {
  rt_picture_t *picture = rt_picture_writable(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  for (int32_t x = 0; x < picture->width; x++) {
    for (int32_t y = 0, other = picture->height - 1; y < other; y++, other--) {
      uint32_t swapped = rt_picture_get(picture, x, y);
      rt_picture_set(picture, x, y, rt_picture_get(picture, x, other));
      rt_picture_set(picture, x, other, swapped);
    }
  }
  return RT_UNDEFINED;
}

rt_value_t rt_native_image_transposed(rt_call_t *call) {
  const rt_picture_t *picture = rt_picture_of(call->receiver);
  if (picture == NULL) return RT_UNDEFINED;
  if (stride_of(picture->height, picture->width, picture->bits) == 0) {
    return rt_throw_range_error("invalid dimensions %dx%dx%d", (int)picture->height,
                                (int)picture->width, (int)picture->bits);
  }
  rt_value_t value = make(picture->height, picture->width, picture->bits, RT_UNDEFINED, 0);
  rt_picture_t *turned = (rt_picture_t *)rt_object_of(value, RT_KIND_IMAGE);
  if (turned == NULL) return RT_UNDEFINED;
  for (int32_t x = 0; x < picture->width; x++) {
    for (int32_t y = 0; y < picture->height; y++) {
      rt_picture_set(turned, y, x, rt_picture_get(picture, x, y));
    }
  }
  return value;
}
