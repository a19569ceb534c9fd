/* Checks an adapter plan before anything is done with it. */
#ifndef RT_ENGINE_ADAPTER_CHECK_H
#define RT_ENGINE_ADAPTER_CHECK_H

#include "adapter.h"
#include "without_lora.h"

/* Every index, shape and buffer size of the plan against the model and against what its kind needs.
 * in: adapter with engine, plan and kind set. Returns RT_ERROR_MODEL_LAYOUT for any fault. */
rt_status_t rt_adapter_check(const rt_adapter_t *adapter);

#endif
