/*
 * Adapters: a few kilobytes of int8 parameters beside a frozen model, and the plan for training
 * them. compiler/training.ts writes the plan; every array bound comes from it and is checked by
 * rt_adapter_init. docs/training.md gives the formulae.
 *
 * A parameter of a group is real = (256 q + residual - 128) * 2^-(exponent + 8). Inference uses q
 * alone, an int8: what is deployed. The residual exists while training (together a 16-bit master
 * value, of which q is the rounded upper byte). The exponent grows coarser when values outgrow
 * int8.
 */
#ifndef RT_ENGINE_ADAPTER_H
#define RT_ENGINE_ADAPTER_H

#include "engine.h"
#include "fixed.h"
#include "hooks.h"
#include "model.h"
#include "status.h"

#define RT_ADAPTER_RANK_MAX 16u
#define RT_ADAPTER_CLASSES_MAX 1024u
#define RT_ADAPTER_PLACES_MAX 16u

typedef enum {
  RT_ADAPTER_HEAD = 1, /* delta of the classifier layer */
  RT_ADAPTER_SKIP = 2, /* head, and a low-rank path from the blocks' pooled outputs to the logits */
  RT_ADAPTER_LORA = 3  /* head, and low-rank deltas of pointwise and dense layers; without sites, a
                          low-rank delta of the head alone */
} rt_adapter_method_t;

/* One parameter tensor, row-major. */
typedef struct {
  uint32_t rows;
  uint32_t columns;
  uint32_t first;    /* index of its first parameter in the arrays of all parameters */
  int32_t exponent;  /* after a reset: real = q * 2^-exponent */
  int32_t spread_q8; /* after a reset: standard deviation of q, times 256; 0: all zero */
  rt_real_t unit;    /* gradients: real = mantissa * 2^-exponent of the gradient * unit */
} rt_adapter_group_t;

/* Groups by position: the head's first, then the kind's own. */
#define RT_GROUP_HEAD_WEIGHTS 0u  /* [classes][head inputs] */
#define RT_GROUP_HEAD_BIAS 1u     /* [1][classes] */
#define RT_GROUP_SKIP_DOWN 2u     /* [rank][taps] */
#define RT_GROUP_SKIP_UP 3u       /* [classes][rank] */
#define RT_GROUP_LOW_RANK_DOWN 0u /* lora of the head alone: [rank][head inputs] */
#define RT_GROUP_LOW_RANK_UP 2u   /* [classes][rank] */
#define RT_GROUP_LORA 2u          /* site i: 2 + 2i is A [rank][in], 3 + 2i is B [out][rank] */

/* A layer whose output is averaged over its pixels for the skip path. */
typedef struct {
  uint32_t layer;
  uint32_t first; /* place of its first channel among the taps */
} rt_adapter_tap_t;

/* A layer (FULLY_CONNECTED, or CONV_2D 1x1) with a low-rank delta. */
typedef struct {
  uint32_t layer;
  rt_real_t input_scale;
  rt_real_t ratio;                       /* input scale / output scale */
  const rt_real_t *inverse_weight_scale; /* [out] */
} rt_adapter_site_t;

/* Where a layer's output lets gradients through, one bit an element in NHWC order, written by the
 * forward pass of training: set where activation_min < q, and q < activation_max if that is < 127.
 */
typedef struct {
  uint32_t layer;
  uint32_t offset_bytes; /* in the arena */
} rt_adapter_mask_t;

/* One step of the backward pass, from the head towards the input. */
typedef struct {
  uint32_t layer;      /* FULLY_CONNECTED, CONV_2D 1x1, DEPTHWISE_CONV_2D, global AVERAGE_POOL_2D */
  uint32_t site;       /* index of the site that is trained here, or RT_NONE */
  uint32_t producer;   /* layer that computes this layer's input, RT_NONE at the model's input */
  uint32_t input_mask; /* index of the mask of the layer's input; RT_NONE: read the kept tensor */
  uint32_t output_mask; /* if the gradient arrives as one pooled pixel: of the layer's output */
  /* The layer's weights for the way back, round(w_c M_c 2^exponent) with M_c = input scale * weight
   * scale / output scale; NULL in a pool and in the last step, which propagates nothing.
   * Dense layers: [outputs][inputs, padded to 8 with 0], two a word as in backward_axpy.h.
   * Depthwise: [channels][kernel_height][kernel_width], flipped in both directions, one int32 a
   * word, sum of the magnitudes of a channel at most 255. */
  const uint32_t *weights;
  int32_t exponent;
  uint32_t weight_max; /* 1..63, >= |weights| of a dense layer */
  uint32_t gain_bits;  /* a guess: log2 of what the sums' largest magnitude gains on the signal's */
} rt_adapter_step_t;

