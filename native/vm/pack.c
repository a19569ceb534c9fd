#include "vm/role_internal.h"

/*
 * Fields of a packet as bytes: numbers little-endian by numfmt, texts and buffers as they are.
 *
 * A field of several has 8 bits for its numfmt. The compiler lets the ninth, of shifts from 16 on,
 * run into the field's flags, where it reads as "is bytes". As upstream it is passed over: such a
 * number has its shift modulo 16.
 */

#define FORMAT_TYPE(format) ((format)&15u)
#define FORMAT_SPECIAL(format) ((format) >> 4)
#define PIPE_BYTES 12u
#define TRUE_BYTE 0xffu

typedef struct {
  uint8_t *bytes;
  uint32_t size; /* so far */
} rt_packer_t;

static void copy(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  while (bytes-- > 0) *to++ = *from++;
}

/* ---- Packing ---- */

static uint32_t room(const rt_packer_t *packer) { return RT_BUS_MAX_PAYLOAD_BYTES - packer->size; }

/* Bytes of a buffer or string; of anything else, of its text. Cut off at the end of the packet. */
static int pack_bytes(rt_packer_t *packer, rt_value_t value, uint32_t most) {
  uint32_t bytes, writable;
  const uint8_t *from = rt_bytes_of(value, &bytes, &writable);
  if (from == NULL) {
    const rt_value_t text = rt_to_string(value);
    if (rt_is_throwing()) return -1;
    from = rt_bytes_of(text, &bytes, &writable);
  }
  if (bytes > most) bytes = most;
  copy(packer->bytes + packer->size, from, bytes);
  packer->size += bytes;
  return 0;
}

static int pack_text0(rt_packer_t *packer, rt_value_t value) {
  if (room(packer) == 0) return 0;
  if (pack_bytes(packer, value, room(packer) - 1u) != 0) return -1;
  packer->bytes[packer->size++] = 0;
  return 0;
}

static int pack_special(rt_packer_t *packer, uint32_t special, rt_value_t value) {
  switch (special) {
    case RT_NUMFMT_SPECIAL_BYTES:
    case RT_NUMFMT_SPECIAL_STRING:
      return pack_bytes(packer, value, room(packer));
    case RT_NUMFMT_SPECIAL_STRING0:
      return pack_text0(packer, value);
    case RT_NUMFMT_SPECIAL_BOOL:
      if (room(packer) == 0) return 0;
      packer->bytes[packer->size++] = rt_to_bool(value) ? TRUE_BYTE : 0;
      return 0;
    case RT_NUMFMT_SPECIAL_PIPE:
      rt_throw_type_error("pipes in specs not supported (yet)");
      return -1;
    case RT_NUMFMT_SPECIAL_PIPE_PORT:
      if (room(packer) < 2u) return 0;
      rt_number_store(packer->bytes + packer->size, RT_NUMFMT_U16, value);
      packer->size += 2u;
      return 0;
    default:
      return 0;
  }
}

static int pack_field(rt_packer_t *packer, uint32_t format, rt_value_t value) {
  if (FORMAT_TYPE(format) == RT_NUMFMT_SPECIAL) {
    return pack_special(packer, FORMAT_SPECIAL(format), value);
  }
  const uint32_t bytes = rt_number_bytes(format);
  if (bytes > room(packer)) return 0;
  rt_number_store(packer->bytes + packer->size, format, value);
  packer->size += bytes;
  return 0;
}

static uint32_t is_end(const rt_image_field_t *field) {
  return field->name == 0 && field->format == 0 && field->flags == 0;
}

/* From a field on, the fields repeat as long as there are values. */
static int pack_fields(rt_packer_t *packer, const rt_image_field_t *field, const rt_value_t *values,
                       uint32_t count) {
  const rt_image_field_t *repeats = NULL;
  for (uint32_t i = 0; i < count; i++, field++) {
    if (is_end(field)) {
      if (repeats == NULL) return 0; /* more values than fields */
      field = repeats;
    }
    if (field->flags & RT_FIELD_FLAG_STARTS_REPEATS) repeats = field;
    if (pack_field(packer, field->format, values[i]) != 0) return -1;
    if (room(packer) == 0) return 0;
  }
  return 0;
}

int32_t rt_pack(uint8_t *bytes, const rt_image_packet_t *spec, const rt_value_t *values,
                uint32_t count, uint32_t is_strict) {
  rt_packer_t packer = {bytes, 0};
  const rt_array_t *array = count == 1 ? RT_AS_ARRAY(values[0]) : NULL;
  /* Values taken from an array stay alive through it, and packing changes no array. */
  if (array != NULL) {
    count = array->length;
    values = rt_array_values(array);
  }
  if (count == 0) return 0;
  if (spec->flags & RT_PACKET_FLAG_MULTI_FIELD) {
    if (pack_fields(&packer, rt_spec_fields(spec), values, count) != 0) return -1;
    return (int32_t)packer.size;
  }
  if (FORMAT_TYPE(spec->format) == RT_NUMFMT_SPECIAL &&
      FORMAT_SPECIAL(spec->format) == RT_NUMFMT_SPECIAL_EMPTY) {
    return 0;
  }
  if (count != 1) {
    if (is_strict) rt_throw_range_error("only one value expected; got %d", (int)count);
    return is_strict ? -1 : 0;
  }
  if (pack_field(&packer, spec->format, values[0]) != 0) return -1;
  return (int32_t)packer.size;
}

