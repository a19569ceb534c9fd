/* What the two halves of the loader share. */
#ifndef RT_VM_IMAGE_CHECK_H
#define RT_VM_IMAGE_CHECK_H

#include "vm/image.h"

/* One bit a byte of code. */
#define RT_IMAGE_SCRATCH_BYTES 8192u

/* Fills in the fault; always an error status. */
rt_status_t rt_image_fail(rt_image_fault_t *fault, const char *what, uint32_t offset);
/* Whether a string index (with its type) exists; buffers are no strings. */
int rt_image_has_string(const rt_image_t *image, uint32_t string);
/* The opcodes of every function. */
rt_status_t rt_image_check_code(const rt_image_t *image, uint8_t *scratch, rt_image_fault_t *fault);

#endif
