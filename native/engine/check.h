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

/* The memory that a model's tables must lie in. bytes 0: they are linked into the firmware and
 * every address is trusted. */
typedef struct {
  const void *base;
  uint32_t bytes;
} rt_image_t;

/* 1 when `bytes` bytes at p, aligned to `alignment` (1, 2 or 4), belong to the image. Not for NULL.
 */
int rt_image_holds(const rt_image_t *image, const void *p, uint32_t bytes, uint32_t alignment);

/*
 * Verifies every index, offset, size, range and pointer of the inference tables. in: image and
 * image_bytes, the memory that all tables must lie in; NULL and 0 when they are linked into the
 * firmware and every address is trusted (NULL pointers are found even so).
 * Errors: RT_ERROR_MODEL_MAGIC, RT_ERROR_MODEL_OP, RT_ERROR_MODEL_LAYOUT, RT_ERROR_ALIGNMENT.
 */
rt_status_t rt_model_check(const rt_model_t *model, const void *image, uint32_t image_bytes);

/*
 * Verifies that the tables of a model's adapter plan, if it has one, lie within the image; what is
 * in them is verified by rt_adapter_init. In a file of its own (check_adapter.c): a firmware whose
 * tables are linked needs neither. in: a model that rt_model_check has passed.
 * Errors: RT_ERROR_MODEL_LAYOUT.
 */
rt_status_t rt_model_check_adapter(const rt_model_t *model, const void *image,
                                   uint32_t image_bytes);

#endif