/* ---- Unpacking ---- */

typedef struct {
  const uint8_t *bytes;
  uint32_t size;
  uint32_t at;
} rt_unpacker_t;

static rt_value_t unpack_buffer(rt_unpacker_t *unpacker, uint32_t bytes) {
  rt_buffer_t *buffer = rt_buffer_new(bytes);
  if (buffer == NULL) return RT_UNDEFINED;
  copy(buffer->bytes, unpacker->bytes + unpacker->at, bytes);
  unpacker->at += bytes;
  return RT_OBJECT(buffer);
}

static rt_value_t unpack_text(rt_unpacker_t *unpacker, uint32_t stops_at_zero) {
  const char *text = (const char *)unpacker->bytes + unpacker->at;
  const uint32_t left = unpacker->size - unpacker->at;
  uint32_t bytes = 0;
  while (bytes < left && (!stops_at_zero || text[bytes] != 0)) bytes++;
  unpacker->at += bytes + (bytes < left ? 1u : 0u);
  return rt_string_new(text, bytes);
}

static rt_value_t unpack_special(rt_unpacker_t *unpacker, uint32_t special) {
  const uint32_t left = unpacker->size - unpacker->at;
  switch (special) {
    case RT_NUMFMT_SPECIAL_BYTES:
      return unpack_buffer(unpacker, left);
    case RT_NUMFMT_SPECIAL_STRING:
      return unpack_text(unpacker, 0);
    case RT_NUMFMT_SPECIAL_STRING0:
      return unpack_text(unpacker, 1);
    case RT_NUMFMT_SPECIAL_BOOL:
      if (left == 0) return RT_UNDEFINED;
      return RT_BOOL(unpacker->bytes[unpacker->at++] != 0);
    case RT_NUMFMT_SPECIAL_PIPE:
      return unpack_buffer(unpacker, left < PIPE_BYTES ? left : PIPE_BYTES);
    case RT_NUMFMT_SPECIAL_PIPE_PORT:
      if (left < 2u) return RT_UNDEFINED;
      unpacker->at += 2u;
      return rt_number_load(unpacker->bytes + unpacker->at - 2u, RT_NUMFMT_U16);
    default:
      return RT_UNDEFINED;
  }
}

static rt_value_t unpack_field(rt_unpacker_t *unpacker, uint32_t format) {
  if (FORMAT_TYPE(format) == RT_NUMFMT_SPECIAL) {
    return unpack_special(unpacker, FORMAT_SPECIAL(format));
  }
  const uint32_t bytes = rt_number_bytes(format);
  if (unpacker->at + bytes > unpacker->size) {
    unpacker->at = unpacker->size;
    return RT_UNDEFINED;
  }
  unpacker->at += bytes;
  return rt_number_load(unpacker->bytes + unpacker->at - bytes, format);
}

static rt_value_t unpack_fields(rt_unpacker_t *unpacker, const rt_image_field_t *field) {
  const rt_image_field_t *repeats = NULL;
  rt_array_t *array = rt_array_new(0);
  if (array == NULL) return RT_UNDEFINED;
  if (unpacker->size == 0) return RT_OBJECT(array);
  rt_heap_root(RT_OBJECT(array));
  const uint32_t level = rt_heap_root_level();
  for (;; field++) {
    if (is_end(field)) {
      if (repeats == NULL) break;
      field = repeats;
    }
    if (field->flags & RT_FIELD_FLAG_STARTS_REPEATS) {
      if (unpacker->at >= unpacker->size) break;
      repeats = field;
    }
    /* A text at the end may be empty; a number that is not there is not in the array. */
    const rt_value_t value = unpack_field(unpacker, field->format);
    if (rt_is_throwing()) return RT_UNDEFINED;
    if (value == RT_UNDEFINED) break;
    rt_heap_root(value);
    if (rt_array_push(array, value) != 0) return RT_UNDEFINED;
    rt_heap_unroot(level);
  }
  return RT_OBJECT(array);
}

rt_value_t rt_unpack(const rt_image_packet_t *spec, const uint8_t *bytes, uint32_t size) {
  rt_unpacker_t unpacker = {bytes, size, 0};
  if (spec->flags & RT_PACKET_FLAG_MULTI_FIELD) {
    return unpack_fields(&unpacker, rt_spec_fields(spec));
  }
  return unpack_field(&unpacker, spec->format);
}
