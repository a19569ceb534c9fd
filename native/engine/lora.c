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
    for (const int8_t *end = a + t->inputs; a != end; a++) sum += *a;
    bias[k] = -t->zero * sum;
  }
}

/* ---- B ---- */

/* 1 / weight_scale_c = mantissa * 2^(exponent - 15), at most 2^15. */
static inline uint32_t mantissa_of(const rt_real_t *inverse) {
  return ((uint32_t)inverse->mantissa + 0x8000u) >> 16;
}

static uint32_t magnitude_of(const int8_t *b, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t k = 0; k < count; k++) sum += (uint32_t)rt_fixed_abs(b[k]);
  return sum;
}

static int32_t largest_exponent(const tables_t *t) {
  int32_t largest = INT32_MIN;
  const rt_real_t *inverse = t->site->inverse_weight_scale;
  for (const rt_real_t *end = inverse + t->outputs; inverse != end; inverse++) {
    if (inverse->exponent > largest) largest = inverse->exponent;
  }
  return largest;
}

/* Bits of the largest sum_k |B_ck| / weight_scale_c, in units of 2^(exponent - 15). */
static int32_t factor_bits(const tables_t *t, int32_t exponent) {
  uint32_t largest = 0;
  const int8_t *b = t->b;
  const rt_real_t *inverse = t->site->inverse_weight_scale;
  for (const rt_real_t *end = inverse + t->outputs; inverse != end; inverse++, b += t->rank) {
    const int32_t down = exponent - inverse->exponent;
    const uint32_t value = magnitude_of(b, t->rank) * mantissa_of(inverse);
    if (down < 32 && value >> down > largest) largest = value >> down;
  }
  return rt_fixed_bits(largest);
}

/* x * 2^-right, halves up. |x| <= 2^22, and |result| <= 2^FACTOR_BITS. */
static inline int32_t shifted(int32_t x, int32_t right) {
  if (x == 0 || right > 23) return 0;
  return right > 0 ? (x + (1 << (right - 1))) >> right : x * (1 << -right);
}

/* right: what a channel of that exponent is shifted. */
static void write_factors(const tables_t *t, int32_t exponent, int32_t right) {
  const int8_t *b = t->b;
  for (uint32_t c = 0; c < t->outputs; c++) {
    const rt_real_t *inverse = &t->site->inverse_weight_scale[c];
    const int32_t mantissa = (int32_t)mantissa_of(inverse);
    const int32_t down = right + exponent - inverse->exponent;
    int32_t *out = t->factors + RT_LORA_BLOCK * c;
    for (uint32_t k = 0; k < t->rank; k += RT_LORA_BLOCK, out += RT_LORA_BLOCK * t->outputs) {
      for (uint32_t i = 0; i < RT_LORA_BLOCK; i++) {
        out[i] = k + i < t->rank ? shifted(*b++ * mantissa, down) : 0;
      }
    }
  }
}

/* Returns q. More than 62 would mean deltas below 1: they are 0. */
static int32_t prepare_b(const tables_t *t) {
  const int32_t exponent = largest_exponent(t);
  const int32_t bits = factor_bits(t, exponent);
  const int32_t right = bits - FACTOR_BITS;
  const int32_t q = t->exponent - (right + exponent - 15);
  if (bits == 0 || q > 62) {
    __builtin_memset(t->factors, 0, 4u * RT_LORA_BLOCK * blocks_of(t->rank) * t->outputs);
    return 1;
  }
  write_factors(t, exponent, right);
  return q;
}

void rt_lora_prepare(rt_adapter_t *adapter, uint32_t site) {
  tables_t t;
  int32_t bias[RT_ADAPTER_RANK_MAX];
  find_tables(adapter, site, &t);
  row_bias(&t, bias);
  rt_lora_t *lora = &adapter->lora;
  lora->site = site;
  lora->packed = rt_pair_pack(t.a, bias, t.rank, t.inputs, t.packed);
  lora->shift = prepare_b(&t);
  lora->factors = t.factors;
  lora->outputs = t.outputs;
  rt_layer_side_t *side = &adapter->hooks.side;
  side->packed = lora->packed ? t.packed : 0;
  side->acc = lora->hidden;
  side->blocks = blocks_of(t.rank);
}

/* ---- a pixel ---- */

void rt_lora_hidden(const rt_adapter_t *adapter, const int8_t *x, int32_t *h) {
  tables_t t;
  find_tables(adapter, adapter->lora.site, &t);
  if (adapter->lora.packed && !RT_SIMD) {
    rt_pair_rows(t.packed, t.rank, x, t.inputs, h);
    return;
  }
  const uint32_t rows = RT_LORA_BLOCK * blocks_of(t.rank);
  for (uint32_t k = 0; k < rows; k++) h[k] = (int32_t)t.packed[k]; /* the bias */
  rt_dot_plain(t.a, (int32_t)t.inputs, x, (int32_t)t.inputs, (int32_t)t.rank, h);
}

/* t of a pixel: what its largest h has too many bits. */
static int32_t hidden_shift(const int32_t *h, const int32_t *end) {
  uint32_t all = 0;
  int32_t shift = 0;
  for (; h != end; h++) all |= (uint32_t)(*h ^ (*h >> 31));
  for (all >>= HIDDEN_BITS; all != 0; all >>= 1) shift++;
  return shift;
}

