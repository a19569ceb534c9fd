#include "train_cache.h"

static uint32_t resumed_tensor(const rt_adapter_t *adapter) {
  return adapter->engine->model->layers[adapter->plan->resume_layer].input;
}

uint32_t rt_train_cache_values(const rt_adapter_t *adapter) {
  if (adapter->kind->cached) return adapter->plan->vector.bytes;
  const rt_tensor_t *tensor = &adapter->engine->model->tensors[resumed_tensor(adapter)];
  return (uint32_t)(tensor->height * tensor->width * tensor->channels);
}

/* Where an entry's logits are. */
static uint32_t values_bytes(const rt_adapter_t *adapter) {
  return (rt_train_cache_values(adapter) + 3u) & ~3u;
}

uint32_t rt_train_cache_entry_bytes(const rt_adapter_t *adapter) {
  uint32_t logits = adapter->kind->cached ? adapter->plan->classes : 0;
  return values_bytes(adapter) + logits * (uint32_t)sizeof(int32_t);
}

int8_t *rt_train_cache_entry(const rt_adapter_t *adapter, uint32_t entry) {
  int8_t *cache = rt_adapter_buffer(adapter, &adapter->plan->cache);
  return cache + entry * rt_train_cache_entry_bytes(adapter);
}

uint32_t rt_train_cache_end(const rt_adapter_t *adapter) {
  return adapter->kind->cached ? adapter->engine->model->layer_count : adapter->plan->resume_layer;
}

/* Where the forward pass leaves what an entry holds. */
static int8_t *computed(const rt_adapter_t *adapter) {
  return adapter->kind->cached ? adapter->vector
                               : rt_engine_tensor(adapter->engine, resumed_tensor(adapter));
}

void rt_train_cache_store(const rt_adapter_t *adapter, uint32_t entry) {
  __builtin_memcpy(rt_train_cache_entry(adapter, entry), computed(adapter),
                   rt_train_cache_values(adapter));
  if (!adapter->kind->cached) return;
  __builtin_memcpy(rt_train_cache_entry(adapter, entry) + values_bytes(adapter),
                   adapter->base_logits, adapter->plan->classes * sizeof(int32_t));
}

const int32_t *rt_train_cache_logits(const rt_adapter_t *adapter, uint32_t entry) {
  return (const int32_t *)(const void *)(rt_train_cache_entry(adapter, entry) +
                                         values_bytes(adapter));
}

void rt_train_cache_resume(const rt_adapter_t *adapter, uint32_t entry) {
  __builtin_memcpy(computed(adapter), rt_train_cache_entry(adapter, entry),
                   rt_train_cache_values(adapter));
  rt_engine_resume(adapter->engine, adapter->plan->resume_layer);
}