/* A piece of the arena. */
typedef struct {
  uint32_t offset_bytes; /* a multiple of 4 */
  uint32_t bytes;
} rt_adapter_buffer_t;

typedef struct rt_adapter_plan {
  uint32_t method; /* rt_adapter_method_t */
  uint32_t rank;   /* 0 for head */
  uint32_t hash;   /* of the layout: groups, sites and taps; a blob must carry the same */
  uint32_t classes;
  uint32_t head_layer;
  uint32_t head_inputs;
  const rt_real_t *logit_scale;         /* [classes] head input scale * weight scale */
  const rt_real_t *inverse_logit_scale; /* [classes] */
  rt_real_t head_scale;                 /* scale of the head's input */
  uint32_t tap_count;
  const rt_adapter_tap_t *taps;
  uint32_t tap_channels; /* of all taps together */
  uint32_t site_count;
  const rt_adapter_site_t *sites;
  uint32_t step_count;
  const rt_adapter_step_t *steps;
  uint32_t mask_count;
  const rt_adapter_mask_t *masks;
  uint32_t group_count;
  const rt_adapter_group_t *groups;
  uint32_t parameter_count;

  /* Always live. */
  rt_adapter_buffer_t payload; /* what a blob holds: int8 exponents [groups], then q, then taps'
                                  mean and factor (skip) */
  rt_adapter_buffer_t vector;  /* int8: head input, then taps, of the last window */
  rt_adapter_buffer_t logits;  /* int32 Q16 [classes]: base, then with the adapter: 2 x classes */
  rt_adapter_buffer_t scratch; /* int32 [channels of the widest hooked layer] */
  rt_adapter_buffer_t lora;    /* tables of one site; live in the forward pass: see lora.h */

  /* Training. */
  rt_adapter_buffer_t snapshot; /* a payload */
  rt_adapter_buffer_t state;    /* rt_group_state_t [groups], then int32 [steps] */
  rt_adapter_buffer_t residual; /* uint8 [parameters] */
  rt_adapter_buffer_t momentum; /* int16 [parameters], or none: see train_groups.h */
  rt_adapter_buffer_t gradient; /* likewise */
  rt_adapter_buffer_t order;    /* uint16 [2][windows]: training windows, their order */
  rt_adapter_buffer_t cache;    /* [cache_windows] entries: see train_cache.h */
  uint32_t windows;             /* how many windows a burst can use */
  uint32_t cache_windows; /* of the first so many the frozen activations are kept: all of them for
                             head and skip, 0..windows for lora, which recomputes the others */
  uint32_t resume_layer; /* lora: the first trained layer, whose input is kept; RT_NONE otherwise */

  /* Backward pass; lora. */
  rt_adapter_buffer_t signal; /* int8: gradient of the activations, rounded up to 4 bytes */
  rt_adapter_buffer_t pooled; /* int8 [head inputs]: the same behind a global average pool */
  rt_adapter_buffer_t work;   /* what the steps need besides: backward_parts.h */

  /* Adapters in memory, one of which is in use. */
  uint32_t place_count;       /* 1..RT_ADAPTER_PLACES_MAX, place 0 being payload */
  rt_adapter_buffer_t places; /* payloads of places 1 and up, rt_adapter_place_bytes each */
} rt_adapter_plan_t;

typedef struct {
  int32_t weight_max;        /* >= |256 q + residual| */
  int32_t momentum_exponent; /* real = mantissa * 2^-exponent */
  int32_t momentum_max;
  int32_t gradient_exponent; /* real = mantissa * 2^-exponent * unit */
  int32_t gradient_max;
} rt_group_state_t;

/* What the gradients of the present sample do; train_groups.h. */
typedef struct {
  rt_real_t rate, momentum, decay, clip; /* of the step */
  rt_real_t clip_squared;
  uint32_t batch;
  rt_real_t norm_squared; /* of the sample's gradients so far */
  rt_real_t head_squared; /* of those that were announced first */
  rt_real_t growth;       /* lora: norm_squared of a whole sample / head_squared, expected */
  rt_real_t factor;       /* rate, clipped */
  rt_real_t decay_due;    /* share of the weights */
} rt_group_sample_t;

