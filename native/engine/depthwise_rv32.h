/* Depthwise 3x3 for RV32IM, whose registers hold a channel's nine weights while a row goes by. */
#ifndef RT_ENGINE_DEPTHWISE_RV32_H
#define RT_ENGINE_DEPTHWISE_RV32_H

#include "kernels.h"

/* rt_depthwise_row for 3x3 kernels that move by one or two columns, with at most one column of
 * padding on either side, and a table for rt_quick_output. Returns 0, nothing done, for others. */
#if defined(__riscv)
int rt_depthwise_row_3x3(const rt_kernel_t *k, int32_t row);
#else
static inline int rt_depthwise_row_3x3(const rt_kernel_t *k, int32_t row) {
  (void)k, (void)row;
  return 0;
}
#endif

#endif
