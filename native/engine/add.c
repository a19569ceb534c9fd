/*
 * ADD of two tensors of one shape: both brought to a common scale with headroom, then requantised.
 *
 * That is three rescalings a value. Two multiplies tell nearly as much: with the three scales
 * folded into two factors, p = x1 factor1 + x2 factor2 + offset is the output with FRACTION bits
 * behind the point, off by less than DOUBT. Only where a rounding boundary is as near as that, one
 * output in 128, the reference arithmetic decides; so the result is exact. DOUBT holds, in units of
 * 2^-FRACTION, with an output shift of LEAST_SHIFT or more: 128 for the roundings of the inputs, 1
 * each in units of their sum; 32 for the first rounding of the output; 64 for its second, which is
 * the other way below zero; and 1.003 for each of the inputs' 510 steps, since factors are rounded
 * down.
 */
#include "hot.h"
#include "kernels.h"
#include "requantise.h"

#define FRACTION 18
#define DOUBT 1024
#define LEAST_SHIFT 12 /* of the output, to the right */

/* The machine code knows the order of the members up to `high`. */
typedef struct {
  int32_t factor1, factor2, offset;
  int32_t low, high;
  const rt_kernel_t *k;
} quick_t;

static int8_t add_exactly(const rt_kernel_t *k, int32_t x1, int32_t x2) {
  const rt_add_t *add = k->layer->add;
  const int32_t a = (x1 - k->input->zero_point) * (1 << add->left_shift);
  const int32_t b = (x2 - k->input2->zero_point) * (1 << add->left_shift);
  const int32_t sum = rt_requantise(a, add->input1_multiplier, add->input1_shift) +
                      rt_requantise(b, add->input2_multiplier, add->input2_shift);
  return rt_output(sum, add->output_multiplier, add->output_shift, k->output->zero_point,
                   k->layer->activation_min, k->layer->activation_max);
}

/* multiplier * output_multiplier * 2^shift in units of 2^-FRACTION, rounded down, or a little less.
 * -1: too large. shift: of both and of the sum's headroom. */
static int32_t factor_of(int32_t multiplier, int32_t output_multiplier, int32_t shift) {
  const int32_t product = rt_high_mul(multiplier, output_multiplier); /* times 2^31 */
  const int32_t right = 31 - FRACTION - shift;
  const int32_t below = product > 0 ? product - 1 : 0;
  if (right < 10) return -1;
  return right > 31 ? 0 : below >> right;
}

/* 0: not of the kind. Factors are below 2^21, 8 steps of the output a step of the input, so that
 * |p| < 2^31. */
static int prepare(const rt_kernel_t *k, quick_t *quick) {
  const rt_add_t *add = k->layer->add;
  const int32_t shift = add->output_shift + add->left_shift;
  if (add->output_shift > -LEAST_SHIFT) return 0;
  quick->factor1 =
      factor_of(add->input1_multiplier, add->output_multiplier, add->input1_shift + shift);
  quick->factor2 =
      factor_of(add->input2_multiplier, add->output_multiplier, add->input2_shift + shift);
  if (quick->factor1 < 0 || quick->factor2 < 0) return 0;
  quick->offset = k->output->zero_point * (1 << FRACTION) + (1 << (FRACTION - 1)) + DOUBT -
                  k->input->zero_point * quick->factor1 - k->input2->zero_point * quick->factor2;
  quick->low = k->layer->activation_min;
  quick->high = k->layer->activation_max;
  quick->k = k;
  return 1;
}

#if defined(__ARM_ARCH_6M__)

/* What the machine code asks where p does not tell; in flash, since it seldom does. in: x1 and x2,
 * where the inputs lie. */
int32_t rt_add_decide(const quick_t *quick, const int8_t *x1, const int8_t *x2);
int32_t rt_add_decide(const quick_t *quick, const int8_t *x1, const int8_t *x2) {
  return add_exactly(quick->k, *x1, *x2);
}

/* count at least 1 */
void rt_add_quickly(const quick_t *quick, const int8_t *x1, const int8_t *x2, int8_t *y,
                    int32_t count);

