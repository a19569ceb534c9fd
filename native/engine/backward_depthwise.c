/*
 * Backward through DEPTHWISE_CONV_2D, a channel at a time: its gradients are spread over a plane
 * with gaps where the stride has skipped pixels and borders of zeros, so that every input pixel is
 * a plain correlation with the flipped kernel whatever stride and padding. The plane's rows follow
 * each other in one sequence, the border of a row being that of the next one as well: tap (ky, kx)
 * of element i is element i + ky length + kx, and the sums of eight neighbours at a time are those
 * of rt_axpy, with a tap as the factor and the sequence from there on as the row. What it computes
 * between the rows is dropped.
 *
 * Two elements are a word. For odd distances there is a second copy of the sequence, moved by one.
 * Elements are gradients plus 128, plain halves of words; what that adds is taken off by rt_axpy's
 * start. The compiler keeps the taps of a channel below sum |w| <= 255, so sums fit in 16 bits.
 */
#include "backward_axpy.h"
#include "backward_parts.h"
#include "hot.h"

#define BAND 256u /* elements at a time, or a row of the input if that is longer */
#define OFFSET 128

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_CHANNEL 2000u
#define CYCLES_TAP 3u     /* of an input pixel */
#define CYCLES_PIXEL 24u  /* of the input */
#define CYCLES_OUTPUT 22u /* a pixel of the output */
#define CYCLES_MASKED 4u

typedef struct {
  uint32_t kernel_height, kernel_width;
  uint32_t rows, columns; /* of the input */
  uint32_t length;        /* of a row of the plane */
  uint32_t first;         /* where the first output pixel lies in it */
  uint32_t across, down;  /* from one output pixel to the next */
  uint32_t band;          /* rows at a time */
  uint32_t sums;          /* room for a band, a multiple of 8 */
  uint32_t elements;      /* of the plane, an even number */
} plane_t;

/* Where a plane, the terms and the sums lie in plan->work. */
typedef struct {
  uint16_t *even, *odd;
  rt_axpy_term_t *terms;
  int32_t *sums;
} work_t;

static plane_t plane_of(const rt_layer_t *layer, const rt_tensor_t *input,
                        const rt_tensor_t *output) {
  plane_t p;
  p.kernel_height = (uint32_t)layer->kernel_height;
  p.kernel_width = (uint32_t)layer->kernel_width;
  p.rows = (uint32_t)input->height;
  p.columns = (uint32_t)input->width;
  uint32_t left = p.kernel_width - 1u - (uint32_t)layer->pad_left;
  uint32_t top = p.kernel_height - 1u - (uint32_t)layer->pad_top;
  p.across = (uint32_t)layer->stride_width;
  /* The border on the right is pad_left wide, and the last pixel must be inside. */
  uint32_t last = left + ((uint32_t)output->width - 1u) * p.across + 1u;
  p.length = p.columns + (uint32_t)layer->pad_left;
  if (p.length < last) p.length = last;
  p.first = top * p.length + left;
  p.down = (uint32_t)layer->stride_height * p.length;
  for (p.band = p.rows; p.band > 1u && p.band * p.length > BAND; p.band--) {
  }
  p.sums = (p.band * p.length + 7u) & ~7u;
  p.elements = (p.rows + p.kernel_height) * p.length + p.kernel_width + 9u;
  p.elements &= ~1u;
  return p;
}

uint32_t rt_backward_depthwise_bytes(const rt_layer_t *layer, const rt_tensor_t *input,
                                     const rt_tensor_t *output) {
  plane_t p = plane_of(layer, input, output);
  return 4u * p.elements + 4u +
         p.kernel_height * p.kernel_width * (uint32_t)sizeof(rt_axpy_term_t) + 4u * p.sums;
}

static work_t work_of(const rt_backward_t *backward, const plane_t *p) {
  work_t work;
  work.even = rt_backward_work(backward);
  work.odd = work.even + p->elements + 2u; /* element -1 is written as well */
  work.terms = (rt_axpy_term_t *)(void *)(work.odd + p->elements);
  work.sums = (int32_t *)(void *)(work.terms + p->kernel_height * p->kernel_width);
  return work;
}

/* Gaps and borders, which no channel writes. */
static void clear_plane(const plane_t *p, const work_t *work) {
  for (uint32_t i = 0; i < 2u * p->elements + 2u; i++) work->even[i] = OFFSET;
}

