/*
 * INT8 inference, bit-exact with TensorFlow Lite's reference kernels.
 *
 * The caller owns all memory: the engine state, the arena (arena_bytes of the model, 4-aligned) and
 * the compiled model, which is only read. Nothing is allocated. One engine serves one model.
 */
#ifndef RT_ENGINE_ENGINE_H
#define RT_ENGINE_ENGINE_H

#include "hooks.h"
#include "model.h"
#include "status.h"

typedef struct rt_engine {
  const rt_model_t *model;
  int8_t *arena;
  uint32_t layer;                /* next layer of the inference that is under way */
  uint32_t row;                  /* next output row of that layer */
  const rt_layer_hooks_t *hooks; /* NULL: plain TensorFlow Lite; may be set between inferences */
} rt_engine_t;

/* Checks every table of the model (indices, offsets, ranges; see check.h) and binds the arena
 * without hooks. in: model, arena. Errors: RT_ERROR_MODEL_*, RT_ERROR_ARENA_SIZE,
 * RT_ERROR_ALIGNMENT. */
rt_status_t rt_engine_init(rt_engine_t *engine, const rt_model_t *model, void *arena,
                           uint32_t arena_bytes);

/* The bytes of a tensor in the arena; the input tensor is where the caller writes its window. */
int8_t *rt_engine_tensor(const rt_engine_t *engine, uint32_t tensor);

/* Starts an inference over the input tensor. */
void rt_engine_begin(rt_engine_t *engine);

/* The same from a later layer on: the caller has put back what it reads of earlier ones. */
void rt_engine_resume(rt_engine_t *engine, uint32_t layer);

/* Runs whole output rows until about budget_macs multiply-accumulates are spent (at least one row
 * a call). Returns RT_BUSY while rows are left, RT_OK when the output tensor is complete. */
rt_status_t rt_engine_run(rt_engine_t *engine, uint32_t budget_macs);

/* Multiply-accumulates (for ADD, pooling and SOFTMAX: elements read) of one output row of a layer.
 */
uint32_t rt_engine_row_macs(const rt_engine_t *engine, uint32_t layer);

/* About how many cycles of a Cortex-M0+ that takes, without hooks: of layers with the compiler's
 * tables (rt_layer_t.packed and quick). Fitted to counts on the emulated RP2040; within a tenth for
 * whole networks, within a third for single layers of unusual shapes. */
uint32_t rt_engine_row_cycles(const rt_engine_t *engine, uint32_t layer);

/* One whole inference. */
rt_status_t rt_engine_infer(rt_engine_t *engine);

#endif
