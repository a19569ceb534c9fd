/* Training as the simulator's host sees it: see training.c. Pointers are into structures that the
 * host owns. */
#ifndef RT_HAL_SIM_TRAINING_H
#define RT_HAL_SIM_TRAINING_H

#include "engine/adapter_blob.h"
#include "engine/train.h"

uint32_t rt_sim_adapter_bytes(void);
uint32_t rt_sim_trainer_bytes(void);
uint32_t rt_sim_params_bytes(void);
uint32_t rt_sim_window_entry_bytes(const rt_engine_t *engine);
uint32_t rt_sim_window_limit(const rt_adapter_t *adapter);
const int32_t *rt_sim_adapter_logits(const rt_adapter_t *adapter);
const int8_t *rt_sim_adapter_vector(const rt_adapter_t *adapter);
const int8_t *rt_sim_adapter_payload(const rt_adapter_t *adapter);
const int16_t *rt_sim_adapter_gradient(const rt_adapter_t *adapter);
const int8_t *rt_sim_adapter_signal(const rt_adapter_t *adapter);
uint32_t rt_sim_adapter_step_layer(const rt_adapter_t *adapter, uint32_t step);
int32_t rt_sim_group_gradient_exponent(const rt_adapter_t *adapter, uint32_t group);
void rt_sim_adapter_training(rt_adapter_t *adapter, uint32_t training);
const rt_windows_t *rt_sim_trainer_windows(const rt_trainer_t *trainer);
uint32_t rt_sim_trainer_cycles(const rt_trainer_t *trainer);
uint32_t rt_sim_trainer_step(const rt_trainer_t *trainer);
uint32_t rt_sim_trainer_loss(const rt_trainer_t *trainer);
uint32_t rt_sim_trainer_phase(const rt_trainer_t *trainer);
const rt_check_result_t *rt_sim_trainer_check(const rt_trainer_t *trainer);
uint32_t rt_sim_backward_step(const rt_trainer_t *trainer);
int32_t rt_sim_backward_exponent(const rt_trainer_t *trainer);

#endif