/* Elements of rows of pixels; in both copies. */
RT_HOT static void fill_plane(const int8_t *signal, uint32_t channels, const plane_t *p,
                              uint32_t rows, uint32_t columns, const work_t *work) {
  const uint32_t across = p->across, down = p->down - columns * across;
  uint16_t *even = work->even + p->first, *odd = work->odd + p->first - 1;
  for (; rows > 0; rows--, even += down, odd += down) {
    for (uint32_t x = columns; x > 0; x--, even += across, odd += across, signal += channels) {
      *even = *odd = (uint16_t)(*signal + OFFSET);
    }
  }
}

/* The same one pixel at a time, for a gradient that comes from a pool. */
static void fill_pooled(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                        uint32_t channel, const plane_t *p, const work_t *work) {
  uint32_t row = p->first;
  for (uint32_t pixel = 0; pixel < layer->pixels; row += p->down) {
    for (uint32_t x = 0; x < layer->columns; x++, pixel++) {
      int8_t value;
      rt_backward_column(backward, layer, pixel, 1, channel, &value);
      uint32_t at = row + x * p->across;
      work->even[at] = (uint16_t)(value + OFFSET);
      (work->odd - 1)[at] = (uint16_t)(value + OFFSET);
    }
  }
}

/* Terms of a band that begins with element `from`; returns what rt_axpy starts from. */
static uint32_t find_terms(const plane_t *p, const work_t *work, const uint32_t *taps,
                           uint32_t from) {
  rt_axpy_term_t *term = work->terms;
  uint32_t sum = 0;
  for (uint32_t ky = 0; ky < p->kernel_height; ky++) {
    for (uint32_t kx = 0; kx < p->kernel_width; kx++, taps++, term++) {
      uint32_t at = from + ky * p->length + kx;
      const uint16_t *row = (at & 1u ? work->odd : work->even) + (at & ~1u);
      term->factor = (int32_t)*taps;
      term->row = rt_axpy_row((const uint32_t *)(const void *)row);
      sum += *taps;
    }
  }
  return 0u - sum * (OFFSET + (OFFSET << 16));
}

/* Moves the sums of the pixels of each row together. */
RT_HOT static void close_gaps(const plane_t *p, uint32_t rows, int32_t *sums) {
  const int32_t *from = sums;
  const uint32_t gap = p->length - p->columns;
  for (; rows > 0; rows--, from += gap) {
    for (const int32_t *end = from + p->columns; from != end;) *sums++ = *from++;
  }
}

/* Everything of a channel. */
RT_HOT static void propagate_channel(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                     const plane_t *p, const work_t *work, uint32_t *random) {
  uint32_t taps = p->kernel_height * p->kernel_width;
  int8_t *signal = rt_backward_signal(backward) + backward->next;
  for (uint32_t y = 0; y < p->rows; y += p->band) {
    uint32_t rows = p->rows - y < p->band ? p->rows - y : p->band;
    uint32_t start =
        find_terms(p, work, layer->step->weights + backward->next * taps, y * p->length);
    rt_axpy(work->terms, taps, (rows * p->length + 7u) >> 3, work->sums, 0, start);
    close_gaps(p, rows, work->sums);
    backward->magnitude |= rt_emit_round(work->sums, rows * p->columns, signal, layer->inputs,
                                         (uint32_t)backward->narrow, random);
    signal += rows * p->columns * layer->inputs;
  }
}

RT_HOT rt_status_t rt_backward_depthwise(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                         uint32_t *random, uint32_t *cycles) {
  const rt_tensor_t *tensors = backward->adapter->engine->model->tensors;
  const rt_tensor_t *output = &tensors[layer->layer->output];
  const plane_t p = plane_of(layer->layer, &tensors[layer->layer->input], output);
  const work_t work = work_of(backward, &p);
  if (backward->next == 0) {
    rt_backward_prepare(backward, layer);
    clear_plane(&p, &work);
  }
  if (backward->pooled) {
    fill_pooled(backward, layer, backward->next, &p, &work);
  } else {
    fill_plane(rt_backward_signal(backward) + backward->next, layer->outputs, &p,
               (uint32_t)output->height, layer->columns, &work);
  }
  propagate_channel(backward, layer, &p, &work, random);
  uint32_t taps = p.kernel_height * p.kernel_width;
  *cycles += CYCLES_CHANNEL + p.rows * p.columns * (taps * CYCLES_TAP + CYCLES_PIXEL) +
             layer->pixels * CYCLES_OUTPUT;
  if (++backward->next < layer->outputs) return RT_BUSY;
  /* Channel by channel a mask is slow to read: it is applied to all of them together. */
  rt_backward_mask(backward, layer, p.rows * p.columns * layer->inputs);
  *cycles += p.rows * p.columns * layer->inputs * CYCLES_MASKED;
  return RT_OK;
}
