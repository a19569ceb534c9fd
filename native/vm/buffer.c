/* Buffers, and numbers in them: the formats of the image, with their fixed point. */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/role.h"

rt_buffer_t *rt_buffer_new(uint32_t bytes) {
  if (rt_heap_is_too_big(bytes)) {
    (void)rt_throw_range_error("buffer too big");
    return NULL;
  }
  rt_buffer_t *buffer = (rt_buffer_t *)rt_heap_allocate(
      RT_KIND_BUFFER, sizeof(rt_buffer_t) - sizeof(rt_object_t) + bytes);
  if (buffer != NULL) buffer->header.extra = bytes;
  return buffer;
}

uint8_t *rt_bytes_of(rt_value_t value, uint32_t *bytes, uint32_t *writable) {
  *writable = 0;
  if (RT_TAG(value) == RT_TAG_BUFFER) {
    const uint32_t *entry = &rt_image.buffer[2u * RT_PAYLOAD(value)];
    *bytes = entry[1];
    return (uint8_t *)(uintptr_t)(rt_image.strings + entry[0]);
  }
  rt_buffer_t *buffer = (rt_buffer_t *)rt_object_of(value, RT_KIND_BUFFER);
  if (buffer != NULL) {
    *bytes = buffer->header.extra;
    *writable = 1;
    return buffer->bytes;
  }
  *bytes = 0;
  return (uint8_t *)(uintptr_t)rt_string_text(value, bytes);
}

/* ---- Numbers in memory ---- */

uint32_t rt_number_bytes(uint32_t format) {
  switch (format & 15u) {
    case RT_NUMFMT_U8:
    case RT_NUMFMT_I8:
      return 1;
    case RT_NUMFMT_U16:
    case RT_NUMFMT_I16:
      return 2;
    case RT_NUMFMT_U32:
    case RT_NUMFMT_I32:
    case RT_NUMFMT_F32:
      return 4;
    case RT_NUMFMT_U64:
    case RT_NUMFMT_I64:
    case RT_NUMFMT_F64:
      return 8;
    default:
      return 0; /* F8, F16, special */
  }
}

static uint64_t load_bits(const uint8_t *bytes, uint32_t count) {
  uint32_t low = 0, high = 0;
  for (uint32_t i = 0; i < count && i < 4u; i++) low |= (uint32_t)bytes[i] << (8u * i);
  for (uint32_t i = 4; i < count; i++) high |= (uint32_t)bytes[i] << (8u * (i - 4u));
  return (uint64_t)high << 32 | low;
}

static void store_bits(uint8_t *bytes, uint32_t count, uint64_t bits) {
  for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)(bits >> (8u * i));
}

static double from_double_bits(uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static double from_float_bits(uint32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return (double)number;
}

/* 2 to the power of a format's shift; more than the 32 bits of any type make no sense. */
static double scale_of(uint32_t format) { return (double)((uint64_t)1 << (format >> 4 & 63u)); }

rt_value_t rt_number_load(const uint8_t *bytes, uint32_t format) {
  uint32_t count = rt_number_bytes(format);
  if (count == 0) return RT_UNDEFINED;
  uint64_t bits = load_bits(bytes, count);
  uint32_t type = format & 15u;
  double number;
  if (type == RT_NUMFMT_F64) {
    number = from_double_bits(bits);
  } else if (type == RT_NUMFMT_F32) {
    number = from_float_bits((uint32_t)bits);
  } else {
    if (type >= RT_NUMFMT_I8) {
      uint32_t unused = 64u - 8u * count;
      bits = (uint64_t)((int64_t)(bits << unused) >> unused);
    }
    if (format < 16u) {
      if (type != RT_NUMFMT_U64) return rt_value_from_int64((int64_t)bits);
      return rt_value_number((double)bits);
    }
    number = type >= RT_NUMFMT_I8 ? (double)(int64_t)bits : (double)bits;
  }
  return rt_value_number(number / scale_of(format));
}

/* Rounded (a half added, then cut off: so upstream, also below zero) and held within what `bytes`
 * bytes can have. */
static uint64_t to_whole(double number, uint32_t bytes, int is_signed) {
  double top = is_signed ? 0.5 : 1.0;
  for (uint32_t i = 0; i < bytes; i++) top *= 256.0;
  if (number != number) return 0;
  /* Whole numbers of 64 bits stay what they are. */
  if (bytes != 8 || (number > -0x1p52 && number < 0x1p52 && (double)(int64_t)number != number)) {
    number += 0.5;
  }
  if (number >= top) {
    uint64_t all = ~(uint64_t)0 >> (64u - 8u * bytes);
    return is_signed ? all >> 1 : all;
  }
  if (!is_signed) return number < 1.0 ? 0 : (uint64_t)number;
  return (uint64_t)(int64_t)(number < -top ? -top : number);
}

void rt_number_store(uint8_t *bytes, uint32_t format, rt_value_t value) {
  uint32_t count = rt_number_bytes(format);
  uint32_t type = format & 15u;
  if (count == 0) return;
  if (format < 16u && RT_IS_INT(value) && type != RT_NUMFMT_F32 && type != RT_NUMFMT_F64) {
    /* no float arithmetic for the common case */
    int32_t number = (int32_t)RT_PAYLOAD(value);
    uint32_t width = 8u * count;
    int is_signed = type >= RT_NUMFMT_I8;
    if (!is_signed && number < 0) number = 0;
    if (width < 32u) {
      int32_t most = (int32_t)((1u << (is_signed ? width - 1u : width)) - 1u);
      if (number > most) number = most;
      if (is_signed && number < -most - 1) number = -most - 1;
    }
    store_bits(bytes, count, (uint64_t)(int64_t)number);
    return;
  }
  double number = rt_to_double(value) * scale_of(format);
  uint64_t bits = 0;
  if (type == RT_NUMFMT_F64) {
    memcpy(&bits, &number, sizeof number);
  } else if (type == RT_NUMFMT_F32) {
    float narrow = (float)number;
    memcpy(&bits, &narrow, sizeof narrow);
  } else {
    bits = to_whole(number, count, type >= RT_NUMFMT_I8);
  }
  store_bits(bytes, count, bits);
}

rt_value_t rt_buffer_load(rt_value_t buffer, uint32_t format, int32_t offset) {
  uint32_t bytes, writable;
  const uint8_t *data = rt_bytes_of(buffer, &bytes, &writable);
  if (data == NULL) return rt_throw_expecting("buffer", buffer);
  uint32_t count = rt_number_bytes(format);
  if (count == 0 || count > bytes || (uint32_t)offset > bytes - count) return RT_UNDEFINED;
  return rt_number_load(data + offset, format);
}

int rt_buffer_store(rt_value_t buffer, uint32_t format, int32_t offset, rt_value_t value) {
  uint32_t bytes, writable;
  uint8_t *data = rt_bytes_of(buffer, &bytes, &writable);
  if (!writable) {
    (void)rt_throw_expecting("mutable Buffer", buffer);
    return -1;
  }
  uint32_t count = rt_number_bytes(format);
  if (count == 0 || count > bytes || (uint32_t)offset > bytes - count) {
    (void)rt_throw_range_error("buffer store out of range");
    return -1;
  }
  rt_number_store(data + offset, format, value);
  return 0;
}