typedef struct rt_adapter rt_adapter_t;

/* One kind of adapter: one file each (kind_head.c, kind_skip.c, kind_lora.c). */
typedef struct rt_adapter_kind {
  uint32_t method;
  uint32_t
      cached; /* 1: all it needs from a window is the vector; 0: it needs the whole forward pass */

  /* Checks the plan against what the kind needs: RT_ERROR_MODEL_LAYOUT. */
  rt_status_t (*check)(const rt_adapter_t *adapter);

  /* Bytes of the payload behind the parameters. */
  uint32_t (*constant_bytes)(const rt_adapter_plan_t *plan);

  /* Inside the network: as in rt_layer_hooks_t, for layers other than the head. May be NULL. */
  uint32_t (*wants)(rt_adapter_t *adapter, uint32_t layer);
  void (*pixel)(rt_adapter_t *adapter, uint32_t layer, uint32_t pixel, const int8_t *x,
                int32_t *acc);
  void (*row)(rt_adapter_t *adapter, uint32_t layer, uint32_t row);

  /* The adapter's part of the logits, Q16, from a vector. out: delta [classes], and adapter->pass
   * for learn. */
  void (*logits)(rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16);

  /* About how many cycles of a Cortex-M0+ the hooks add to an output row; may be NULL. */
  uint32_t (*row_cycles)(const rt_adapter_t *adapter, uint32_t layer);

  /* Learns constants from the cached vectors of a first burst, some channels a call; may be NULL.
   * in-out: next, the channel to go on with, 0 at first. Returns RT_BUSY until all are done. out:
   * cycles, added to. */
  rt_status_t (*calibrate)(rt_adapter_t *adapter, const int8_t *vectors, uint32_t count,
                           uint32_t *next, uint32_t *cycles);

  /* Adds the gradients of everything that is computed from the vector, whose logits were the last
   * to be computed; delta = dL/dlogit Q15.
   * Returns about how many cycles of a Cortex-M0+ a sample takes, its logits included. */
  uint32_t (*learn)(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                    uint32_t *random);
} rt_adapter_kind_t;

/* What lora.c has prepared. */
typedef struct {
  uint32_t site;
  uint32_t packed; /* 1: A is packed for rt_pair_dot */
  int32_t shift;   /* q */
  uint32_t outputs;
  const int32_t *factors;              /* B' */
  int32_t hidden[RT_ADAPTER_RANK_MAX]; /* h of the present pixel */
} rt_lora_t;

/* Values that are expanded to words at a time. */
#define RT_ADAPTER_BLOCK 64u

/* What the logits of a vector leave for learning from it. */
typedef struct {
  uint32_t squares;                    /* of the values that the head's delta multiplies */
  uint32_t normal_squares;             /* skip: of the normalised taps */
  int32_t hidden[RT_ADAPTER_RANK_MAX]; /* low_rank.h: 15 bits */
  uint32_t hidden_largest;             /* at least that of |hidden| */
  uint32_t delta_largest;              /* of the magnitudes of dL/dlogit Q15 */
  int32_t hidden_exponent;             /* real = hidden * 2^-exponent, in units of the vector */
  int32_t block[RT_ADAPTER_BLOCK];     /* low-rank head: its input minus zero, where it fits */
} rt_adapter_pass_t;

struct rt_adapter {
  rt_engine_t *engine;
  const rt_adapter_plan_t *plan;
  const rt_adapter_kind_t *kind;
  rt_layer_hooks_t hooks;
  uint32_t enabled;  /* 0: the frozen model alone */
  uint32_t training; /* 1: the forward pass also writes masks */
  uint32_t place;    /* of the adapter in use; exponents, q and constants are its */
  /* Pieces of the arena, from the plan. */
  int8_t *exponents;
  int8_t *q;
  int8_t *constants;
  uint8_t *residual;
  int16_t *momentum;
  int16_t *gradient;
  rt_group_state_t *state;
  rt_group_sample_t sample;
  rt_adapter_pass_t pass;
  int8_t *vector;
  int32_t *base_logits;
  int32_t *logits;
  rt_lora_t lora;
};

/* Checks the plan, binds its buffers, hooks into the engine and resets the adapters of all places;
 * place 0 is in use.
 * Errors: RT_ERROR_STATE (model without adapter plan), RT_ERROR_MODEL_LAYOUT. */
rt_status_t rt_adapter_init(rt_adapter_t *adapter, rt_engine_t *engine);