RT_HOT void rt_lora_pixel(const rt_adapter_t *adapter, int32_t *h, int32_t *acc) {
  const rt_lora_t *lora = &adapter->lora;
  const int32_t *factors = lora->factors;
  int32_t *end = h + RT_LORA_BLOCK * adapter->hooks.side.blocks;
  const int32_t down = hidden_shift(h, end);
  const int32_t right = lora->shift - down;
  if (right > 31) return; /* less than half a unit */
  for (; h != end; h += RT_LORA_BLOCK, factors += RT_LORA_BLOCK * lora->outputs) {
    for (uint32_t k = 0; k < RT_LORA_BLOCK; k++) h[k] >>= down;
    /* Below 1 only with deltas of 2^29 units and more: they come out smaller. */
    rt_lora_add(factors, h, acc, lora->outputs, right < 1 ? 1u : (uint32_t)right);
  }
}

void rt_lora_add_portable(const int32_t *b, const int32_t *h, int32_t *acc, uint32_t count,
                          uint32_t shift) {
  for (int32_t *end = acc + count; acc != end; acc++, b += RT_LORA_BLOCK) {
    const int32_t sum = b[0] * h[0] + b[1] * h[1] + b[2] * h[2] + b[3] * h[3];
    *acc = (int32_t)((uint32_t)*acc + (uint32_t)(((sum >> (shift - 1u)) + 1) >> 1));
  }
}

/* Of four bytes, bits 0..3 for those that are not -128. */
static inline uint32_t moved(uint32_t y) {
  const uint32_t tops = (((y & 0x7f7f7f7fu) + 0x7f7f7f7fu) | ~y) >> 7 & 0x01010101u;
  return tops * 0x10204080u >> 28;
}

void rt_lora_mask_portable(const int8_t *y, uint8_t *bits, uint32_t count) {
  for (uint8_t *end = bits + count; bits != end; bits++, y += 8) {
    uint32_t words[2];
    __builtin_memcpy(words, __builtin_assume_aligned(y, 4), 8);
    *bits = (uint8_t)(moved(words[0]) | moved(words[1]) << 4);
  }
}

#if defined(__ARM_ARCH_6M__)
/* r0-r3 h, r4 b, r5 acc, r6 sum, r7 a factor; r8 shift, r9 end of acc. The shift leaves the
 * rounding bit in the carry. Four channels a turn, 20.75 cycles each; the first turn is entered
 * where as many are left as there are beyond a multiple of four. */
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
        "  rsbs r6, r3, #0\n"
        "  movs r7, #3\n"
        "  ands r6, r7\n"
        "  movs r7, #30\n" /* bytes a channel */
        "  muls r6, r7, r6\n"
        "  ldr r7, 2f\n"
        "  adds r7, r7, r6\n"
        "  lsls r3, r3, #2\n"
        "  adds r3, r3, r2\n"
        "  mov r9, r3\n"
        "  ldr r3, [sp, #28]\n" /* shift */
        "  mov r8, r3\n"
        "  ldm r1, {r0-r3}\n"
        "  bx r7\n"
        "  .p2align 2\n"
        "2:\n"
        "  .word 1f + 1\n"
        "1:\n"
        "  .rept 4\n"
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
        "  .endr\n"
        "  cmp r5, r9\n"
        "  bne 1b\n"
        "  pop {r6, r7}\n"
        "  mov r8, r6\n"
        "  mov r9, r7\n"
        "  pop {r4-r7, pc}\n"
        "  .size rt_lora_add, . - rt_lora_add\n"
        "  .text\n");

/* r0 y, r1 bits, r2 end of bits, r3 0x7f7f7f7f, r4 0x01010101, r5 0x10204080; 28 cycles for eight
 * bytes. */
__asm__(RT_HOT_SECTION("rt_lora_mask")
        "  .global rt_lora_mask\n"
        "  .type rt_lora_mask, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_lora_mask:\n"
        "  push {r4-r7, lr}\n"
        "  adds r2, r2, r1\n"
        "  mov r12, r2\n"
        "  ldr r3, 2f\n"
        "  ldr r4, 3f\n"
        "  ldr r5, 4f\n"
        "1:\n"
        "  ldm r0!, {r6, r7}\n"
        "  .irp y, r6, r7\n"
        "  movs r2, \\y\n"
        "  ands r2, r3\n"
        "  adds r2, r2, r3\n"
        "  mvns \\y, \\y\n"
        "  orrs \\y, r2\n"
        "  lsrs \\y, \\y, #7\n"
        "  ands \\y, r4\n"
        "  muls \\y, r5, \\y\n"
        "  lsrs \\y, \\y, #28\n"
        "  .endr\n"
        "  lsls r7, r7, #4\n"
        "  orrs r6, r7\n"
        "  strb r6, [r1]\n"
        "  adds r1, r1, #1\n"
        "  cmp r1, r12\n"
        "  bne 1b\n"
        "  pop {r4-r7, pc}\n"
        "  .p2align 2\n"
        "2:\n"
        "  .word 0x7f7f7f7f\n"
        "3:\n"
        "  .word 0x01010101\n"
        "4:\n"
        "  .word 0x10204080\n"
        "  .size rt_lora_mask, . - rt_lora_mask\n"
        "  .text\n");
#else
void rt_lora_add(const int32_t *b, const int32_t *h, int32_t *acc, uint32_t count, uint32_t shift) {
  rt_lora_add_portable(b, h, acc, count, shift);
}

void rt_lora_mask(const int8_t *y, uint8_t *bits, uint32_t count) {
  rt_lora_mask_portable(y, bits, count);
}
#endif
