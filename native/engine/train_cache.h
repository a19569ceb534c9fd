/*
 * The cache of a burst: what the frozen layers make of a window, kept so that they run once a view
 * and not once a sample. For head and skip that is the adapter's vector and the frozen network's
 * logits, all that they learn from;
 * for lora the input of the first trained layer, from which the forward pass resumes. The compiler
 * decides how many windows lora keeps (plan->cache_windows); samples of the others run whole.
 *
 * An entry takes rt_train_cache_entry_bytes in plan->cache. Entry i belongs to training window i.
 */
#ifndef RT_ENGINE_TRAIN_CACHE_H
#define RT_ENGINE_TRAIN_CACHE_H

#include "adapter.h"

/* A multiple of 4. */
uint32_t rt_train_cache_entry_bytes(const rt_adapter_t *adapter);

int8_t *rt_train_cache_entry(const rt_adapter_t *adapter, uint32_t entry);

/* Values that an entry holds. */
uint32_t rt_train_cache_values(const rt_adapter_t *adapter);

/* The layer before which a forward pass has computed what an entry holds. */
uint32_t rt_train_cache_end(const rt_adapter_t *adapter);

/* Head and skip: the frozen network's logits of an entry's window, Q16 [classes]. */
const int32_t *rt_train_cache_logits(const rt_adapter_t *adapter, uint32_t entry);

/* Keeps what the forward pass has computed. */
void rt_train_cache_store(const rt_adapter_t *adapter, uint32_t entry);

/* Lora: puts the entry back where the forward pass had it, and lets that go on from there. */
void rt_train_cache_resume(const rt_adapter_t *adapter, uint32_t entry);

#endif
