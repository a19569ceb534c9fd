/*
 * What sim/training.ts needs beside the functions of the engine's headers: sizes of structures, and
 * their members by name.
 */
#include "training.h"

uint32_t rt_sim_adapter_bytes(void) { return sizeof(rt_adapter_t); }
uint32_t rt_sim_trainer_bytes(void) { return sizeof(rt_trainer_t); }
uint32_t rt_sim_params_bytes(void) { return sizeof(rt_train_params_t); }

uint32_t rt_sim_window_entry_bytes(const rt_engine_t *engine) {
  return rt_windows_entry_bytes(engine->model);
}
uint32_t rt_sim_window_limit(const rt_adapter_t *adapter) { return adapter->plan->windows; }

const int32_t *rt_sim_adapter_logits(const rt_adapter_t *adapter) { return adapter->logits; }
const int8_t *rt_sim_adapter_vector(const rt_adapter_t *adapter) { return adapter->vector; }
const int8_t *rt_sim_adapter_payload(const rt_adapter_t *adapter) { return adapter->exponents; }
const int16_t *rt_sim_adapter_gradient(const rt_adapter_t *adapter) { return adapter->gradient; }
const int8_t *rt_sim_adapter_signal(const rt_adapter_t *adapter) {
  return rt_adapter_buffer(adapter, &adapter->plan->signal);
}
uint32_t rt_sim_adapter_step_layer(const rt_adapter_t *adapter, uint32_t step) {
  return adapter->plan->steps[step].layer;
}
int32_t rt_sim_group_gradient_exponent(const rt_adapter_t *adapter, uint32_t group) {
  return adapter->state[group].gradient_exponent;
}
void rt_sim_adapter_training(rt_adapter_t *adapter, uint32_t training) {
  adapter->training = training;
}

const rt_windows_t *rt_sim_trainer_windows(const rt_trainer_t *trainer) {
  return &trainer->windows;
}
uint32_t rt_sim_trainer_cycles(const rt_trainer_t *trainer) { return trainer->run_cycles; }
uint32_t rt_sim_trainer_step(const rt_trainer_t *trainer) { return trainer->step; }
uint32_t rt_sim_trainer_loss(const rt_trainer_t *trainer) { return trainer->loss_q16; }
uint32_t rt_sim_trainer_phase(const rt_trainer_t *trainer) { return trainer->phase; }
const rt_check_result_t *rt_sim_trainer_check(const rt_trainer_t *trainer) {
  return &trainer->check;
}
uint32_t rt_sim_backward_step(const rt_trainer_t *trainer) { return trainer->backward.step; }
int32_t rt_sim_backward_exponent(const rt_trainer_t *trainer) { return trainer->backward.exponent; }
