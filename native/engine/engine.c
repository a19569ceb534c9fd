#include "engine.h"

#include "check.h"
#include "kernels.h"

rt_status_t rt_engine_init(rt_engine_t *engine, const rt_model_t *model, void *arena,
                           uint32_t arena_bytes) {
  const rt_status_t status = rt_model_check(model, 0, 0);
  if (status != RT_OK) return status;
  if (((uintptr_t)arena & 3) != 0) return RT_ERROR_ALIGNMENT;
  if (arena == 0 || arena_bytes < model->arena_bytes) return RT_ERROR_ARENA_SIZE;
  engine->model = model;
  engine->arena = arena;
  engine->layer = model->layer_count;
  engine->row = 0;
  engine->hooks = 0;
  return RT_OK;
}

int8_t *rt_engine_tensor(const rt_engine_t *engine, uint32_t tensor) {
  return engine->arena + engine->model->tensors[tensor].offset_bytes;
}

void rt_engine_begin(rt_engine_t *engine) { rt_engine_resume(engine, 0); }

void rt_engine_resume(rt_engine_t *engine, uint32_t layer) {
  engine->layer = layer;
  engine->row = 0;
}

static void run_row(const rt_kernel_t *k, int32_t row) {
  switch (k->layer->op) {
    case RT_OP_CONV_2D:
      rt_conv_row(k, row);
      break;
    case RT_OP_DEPTHWISE_CONV_2D:
      rt_depthwise_row(k, row);
      break;
    case RT_OP_FULLY_CONNECTED:
      rt_dense_row(k, row);
      break;
    case RT_OP_AVERAGE_POOL_2D:
      rt_pool_row(k, row);
      break;
    case RT_OP_ADD:
      rt_add_row(k, row);
      break;
    default: /* rt_model_check knows no other */
      rt_softmax_row(k, row);
      break;
  }
}

static rt_kernel_t kernel_of(const rt_engine_t *engine, uint32_t index) {
  const rt_model_t *m = engine->model;
  const rt_layer_t *l = &m->layers[index];
  rt_kernel_t k;
  k.layer = l;
  k.input = &m->tensors[l->input];
  k.output = &m->tensors[l->output];
  k.input2 = l->op == RT_OP_ADD ? &m->tensors[l->input2] : 0;
  k.x = rt_engine_tensor(engine, l->input);
  k.x2 = l->op == RT_OP_ADD ? rt_engine_tensor(engine, l->input2) : 0;
  k.y = rt_engine_tensor(engine, l->output);
  k.index = index;
  k.hooks = 0;
  return k;
}

static void run_hooked_row(const rt_engine_t *engine, rt_kernel_t *k, uint32_t row) {
  const rt_layer_hooks_t *hooks = engine->hooks;
  const uint32_t wanted = hooks ? hooks->wants(hooks->context, k->index) : 0;
  k->hooks = wanted & RT_HOOK_PIXEL ? hooks : 0;
  run_row(k, (int32_t)row);
  if (wanted & RT_HOOK_ROW) hooks->row(hooks->context, k->index, row);
}

uint32_t rt_engine_row_macs(const rt_engine_t *engine, uint32_t layer) {
  const rt_layer_t *l = &engine->model->layers[layer];
  const rt_tensor_t *in = &engine->model->tensors[l->input];
  const rt_tensor_t *out = &engine->model->tensors[l->output];
  const uint32_t outputs = (uint32_t)(out->width * out->channels);
  const uint32_t taps = (uint32_t)(l->kernel_height * l->kernel_width);
  switch (l->op) {
    case RT_OP_CONV_2D:
      return outputs * taps * (uint32_t)in->channels;
    case RT_OP_FULLY_CONNECTED:
      return outputs * (uint32_t)(in->height * in->width * in->channels);
    case RT_OP_DEPTHWISE_CONV_2D:
    case RT_OP_AVERAGE_POOL_2D:
      return outputs * taps;
    default:
      return outputs;
  }
}

rt_status_t rt_engine_run(rt_engine_t *engine, uint32_t budget_macs) {
  uint32_t spent = 0;
  while (engine->layer < engine->model->layer_count) {
    rt_kernel_t k = kernel_of(engine, engine->layer);
    const uint32_t rows = (uint32_t)k.output->height;
    const uint32_t cost = rt_engine_row_macs(engine, engine->layer);
    for (; engine->row < rows; engine->row++) {
      if (spent > 0 && (spent >= budget_macs || cost > budget_macs - spent)) return RT_BUSY;
      run_hooked_row(engine, &k, engine->row);
      spent += cost;
    }
    engine->layer++;
    engine->row = 0;
  }
  return RT_OK;
}

rt_status_t rt_engine_infer(rt_engine_t *engine) {
  rt_status_t status;
  rt_engine_begin(engine);
  do {
    status = rt_engine_run(engine, 0x7fffffffu);
  } while (status == RT_BUSY);
  return status;
}
