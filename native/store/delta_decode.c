/* The codings of a delta's payload (docs/delta.md), piece by piece. */
#include "store/delta_file.h"

#define ROW_BYTES 128u
#define CHANCE_BITS 12u
#define CHANCE_RATE 4u
#define RANGE_MIN 0x1000000u
#define CODE_BYTES 4u

/* ---- sparse: rows of {n, n columns, n values} ---- */

/* Reads a row's columns and checks them; the values must be there. */
static rt_delta_status_t begin_row(rt_delta_decoder_t *decoder) {
  const uint32_t row_bytes = decoder->remaining < ROW_BYTES ? decoder->remaining : ROW_BYTES;
  if (decoder->at == decoder->end) return RT_DELTA_BAD_CODING;
  const uint32_t count = *decoder->at++;
  if (count > row_bytes || (uint32_t)(decoder->end - decoder->at) < 2u * count) {
    return RT_DELTA_BAD_CODING;
  }
  const uint8_t *columns = decoder->at;
  const uint8_t *values = columns + count;
  for (uint32_t i = 0; i < count; i++) {
    if (columns[i] >= row_bytes || values[i] == 0) return RT_DELTA_BAD_CODING;
    if (i > 0 && columns[i] <= columns[i - 1u]) return RT_DELTA_BAD_CODING;
  }
  decoder->columns = columns;
  decoder->values = values;
  decoder->count = (uint8_t)count;
  decoder->row_bytes = (uint8_t)row_bytes;
  decoder->column = 0;
  decoder->at = values + count;
  return RT_DELTA_OK;
}

static rt_delta_status_t sparse_byte(rt_delta_decoder_t *decoder, uint8_t *byte) {
  if (decoder->column == decoder->row_bytes && begin_row(decoder) != RT_DELTA_OK) {
    return RT_DELTA_BAD_CODING;
  }
  const uint8_t column = decoder->column++;
  *byte = 0;
  if (decoder->count > 0 && *decoder->columns == column) {
    *byte = *decoder->values++;
    decoder->columns++;
    decoder->count--;
  }
  return RT_DELTA_OK;
}

/* ---- entropy: an adaptive binary range coder over a tree of bits ---- */

static void begin_entropy(rt_delta_decoder_t *decoder) {
  for (uint32_t i = 0; i < 256u; i++) decoder->chances[i] = 1u << (CHANCE_BITS - 1u);
  decoder->range = UINT32_MAX;
  decoder->code = 0;
  if ((uint32_t)(decoder->end - decoder->at) < CODE_BYTES) {
    decoder->has_failed = 1;
    return;
  }
  for (uint32_t i = 0; i < CODE_BYTES; i++) decoder->code = decoder->code << 8 | *decoder->at++;
  /* the code lies below the range */
  if (decoder->code == decoder->range) decoder->has_failed = 1;
}

static rt_delta_status_t entropy_byte(rt_delta_decoder_t *decoder, uint8_t *byte) {
  uint32_t node = 1;
  while (node < 256u) {
    uint16_t *chance = &decoder->chances[node];
    const uint32_t bound = (decoder->range >> CHANCE_BITS) * *chance;
    const uint32_t bit = decoder->code >= bound;
    if (bit == 0) {
      decoder->range = bound;
      *chance = (uint16_t)(*chance + (((1u << CHANCE_BITS) - *chance) >> CHANCE_RATE));
    } else {
      decoder->range -= bound;
      decoder->code -= bound;
      *chance = (uint16_t)(*chance - (*chance >> CHANCE_RATE));
    }
    node = 2u * node + bit;
    while (decoder->range < RANGE_MIN) {
      if (decoder->at == decoder->end) return RT_DELTA_BAD_CODING;
      decoder->range <<= 8;
      decoder->code = decoder->code << 8 | *decoder->at++;
    }
  }
  *byte = (uint8_t)node;
  return RT_DELTA_OK;
}

/* ---- all ---- */

static rt_delta_status_t next_byte(rt_delta_decoder_t *decoder, uint8_t *byte) {
  if (decoder->coding == RT_DELTA_SPARSE) return sparse_byte(decoder, byte);
  if (decoder->coding == RT_DELTA_ENTROPY) return entropy_byte(decoder, byte);
  if (decoder->at == decoder->end) return RT_DELTA_BAD_CODING;
  *byte = *decoder->at++;
  return RT_DELTA_OK;
}

void rt_delta_decode_begin(rt_delta_decoder_t *decoder, const rt_delta_t *delta) {
  decoder->at = delta->payload;
  decoder->end = delta->payload + delta->payload_bytes;
  decoder->remaining = delta->decoded_bytes;
  decoder->coding = delta->coding;
  decoder->has_failed = 0;
  decoder->row_bytes = decoder->column = decoder->count = 0;
  decoder->columns = decoder->values = delta->payload;
  if (delta->coding == RT_DELTA_ENTROPY) begin_entropy(decoder);
}

rt_delta_status_t rt_delta_decode(rt_delta_decoder_t *decoder, uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (decoder->has_failed || decoder->remaining == 0 ||
        next_byte(decoder, bytes + i) != RT_DELTA_OK) {
      decoder->has_failed = 1;
      return RT_DELTA_BAD_CODING;
    }
    decoder->remaining--;
  }
  return RT_DELTA_OK;
}

rt_delta_status_t rt_delta_decode_end(const rt_delta_decoder_t *decoder) {
  const uint32_t is_whole =
      !decoder->has_failed && decoder->remaining == 0 && decoder->at == decoder->end;
  if (decoder->coding == RT_DELTA_ENTROPY && decoder->code != 0) return RT_DELTA_BAD_CODING;
  return is_whole ? RT_DELTA_OK : RT_DELTA_BAD_CODING;
}
