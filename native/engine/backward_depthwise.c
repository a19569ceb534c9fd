/* Backward through DEPTHWISE_CONV_2D, a channel at a time: its gradients are copied into a plane,
 * and every input pixel gathers from the output pixels that it took part in. */
#include "backward_parts.h"

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_TAP 64u    /* of an output pixel */
#define CYCLES_PIXEL 290u /* of the input */

typedef struct {
  const int16_t *plane; /* M_c G_c [rows][columns] */
  const int8_t *weights;
  uint32_t channels; /* stride of weights */
  const rt_backward_layer_t *layer;
} gather_t;

/* x / stride where it divides, else -1. */
static int32_t divide_exactly(int32_t x, int32_t stride) {
  if (x < 0 || stride == 1) return x;
  if (stride == 2) return x & 1 ? -1 : x >> 1;
  int32_t quotient = (int32_t)rt_fixed_divide((uint32_t)x, (uint32_t)stride);
  return quotient * stride == x ? quotient : -1;
}

/* Sum over one kernel row. y_out is valid. */
static int32_t gather_row(const gather_t *gather, int32_t kernel_y, int32_t y_out, int32_t x_in) {
  const rt_layer_t *layer = gather->layer->layer;
  int32_t sum = 0;
  for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
    int32_t x = divide_exactly(x_in + layer->pad_left - kx, layer->stride_width);
    if (x < 0 || x >= (int32_t)gather->layer->columns) continue;
    int32_t tap = kernel_y * layer->kernel_width + kx;
    sum += gather->weights[(uint32_t)tap * gather->channels] *
           gather->plane[y_out * (int32_t)gather->layer->columns + x];
  }
  return sum;
}

static int32_t gather_pixel(const gather_t *gather, int32_t y_in, int32_t x_in) {
  const rt_layer_t *layer = gather->layer->layer;
  int32_t sum = 0;
  for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
    int32_t y = divide_exactly(y_in + layer->pad_top - ky, layer->stride_height);
    if (y >= 0 && y < (int32_t)gather->layer->rows) sum += gather_row(gather, ky, y, x_in);
  }
  return sum;
}

static void load_plane(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                       uint32_t channel, int32_t largest, int16_t *plane) {
  int32_t gain = rt_backward_gain(layer->layer, channel, largest);
  int32_t right = rt_backward_gain_right(backward);
  for (uint32_t p = 0; p < layer->rows * layer->columns; p++) {
    int32_t g = rt_backward_load(backward, layer, p, channel);
    plane[p] = (int16_t)rt_backward_apply_gain(g, gain, right);
  }
}

rt_status_t rt_backward_depthwise(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                  uint32_t *random, uint32_t *cycles) {
  const rt_adapter_t *adapter = backward->adapter;
  const rt_tensor_t *input = &adapter->engine->model->tensors[layer->layer->input];
  uint32_t channel = backward->next;
  int32_t largest =
      channel == 0 ? rt_backward_prepare(backward, layer) : rt_backward_gain_shift(layer);
  int16_t *plane = rt_adapter_buffer(adapter, &adapter->plan->plane);
  load_plane(backward, layer, channel, largest, plane);
  gather_t gather = {plane, layer->layer->weights + channel, layer->outputs, layer};
  for (int32_t y = 0; y < input->height; y++) {
    for (int32_t x = 0; x < input->width; x++) {
      uint32_t pixel = (uint32_t)(y * input->width + x);
      rt_backward_store(backward, layer, pixel * layer->inputs + channel,
                        gather_pixel(&gather, y, x), random);
    }
  }
  uint32_t taps = (uint32_t)(layer->layer->kernel_height * layer->layer->kernel_width);
  *cycles += (uint32_t)(input->height * input->width) * CYCLES_PIXEL +
             layer->rows * layer->columns * taps * CYCLES_TAP;
  return ++backward->next < layer->outputs ? RT_BUSY : RT_OK;
}
