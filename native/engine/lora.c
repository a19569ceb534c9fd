#include "lora.h"

#include "dot.h"
#include "hot.h"
#include "pair_rows.h"
#include "simd.h"

#define FACTOR_BITS 15 /* of the sum of |B'| of a channel */
#define HIDDEN_BITS 15 /* of h >> t */

typedef struct {
  const rt_adapter_site_t *site;
  uint32_t rank, inputs, outputs;
  const int8_t *a, *b;
  int32_t exponent; /* eA + eB */
  int32_t zero;
  uint32_t *packed; /* A */
  int32_t *factors; /* B' [blocks][outputs][4] */
} tables_t;

static uint32_t blocks_of(uint32_t rank) { return (rank + RT_LORA_BLOCK - 1u) / RT_LORA_BLOCK; }

uint32_t rt_lora_bytes(uint32_t rank, uint32_t inputs, uint32_t outputs) {
  return 4u * (rt_pair_words(rank, inputs) + RT_LORA_BLOCK * blocks_of(rank) * outputs);
}

static void find_tables(const rt_adapter_t *adapter, uint32_t site, tables_t *t) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  const uint32_t group = RT_GROUP_LORA + 2u * site;
  t->site = &plan->sites[site];
  t->rank = plan->rank;
  t->inputs = plan->groups[group].columns;
  t->outputs = plan->groups[group + 1u].rows;
  t->a = rt_adapter_q(adapter, group);
  t->b = rt_adapter_q(adapter, group + 1u);
  t->exponent = adapter->exponents[group] + adapter->exponents[group + 1u];
  t->zero = model->tensors[model->layers[t->site->layer].input].zero_point;
  t->packed = rt_adapter_buffer(adapter, &plan->lora);
  t->factors = (int32_t *)(t->packed + rt_pair_words(t->rank, t->inputs));
}

/* ---- A ---- */

/* For the zero point. */
static void row_bias(const tables_t *t, int32_t *bias) {
  const int8_t *a = t->a;
  for (uint32_t k = 0; k < t->rank; k++) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < t->inputs; i++) sum += *a++;
    bias[k] = -t->zero * sum;
  }
}

/* ---- B ---- */

static uint32_t magnitude_of(const int8_t *b, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t k = 0; k < count; k++) sum += (uint32_t)rt_fixed_abs(b[k]);
  return sum;
}

/* The least shift of the channels' scales. */
static int32_t least_shift(const tables_t *t) {
  int32_t least = INT32_MAX;
  for (uint32_t c = 0; c < t->outputs; c++) {
    const int32_t shift = rt_real_to_scale(t->site->inverse_weight_scale[c]).shift;
    if (shift < least) least = shift;
  }
  return least;
}

/* Bits of the largest sum_k |B_ck| / weight_scale_c, in units of 2^-least. */
static int32_t factor_bits(const tables_t *t, int32_t least) {
  uint32_t largest = 0;
  for (uint32_t c = 0; c < t->outputs; c++) {
    const rt_scale_t scale = rt_real_to_scale(t->site->inverse_weight_scale[c]);
    const uint32_t value = magnitude_of(t->b + c * t->rank, t->rank) * (uint32_t)scale.mantissa;
    const int32_t down = scale.shift - least;
    if (down < 32 && value >> down > largest) largest = value >> down;
  }
  return rt_fixed_bits(largest);
}

/* x * 2^-right, halves up. |x| < 2^22, and |result| <= 2^FACTOR_BITS. */
static int32_t shifted(int32_t x, int32_t right) {
  if (x == 0 || right > 23) return 0;
  return right > 0 ? (x + (1 << (right - 1))) >> right : x * (1 << -right);
}

static void write_factors(const tables_t *t, int32_t right) {
  const int8_t *b = t->b;
  for (uint32_t c = 0; c < t->outputs; c++) {
    const rt_scale_t scale = rt_real_to_scale(t->site->inverse_weight_scale[c]);
    int32_t *out = t->factors + RT_LORA_BLOCK * c;
    for (uint32_t k = 0; k < RT_LORA_BLOCK * blocks_of(t->rank); k++) {
      const int32_t value = k < t->rank ? *b++ * scale.mantissa : 0;
      out[k % RT_LORA_BLOCK] = shifted(value, right + scale.shift);
      if (k % RT_LORA_BLOCK == RT_LORA_BLOCK - 1u) out += RT_LORA_BLOCK * t->outputs;
    }
  }
}

/* Returns q. More than 62 would mean deltas below 1: they are 0. */
static int32_t prepare_b(const tables_t *t) {
  const int32_t least = least_shift(t);
  const int32_t bits = factor_bits(t, least);
  const int32_t right = bits - least - FACTOR_BITS;
  const int32_t q = t->exponent - right;
  if (bits == 0 || q > 62) {
    __builtin_memset(t->factors, 0, 4u * RT_LORA_BLOCK * blocks_of(t->rank) * t->outputs);
    return 1;
  }
  write_factors(t, right);
  return q;
}

