/*
 * Verification of a compiled model before anything of it is used.
 */
#ifndef RT_ENGINE_CHECK_H
#define RT_ENGINE_CHECK_H

#include "model.h"
#include "status.h"

/* Limits that keep every product of sizes within 32 bits. */
#define RT_MAX_SIDE 4096     /* height, width or channels of a tensor */
#define RT_MAX_PIXELS 262144 /* height * width */
#define RT_MAX_ROW 65536     /* width * channels of an output */
#define RT_MAX_PATCH \
  32768 /* kernel_height * kernel_width * input channels; inputs of a dense layer */
#define RT_MAX_CLASSES 511 /* of SOFTMAX: more could overflow its sum of exponentials */

/*
 * Verifies every index, offset, size, range and pointer of the inference tables. in: image and
 * image_bytes, the memory that all tables must lie in; NULL and 0 when they are linked into the
 * firmware and every address is trusted (NULL pointers are found even so).
 * Errors: RT_ERROR_MODEL_MAGIC, RT_ERROR_MODEL_OP, RT_ERROR_MODEL_LAYOUT, RT_ERROR_ALIGNMENT.
 */
rt_status_t rt_model_check(const rt_model_t *model, const void *image, uint32_t image_bytes);

#endif
