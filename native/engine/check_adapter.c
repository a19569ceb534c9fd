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
  return sound && site_tables(model, plan, &memory) ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}
