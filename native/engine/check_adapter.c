#include "adapter.h"
#include "check.h"

#define COUNT_MAX 65536u /* of any table; keeps sizes in bytes within 32 bits */

static int table(const rt_image_t *image, const void *p, uint32_t count, uint32_t bytes) {
  return count <= COUNT_MAX && (count == 0 || rt_image_holds(image, p, count * bytes, 4));
}

static int site_tables(const rt_model_t *model, const rt_adapter_plan_t *plan,
                       const rt_image_t *image) {
  for (uint32_t i = 0; i < plan->site_count; i++) {
    const rt_adapter_site_t *site = &plan->sites[i];
    if (site->layer >= model->layer_count) return 0;
    const rt_tensor_t *output = &model->tensors[model->layers[site->layer].output];
    const uint32_t channels = (uint32_t)output->channels;
    if (!table(image, site->inverse_weight_scale, channels, sizeof(rt_real_t))) return 0;
  }
  return 1;
}

/* Words of a step's weights: see adapter.h. The sizes of layers keep them within 32 bits. */
static uint32_t step_words(const rt_model_t *model, const rt_layer_t *layer) {
  const rt_tensor_t *input = &model->tensors[layer->input];
  const uint32_t outputs = (uint32_t)model->tensors[layer->output].channels;
  if (layer->op == RT_OP_DEPTHWISE_CONV_2D) {
    return outputs * (uint32_t)(layer->kernel_height * layer->kernel_width);
  }
  uint32_t inputs = (uint32_t)input->channels;
  if (layer->op == RT_OP_FULLY_CONNECTED) inputs *= (uint32_t)(input->height * input->width);
  return outputs * (((inputs + 7u) & ~7u) / 2u);
}

static int step_tables(const rt_model_t *model, const rt_adapter_plan_t *plan,
                       const rt_image_t *image) {
  for (uint32_t i = 0; i < plan->step_count; i++) {
    const rt_adapter_step_t *step = &plan->steps[i];
    if (step->layer >= model->layer_count) return 0;
    if (step->weights == 0) continue;
    const uint32_t words = step_words(model, &model->layers[step->layer]);
    if (!rt_image_holds(image, step->weights, words * 4u, 4)) return 0;
  }
  return 1;
}

rt_status_t rt_model_check_adapter(const rt_model_t *model, const void *image,
                                   uint32_t image_bytes) {
  const rt_image_t memory = {image, image_bytes};
  const rt_adapter_plan_t *plan = model->adapter;
  if (!plan) return RT_OK;
  if (!rt_image_holds(&memory, plan, sizeof *plan, 4)) return RT_ERROR_MODEL_LAYOUT;
  const int sound = table(&memory, plan->logit_scale, plan->classes, sizeof(rt_real_t)) &&
                    table(&memory, plan->inverse_logit_scale, plan->classes, sizeof(rt_real_t)) &&
                    table(&memory, plan->taps, plan->tap_count, sizeof(rt_adapter_tap_t)) &&
                    table(&memory, plan->sites, plan->site_count, sizeof(rt_adapter_site_t)) &&
                    table(&memory, plan->steps, plan->step_count, sizeof(rt_adapter_step_t)) &&
                    table(&memory, plan->masks, plan->mask_count, sizeof(rt_adapter_mask_t)) &&
                    table(&memory, plan->groups, plan->group_count, sizeof(rt_adapter_group_t));
  if (!sound) return RT_ERROR_MODEL_LAYOUT;
  return site_tables(model, plan, &memory) && step_tables(model, plan, &memory)
             ? RT_OK
             : RT_ERROR_MODEL_LAYOUT;
}
