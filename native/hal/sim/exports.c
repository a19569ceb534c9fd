/*
 * What the simulator's host (sim/engine.ts) needs beside the functions of native/'s headers, all of
 * which are exported: sizes, and the checked start of an engine on a model image that the host has
 * placed in memory.
 */
#include "exports.h"

#include "engine/check.h"

uint32_t rt_sim_engine_bytes(void) { return sizeof(rt_engine_t); }

rt_status_t rt_sim_engine_init(rt_engine_t *engine, const rt_model_t *model, const void *image,
                               uint32_t image_bytes, void *arena, uint32_t arena_bytes) {
  rt_status_t status = rt_model_check(model, image, image_bytes);
  if (status == RT_OK) status = rt_model_check_adapter(model, image, image_bytes);
  if (status != RT_OK) return status;
  return rt_engine_init(engine, model, arena, arena_bytes);
}
