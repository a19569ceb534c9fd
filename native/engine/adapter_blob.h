/*
 * Saved adapters. Little-endian:
 *
 *   offset  bytes
 *        0      4  magic "RtA1"
 *        4      2  version, 1
 *        6      1  method (rt_adapter_method_t)
 *        7      1  rank
 *        8      4  hash of the model's .tflite (rt_model_t.hash)
 *       12      4  hash of the adapter's layout (rt_adapter_plan_t.hash)
 *       16      4  bytes of the payload
 *       20      4  CRC-32 (ISO-HDLC, as in zip) of all other bytes: offsets 0..19, then the payload
 *       24         payload: int8 exponent of each group; int8 q of all parameters; for skip the
 * taps' means (int8) and factors (uint8)
 *
 * A blob is verified completely before anything of the active adapter is changed.
 */
#ifndef RT_ENGINE_ADAPTER_BLOB_H
#define RT_ENGINE_ADAPTER_BLOB_H

#include "adapter.h"

#define RT_BLOB_HEADER_BYTES 24u
#define RT_BLOB_MAGIC 0x31417452u /* "RtA1" in memory */
#define RT_BLOB_VERSION 1u

/* crc of the bytes so far (0 at the start) to crc with these added. */
uint32_t rt_blob_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

/* Bytes of a saved adapter. */
uint32_t rt_blob_bytes(const rt_adapter_t *adapter);

/* The header of the present adapter's blob alone; the payload is adapter->exponents, all of
 * plan->payload. For callers without memory for a whole blob. */
void rt_blob_header(const rt_adapter_t *adapter, uint8_t header[RT_BLOB_HEADER_BYTES]);

/* Writes the present adapter. Errors: RT_ERROR_ARGUMENT (capacity too small). */
rt_status_t rt_blob_save(const rt_adapter_t *adapter, uint8_t *blob, uint32_t capacity);

/* RT_OK if rt_blob_load would take the blob. Errors: RT_ERROR_BLOB_*. */
rt_status_t rt_blob_verify(const rt_adapter_t *adapter, const uint8_t *blob, uint32_t bytes);

/* Verifies the blob and makes it the present adapter. Errors: RT_ERROR_BLOB_*; then the adapter is
 * as before. */
rt_status_t rt_blob_load(rt_adapter_t *adapter, const uint8_t *blob, uint32_t bytes);

/* The same into a place, whether it is in use or not. Errors: RT_ERROR_ARGUMENT (there is no such
 * place), RT_ERROR_BLOB_*. */
rt_status_t rt_blob_load_into(rt_adapter_t *adapter, uint32_t place, const uint8_t *blob,
                              uint32_t bytes);

#endif