void rt_lora_prepare(rt_adapter_t *adapter, uint32_t site) {
  tables_t t;
  int32_t bias[RT_ADAPTER_RANK_MAX];
  find_tables(adapter, site, &t);
  row_bias(&t, bias);
  adapter->lora.site = site;
  adapter->lora.packed = rt_pair_pack(t.a, bias, t.rank, t.inputs, t.packed);
  adapter->lora.shift = prepare_b(&t);
}

/* ---- a pixel ---- */

static void hidden(const rt_adapter_t *adapter, const tables_t *t, const int8_t *x, int32_t *h) {
  if (adapter->lora.packed && !RT_SIMD) {
    rt_pair_rows(t->packed, t->rank, x, t->inputs, h);
    return;
  }
  const uint32_t rows = RT_LORA_BLOCK * blocks_of(t->rank);
  for (uint32_t k = 0; k < rows; k++) h[k] = (int32_t)t->packed[k]; /* the bias */
  rt_dot_plain(t->a, (int32_t)t->inputs, x, (int32_t)t->inputs, (int32_t)t->rank, h);
}

void rt_lora_hidden(const rt_adapter_t *adapter, const int8_t *x, int32_t *h) {
  tables_t t;
  find_tables(adapter, adapter->lora.site, &t);
  hidden(adapter, &t, x, h);
}

/* t of a pixel: what its largest h has too many bits. */
static int32_t hidden_shift(const int32_t *h, uint32_t rows) {
  uint32_t all = 0;
  int32_t shift = 0;
  for (uint32_t k = 0; k < rows; k++) all |= (uint32_t)(h[k] < 0 ? ~h[k] : h[k]);
  for (all >>= HIDDEN_BITS; all != 0; all >>= 1) shift++;
  return shift;
}

void rt_lora_pixel(const rt_adapter_t *adapter, const int8_t *x, int32_t *acc) {
  tables_t t;
  int32_t h[RT_ADAPTER_RANK_MAX];
  find_tables(adapter, adapter->lora.site, &t);
  hidden(adapter, &t, x, h);
  const uint32_t rows = RT_LORA_BLOCK * blocks_of(t.rank);
  const int32_t down = hidden_shift(h, rows);
  const int32_t right = adapter->lora.shift - down;
  if (right > 31) return; /* less than half a unit */
  for (uint32_t k = 0; k < rows; k++) h[k] >>= down;
  for (uint32_t k = 0; k < rows; k += RT_LORA_BLOCK, t.factors += RT_LORA_BLOCK * t.outputs) {
    /* Below 1 only with deltas of 2^29 units and more: they come out smaller. */
    rt_lora_add(t.factors, h + k, acc, t.outputs, right < 1 ? 1u : (uint32_t)right);
  }
}

void rt_lora_add_portable(const int32_t *b, const int32_t *h, int32_t *acc, uint32_t count,
                          uint32_t shift) {
  for (int32_t *end = acc + count; acc != end; acc++, b += RT_LORA_BLOCK) {
    const int32_t sum = b[0] * h[0] + b[1] * h[1] + b[2] * h[2] + b[3] * h[3];
    *acc = (int32_t)((uint32_t)*acc + (uint32_t)(((sum >> (shift - 1u)) + 1) >> 1));
  }
}

#if defined(__ARM_ARCH_6M__)
/* r0-r3 h, r4 b, r5 acc, r6 sum, r7 a factor; r8 shift, r9 end of acc. The shift leaves the
 * rounding bit in the carry. 23 cycles a channel. */
__asm__(RT_HOT_SECTION("rt_lora_add")
        "  .global rt_lora_add\n"
        "  .type rt_lora_add, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_lora_add:\n"
        "  push {r4-r7, lr}\n"
        "  mov r6, r8\n"
        "  mov r7, r9\n"
        "  push {r6, r7}\n"
        "  mov r4, r0\n"
        "  mov r5, r2\n"
        "  lsls r3, r3, #2\n"
        "  adds r3, r3, r2\n"
        "  mov r9, r3\n"
        "  ldr r3, [sp, #28]\n" /* shift */
        "  mov r8, r3\n"
        "  ldm r1, {r0-r3}\n"
        "1:\n"
        "  ldm r4!, {r6, r7}\n"
        "  muls r6, r0, r6\n"
        "  muls r7, r1, r7\n"
        "  adds r6, r6, r7\n"
        "  ldm r4!, {r7}\n"
        "  muls r7, r2, r7\n"
        "  adds r6, r6, r7\n"
        "  ldm r4!, {r7}\n"
        "  muls r7, r3, r7\n"
        "  adds r6, r6, r7\n"
        "  mov r7, r8\n"
        "  asrs r6, r7\n"
        "  ldr r7, [r5]\n"
        "  adcs r6, r7\n"
        "  stm r5!, {r6}\n"
        "  cmp r5, r9\n"
        "  bne 1b\n"
        "  pop {r6, r7}\n"
        "  mov r8, r6\n"
        "  mov r9, r7\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_lora_add, . - rt_lora_add\n"
        "  .text\n");
#else
void rt_lora_add(const int32_t *b, const int32_t *h, int32_t *acc, uint32_t count, uint32_t shift) {
  rt_lora_add_portable(b, h, acc, count, shift);
}
#endif
