/* Exports of the simulator's firmware beside those of native/'s other headers. */
#ifndef RT_HAL_SIM_EXPORTS_H
#define RT_HAL_SIM_EXPORTS_H

#include "dsp/mfcc.h"
#include "engine/engine.h"

/* sizeof(rt_engine_t). */
uint32_t rt_sim_engine_bytes(void);

/* rt_engine_init after checking that all tables of the model lie within the image. in: model, image
 * (image_bytes bytes). out: engine. Errors: those of rt_model_check and rt_engine_init. */
rt_status_t rt_sim_engine_init(rt_engine_t *engine, const rt_model_t *model, const void *image,
                               uint32_t image_bytes, void *arena, uint32_t arena_bytes);

/* sizeof and offsetof of the structures that the compiler writes, structure by structure, ended by
 * -1: those of engine/model.h, rt_dsp_quant_t, those of an adapter plan in engine/adapter.h. */
const int32_t *rt_sim_layout(void);

#endif
