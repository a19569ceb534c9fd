/*
 * For a firmware whose model learns with another method than lora (RT_WITHOUT_LORA, which `retune
 * build` defines): what refers to lora's kernels refers to nothing, so that the linker drops them,
 * and with them 5 KB of code that would run from RAM. rt_adapter_check then refuses plans of
 * that method. Included by those who refer to lora, not by lora itself.
 */
#ifndef RT_ENGINE_WITHOUT_LORA_H
#define RT_ENGINE_WITHOUT_LORA_H

#ifdef RT_WITHOUT_LORA
/* Before the names mean something else. */
#include "adapter.h"
#include "backward.h"
#include "backward_parts.h"

/* Instead of any function of lora: never called, since there is no plan to call it for. */
static inline int32_t rt_without_lora(const void *first, ...) {
  (void)first;
  return 0;
}
static inline uint32_t rt_without_lora_bytes(uint32_t first, ...) { return 0u * first; }

#define rt_kind_lora rt_kind_head
#define rt_kind_low_rank rt_kind_head
#define rt_backward_begin (void)rt_without_lora
#define rt_backward_run rt_without_lora
#define rt_backward_dense_bytes rt_without_lora_bytes
#define rt_backward_depthwise_bytes (uint32_t) rt_without_lora
#endif

#endif
