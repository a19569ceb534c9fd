/*
 * One output pixel as matrix times vector: the core of convolutions and fully connected layers.
 *
 * The vector is the pixel's patch (the taps of its window, in the order of the weights), handed
 * over in chunks so that the stack stays small whatever the layer's size. A chunk is expanded once
 * and used for many output channels.
 */
#ifndef RT_ENGINE_MATMUL_H
#define RT_ENGINE_MATMUL_H

#include "kernels.h"

#define RT_MATMUL_CHUNK 256 /* patch entries expanded at a time: 1 KB of stack; a multiple of 4 */
#define RT_MATMUL_GROUP 16  /* output channels computed at a time when nobody hooks the layer */

/* Supplies patch entries [from, from + count) of a pixel: either a pointer to them as they lie, or
 * `scratch` (RT_MATMUL_CHUNK bytes) filled with them. */
typedef const int8_t *(*rt_patch_t)(const void *context, int32_t from, int32_t count,
                                    int8_t *scratch);

/* Computes all channels of output pixel `pixel`, requantises and stores them. in: length, the
 * number of patch entries, which is the length of a row of weights; patch, or NULL where context
 * is the whole patch; x for the hook (see hooks.h). */
void rt_matmul_pixel(const rt_kernel_t *k, uint32_t pixel, int32_t length, rt_patch_t patch,
                     const void *context, const int8_t *x);

/* Output pixels computed together where the core has registers for it. */
#if defined(__riscv)
#define RT_MATMUL_PIXELS 5
#else
#define RT_MATMUL_PIXELS 1
#endif

/* Boards that take the pixels of an output row in one call of rt_matmul_pixels. */
#if defined(__riscv) || defined(__ARM_ARCH_6M__)
#define RT_MATMUL_ROWS 1

/* rt_matmul_pixel for `count` pixels from `pixel` on, of a layer with packed weights that nobody
 * hooks. in: x, the whole patch of the first pixel; those of the others follow `step` bytes apart.
 * No output of the row may lie on a patch of the row: some are written before others are read. */
void rt_matmul_pixels(const rt_kernel_t *k, uint32_t pixel, uint32_t count, int32_t length,
                      const int8_t *x, int32_t step);
#else
#define RT_MATMUL_ROWS 0
#endif

#endif