/*
 * r0-r2 ends of x1, x2 and y, r3 where in them, counted up to 0, r4 and r5 scratch, r6 and r7
 * factors; r8 offset, r9 what decides, r10 low, r11 high. 22 cycles a value.
 */
/* clang-format off */
__asm__(RT_HOT_SECTION("rt_add_quickly")
        "  .global rt_add_quickly\n"
        "  .type rt_add_quickly, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_add_quickly:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  sub sp, #4\n"
        "  mov r12, r0\n"
        "  ldmia r0!, {r4-r7}\n"
        "  mov r8, r6\n"
        "  mov r10, r7\n"
        "  ldr r7, [r0]\n"
        "  mov r11, r7\n"
        "  mov r6, r4\n"
        "  mov r7, r5\n"
        "  movs r4, #1\n" /* 2 * DOUBT at the top of a word */
        "  lsls r4, r4, #25\n"
        "  mov r9, r4\n"
        "  ldr r4, [sp, #40]\n" /* count */
        "  adds r0, r1, r4\n"
        "  adds r1, r2, r4\n"
        "  adds r2, r3, r4\n"
        "  rsbs r3, r4, #0\n"
        "1:\n"
        "  ldrsb r4, [r0, r3]\n"
        "  ldrsb r5, [r1, r3]\n"
        "  muls r4, r6, r4\n"
        "  muls r5, r7, r5\n"
        "  adds r4, r4, r5\n"
        "  add r4, r8\n"
        "  lsls r5, r4, #14\n"
        "  cmp r5, r9\n"
        "  blo 6f\n"
        "  asrs r4, r4, #18\n"
        "  cmp r4, r10\n"
        "  blt 4f\n"
        "  cmp r4, r11\n"
        "  bgt 5f\n"
        "2:\n"
        "  strb r4, [r2, r3]\n"
        "  adds r3, r3, #1\n"
        "  bne 1b\n"
        "  add sp, #4\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        "4:\n"
        "  mov r4, r10\n"
        "  b 2b\n"
        "5:\n"
        "  mov r4, r11\n"
        "  b 2b\n"
        "6:\n"
        "  mov r4, r12\n"
        "  push {r0-r4, r6}\n" /* r6 for the stack's alignment */
        "  adds r2, r1, r3\n"
        "  adds r1, r0, r3\n"
        "  mov r0, r12\n"
        "  ldr r5, 7f\n"
        "  blx r5\n"
        "  mov r5, r0\n"
        "  pop {r0-r4, r6}\n"
        "  mov r12, r4\n"
        "  mov r4, r5\n"
        "  b 2b\n"
        "  .p2align 2\n"
        "7:\n"
        "  .word rt_add_decide\n"
        "  .size rt_add_quickly, . - rt_add_quickly\n"
        "  .text\n");
/* clang-format on */
_Static_assert(FRACTION == 18 && DOUBT == 1024, "as the machine code has them");

#else

static void rt_add_quickly(const quick_t *quick, const int8_t *x1, const int8_t *x2, int8_t *y,
                           int32_t count) {
  const int32_t factor1 = quick->factor1;
  const int32_t factor2 = quick->factor2;
  const int32_t offset = quick->offset;
  for (const int8_t *end = x1 + count; x1 != end; x1++, x2++, y++) {
    const int32_t p = *x1 * factor1 + *x2 * factor2 + offset;
    if ((uint32_t)p << (32 - FRACTION) < (2u * DOUBT) << (32 - FRACTION)) {
      *y = add_exactly(quick->k, *x1, *x2);
    } else {
      *y = (int8_t)rt_clamp(p >> FRACTION, quick->low, quick->high);
    }
  }
}

#endif

void rt_add_row(const rt_kernel_t *k, int32_t row) {
  const int32_t pitch = k->output->width * k->output->channels;
  const int8_t *x1 = k->x + row * pitch;
  const int8_t *x2 = k->x2 + row * pitch;
  int8_t *y = k->y + row * pitch;
  quick_t quick;
  if (prepare(k, &quick)) {
    rt_add_quickly(&quick, x1, x2, y, pitch);
    return;
  }
  for (int32_t i = 0; i < pitch; i++) y[i] = add_exactly(k, x1[i], x2[i]);
}