/* The adapter in use: back to one that changes nothing; seed chooses its random matrices. */
void rt_adapter_reset(rt_adapter_t *adapter, uint32_t seed);

/*
 * Takes the adapter of another place into use: a few pointers change, nothing is copied. Not in the
 * middle of an inference, a burst or a check: what they have computed belongs to the adapter that
 * they began with. What a burst keeps besides the parameters is made anew when it begins, so places
 * share it. Errors: RT_ERROR_ARGUMENT (there is no such place).
 */
rt_status_t rt_adapter_use(rt_adapter_t *adapter, uint32_t place);

/* Payload of a place, below plan->place_count: plan->payload.bytes at a multiple of 4. */
int8_t *rt_adapter_place(const rt_adapter_t *adapter, uint32_t place);

/* Memory of a payload among plan->places: a multiple of 4. */
static inline uint32_t rt_adapter_place_bytes(const rt_adapter_plan_t *plan) {
  return (plan->payload.bytes + 3u) & ~3u;
}

/* Switches the adapter's effect on inference off (0) or on (1); nothing is forgotten. */
void rt_adapter_enable(rt_adapter_t *adapter, uint32_t enabled);

/* About how many cycles of a Cortex-M0+ an output row of a layer takes, hooks included. */
uint32_t rt_adapter_row_cycles(const rt_adapter_t *adapter, uint32_t layer);

/* Logits of a vector in Q16, for learning from it. in: vector (head input, then taps), logits of
 * the frozen network. out: logits [classes]. */
void rt_adapter_vector_logits(rt_adapter_t *adapter, const int8_t *vector,
                              const int32_t *base_logits, int32_t *logits);

/* ---- for kinds ---- */

static inline void *rt_adapter_buffer(const rt_adapter_t *adapter, const rt_adapter_buffer_t *b) {
  return adapter->engine->arena + b->offset_bytes;
}

/* q of a group. */
static inline const int8_t *rt_adapter_q(const rt_adapter_t *adapter, uint32_t group) {
  return adapter->q + adapter->plan->groups[group].first;
}

static inline int32_t rt_adapter_head_zero(const rt_adapter_t *adapter) {
  const rt_model_t *model = adapter->engine->model;
  return model->tensors[model->layers[adapter->plan->head_layer].input].zero_point;
}

/* 1 when the group exists with this shape. */
uint32_t rt_adapter_has_group(const rt_adapter_plan_t *plan, uint32_t group, uint32_t rows,
                              uint32_t columns);

/* The head's accumulators: base logits, and acc such that the output has the adapter's part. */
void rt_adapter_head_pixel(rt_adapter_t *adapter, const int8_t *x, int32_t *acc);

/* The head's part in real inputs, of skip and lora: as kinds' logits. */
void rt_adapter_head_logits(rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16);
/* From sums of int8 weights times inputs of this unit to logits, bias included. */
void rt_adapter_scale_logits(const rt_adapter_t *adapter, rt_real_t unit, int32_t *delta_q16);
/* The bias alone. out: delta [classes] */
void rt_adapter_bias_logits(const rt_adapter_t *adapter, int32_t *delta_q16);

/* Sum of the squares of dL/dlogit. */
rt_real_t rt_adapter_delta_squares(rt_adapter_t *adapter, const int32_t *delta_q15);
/* Announces the gradients of weights and bias (rt_groups_announce); unit of the inputs. */
void rt_adapter_head_announce(rt_adapter_t *adapter, rt_real_t delta_squares, rt_real_t unit);
void rt_adapter_bias_learn(rt_adapter_t *adapter, const int32_t *delta_q15, uint32_t *random);
/* As kinds' learn. */
uint32_t rt_adapter_head_learn(rt_adapter_t *adapter, const int8_t *vector,
                               const int32_t *delta_q15, uint32_t *random);

/* About how many cycles of a Cortex-M0+ learning takes: of a sample by itself, and for each product
 * of a matrix with the vector, forward and its gradient. */
uint32_t rt_adapter_sample_cycles(const rt_adapter_t *adapter);
uint32_t rt_adapter_product_cycles(uint32_t rows, uint32_t columns);

extern const rt_adapter_kind_t rt_kind_head;
extern const rt_adapter_kind_t rt_kind_skip;
extern const rt_adapter_kind_t rt_kind_lora;
extern const rt_adapter_kind_t rt_kind_low_rank;

#endif
