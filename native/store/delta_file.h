/*
 * Delta files (docs/delta.md): what the header says, and the payload's codings. Nothing here
 * writes.
 */
#ifndef RT_STORE_DELTA_FILE_H
#define RT_STORE_DELTA_FILE_H

#include <stdint.h>

#define RT_DELTA_MAGIC 0x31447452u /* "RtD1" */
#define RT_DELTA_VERSION 1u
#define RT_DELTA_HEADER_BYTES 48u /* before the name */
#define RT_DELTA_NAME_BYTES 24u
#define RT_DELTA_SIGNATURE_BYTES 64u
#define RT_DELTA_HASH_BYTES 32u
#define RT_DELTA_ANY_SLOT 255u
#define RT_DELTA_PRECISION 8u
#define RT_DELTA_DECODED_MAX 0xffffu

/* Enum Status of services/delta.md. */
typedef enum {
  RT_DELTA_OK = 0,
  RT_DELTA_IS_BUSY = 1,
  RT_DELTA_WRONG_OFFSET = 2,
  RT_DELTA_NOT_BEGUN = 3,
  RT_DELTA_TOO_LARGE = 4,
  RT_DELTA_TRUNCATED = 5,
  RT_DELTA_WRONG_HASH = 6,
  RT_DELTA_NOT_A_DELTA = 7,
  RT_DELTA_UNCLAIMED = 8,
  RT_DELTA_BAD_SIGNATURE = 9,
  RT_DELTA_WRONG_MODEL = 10,
  RT_DELTA_WRONG_LAYOUT = 11,
  RT_DELTA_WRONG_DEVICE = 12,
  RT_DELTA_OLD_COUNTER = 13,
  RT_DELTA_BAD_SLOT = 14,
  RT_DELTA_WRONG_BASE = 15,
  RT_DELTA_BAD_CODING = 16,
  RT_DELTA_BAD_ADAPTER = 17,
  RT_DELTA_FLASH_FAILED = 18,
  RT_DELTA_EMPTY_SLOT = 19,
  RT_DELTA_NOTHING_ON_TRIAL = 20
} rt_delta_status_t;

typedef enum {
  RT_DELTA_RAW = 0,
  RT_DELTA_SPARSE = 1,
  RT_DELTA_ENTROPY = 2,
  RT_DELTA_CODINGS = 3
} rt_delta_coding_t;

/* A file taken apart; the pointers point into it. */
typedef struct {
  uint8_t coding, slot, method, rank, name_bytes;
  uint32_t model_hash, layout_hash, counter;
  uint64_t device;   /* 0: any */
  uint32_t base_crc; /* 0: none */
  uint32_t payload_bytes, decoded_bytes, blob_crc;
  uint32_t signed_bytes; /* from the file's start; the signature lies behind them */
  const uint8_t *name, *payload, *signature;
} rt_delta_t;

/*
 * Takes a file of `bytes` bytes apart and checks every field's range and the size; not the
 * signature, and not what the payload holds. Errors: RT_DELTA_TRUNCATED (shorter than a header, or
 * another size than the header says), RT_DELTA_NOT_A_DELTA, RT_DELTA_TOO_LARGE (decoded_bytes over
 * RT_DELTA_DECODED_MAX).
 */
rt_delta_status_t rt_delta_parse(const uint8_t *file, uint32_t bytes, rt_delta_t *delta);

/* Memory of a decoder: 532 bytes. The caller owns it. */
typedef struct {
  const uint8_t *at, *end; /* of the payload; the next byte to read */
  uint32_t remaining;      /* decoded bytes still to come */
  uint8_t coding;
  uint8_t has_failed;
  /* sparse: what is left of the present row */
  uint8_t row_bytes, column, count;
  const uint8_t *columns, *values;
  /* entropy */
  uint32_t range, code;
  uint16_t chances[256]; /* of a 0 at each node of the tree, in 1/4096; [0] is unused */
} rt_delta_decoder_t;

/* Starts on the payload of a delta that rt_delta_parse took. */
void rt_delta_decode_begin(rt_delta_decoder_t *decoder, const rt_delta_t *delta);

/*
 * The next `count` decoded bytes; at most those that remain. Errors: RT_DELTA_BAD_CODING (the
 * stream is not the coding of anything). `bytes` is then partly written.
 */
rt_delta_status_t rt_delta_decode(rt_delta_decoder_t *decoder, uint8_t *bytes, uint32_t count);

/* After all bytes: RT_DELTA_BAD_CODING if the stream does not end where it should. */
rt_delta_status_t rt_delta_decode_end(const rt_delta_decoder_t *decoder);

#endif
