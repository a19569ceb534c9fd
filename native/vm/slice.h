/* Ranges as slice and indexOf take them. */
#ifndef RT_VM_SLICE_H
#define RT_VM_SLICE_H

#include "vm/native.h"

/* Arguments 0 and 1 as slice(start, end) of something with `length` parts: negative ones count from
 * the end, a missing end is the end. 0 ≤ *start ≤ *end ≤ length. */
static inline void rt_slice_range(const rt_call_t *call, uint32_t length, uint32_t *start,
                                  uint32_t *end) {
  int32_t range[2] = {0, (int32_t)length};
  for (uint32_t i = 0; i < 2 && i < call->count; i++) {
    if (call->arguments[i] == RT_UNDEFINED) continue;
    int32_t at = rt_to_int32(call->arguments[i]);
    if (at < 0) at += (int32_t)length;
    if (at < 0) at = 0;
    range[i] = at > (int32_t)length ? (int32_t)length : at;
  }
  *start = (uint32_t)range[0];
  *end = (uint32_t)(range[1] < range[0] ? range[0] : range[1]);
}

#endif
