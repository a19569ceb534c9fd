#include "depthwise.h"
#include "hot.h"
#include "requantise.h"

/* The halves of a packed word: lower + 65536 * upper. */
static inline int32_t lower(int32_t word) { return (int16_t)(uint16_t)(uint32_t)word; }
static inline int32_t upper(int32_t word) { return (int32_t)((uint32_t)word + 0x8000u) >> 16; }

static inline int32_t product(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }

static inline int32_t join(int32_t low, int32_t high) {
  return (int32_t)((uint32_t)low + ((uint32_t)high << 16));
}

static int8_t finish(const rt_depthwise_t *d, const rt_depthwise_channel_t *channel, int32_t sum) {
  if (sum < channel->first) return (int8_t)d->low;
  const uint32_t distance = (uint32_t)sum - (uint32_t)channel->first;
  if (distance > (uint32_t)channel->last) return (int8_t)d->high;
  const uint32_t p = distance * (uint32_t)channel->slope + (uint32_t)channel->start;
  if ((p << 8) >> 25 != 127) return (int8_t)((int32_t)p >> 24);
  return (int8_t)rt_depthwise_decide(d, channel + 1, (int32_t)distance);
}

RT_HOT int32_t rt_depthwise_decide(const rt_depthwise_t *d, const rt_depthwise_channel_t *next,
                                   int32_t distance) {
  const rt_depthwise_channel_t *channel = next - 1;
  /* Bytes over 48, without a division: exact for up to 2^15 times 16. */
  const uint32_t bytes = (uint32_t)((const char *)channel - (const char *)d->channels);
  const uint32_t i = ((bytes >> 4) * 43691u) >> 17;
  const uint32_t acc = (uint32_t)distance + (uint32_t)channel->first + (uint32_t)channel->bias;
  return rt_output((int32_t)acc, d->multiplier[i], d->shift[i], d->zero_point, d->low, d->high);
}

/* What column c of the input adds to an output of which it is kernel column `tap`. */
static int32_t column(const rt_depthwise_t *d, const rt_depthwise_channel_t *channel,
                      const int8_t *x, int32_t c, int32_t tap) {
  if (c < 0) return channel->left;
  if (c >= d->columns_in) return channel->right;
  x += c * d->step;
  const int32_t third = tap == 2   ? channel->third[1]
                        : tap == 1 ? upper(channel->third[0])
                                   : lower(channel->third[0]);
  const int32_t pair = product(join(x[0], x[d->pitch]), channel->pair[tap]);
  return upper(pair) + x[2 * d->pitch] * third;
}

void rt_depthwise_channels_portable(const rt_depthwise_t *d, const rt_depthwise_channel_t *channels,
                                    int32_t count, const int8_t *x, int8_t *y) {
  const int32_t stride = d->kind < RT_DEPTHWISE_PADDED_2 ? 1 : 2;
  const int32_t left = (d->kind & 1) - 1;
  for (int32_t i = 0; i < count; i++) {
    for (int32_t c = 0; c < d->columns; c++) {
      uint32_t sum = 0;
      for (int32_t tap = 0; tap < 3; tap++) {
        sum += (uint32_t)column(d, &channels[i], x + i, c * stride + left + tap, tap);
      }
      y[c * d->step + i] = finish(d, &channels[i], (int32_t)sum);
    }
  }
}

#if defined(__ARM_ARCH_6M__)

/*
 * r0 the next column's first row, r1 its pair V, r2 its third row, r3 scratch, r4 the sum that is
 * finished next, r5 the one after, r6 the end of the row, r7 pitch; r8-r10 pair[], r11 and r12
 * third[], lr step. On the stack: */
#define FIRST "#0"
#define LAST "#4"
#define SLOPE "#8"
#define START "#12"
#define RIGHT "#16"
#define DISTANCE "#20" /* for rt_depthwise_decide */
#define DELTA "#24"    /* from r0 to the output that is finished; stride 2: from x to y */
#define LOW "#28"
#define HIGH "#32"
#define NEXT "#36" /* channel */
#define END "#40"  /* of the channels */
#define KIND "#44"
#define BYTES "#48"
#define ROW "#52" /* d */
#define REAL "#56"
#define ROW_END "#60" /* stride 2: end of the row's real columns */
#define OUTPUT "#64"  /* stride 2: where the next output goes */

/* r1 = V, r2 = third row, on to the next column: 11 cycles. */
#define LOAD               \
  "  movs r1, #0\n"        \
  "  ldrsb r1, [r0, r1]\n" \
  "  ldrsb r3, [r0, r7]\n" \
  "  lsls r2, r7, #1\n"    \
  "  ldrsb r2, [r0, r2]\n" \
  "  lsls r3, r3, #16\n"   \
  "  adds r1, r1, r3\n"    \
  "  add r0, lr\n"

/* r4 += third taps: 7 cycles. */
#define TAP_2            \
  "  mov r3, r10\n"      \
  "  muls r3, r1, r3\n"  \
  "  asrs r3, r3, #16\n" \
  "  adcs r4, r3\n"      \
  "  mov r3, r12\n"      \
  "  muls r3, r2, r3\n"  \
  "  adds r4, r4, r3\n"

/* r4 += second taps */
#define TAP_1            \
  "  mov r3, r9\n"       \
  "  muls r3, r1, r3\n"  \
  "  asrs r3, r3, #16\n" \
  "  adcs r4, r3\n"      \
  "  mov r3, r11\n"      \
  "  muls r3, r2, r3\n"  \
  "  asrs r3, r3, #16\n" \
  "  adcs r4, r3\n"

/* sum = first taps; destroys r1 and r2 */
#define TAP_0(sum)      \
  "  mov r3, r8\n"      \
  "  muls r1, r3, r1\n" \
  "  mov r3, r11\n"     \
  "  muls r2, r3, r2\n" \
  "  sxth r2, r2\n"     \
  "  asrs " sum         \
  ", r1, #16\n"         \
  "  adcs " sum ", r2\n"

/* r4 = r5 + second taps, r5 = first taps: 13 cycles. ASRS leaves the bit that rounds in the carry;
 * MOV, MULS and SXTH leave it there. */
#define TAPS_1_0         \
  "  mov r3, r9\n"       \
  "  muls r3, r1, r3\n"  \
  "  asrs r4, r3, #16\n" \
  "  adcs r4, r5\n"      \
  "  mov r3, r8\n"       \
  "  muls r1, r3, r1\n"  \
  "  asrs r5, r1, #16\n" \
  "  mov r3, r11\n"      \
  "  muls r2, r3, r2\n"  \
  "  sxth r3, r2\n"      \
  "  adcs r5, r3\n"      \
  "  asrs r2, r2, #16\n" \
  "  adcs r4, r2\n"

/* r4, a sum, to an output: 23 cycles and STORE; 9 at `low`. */
#define FINISH(n, STORE)     \
  "  ldr r3, [sp, " FIRST    \
  "]\n"                      \
  "  subs r4, r4, r3\n"      \
  "  blt 1" n                \
  "b\n"                      \
  "  ldr r3, [sp, " LAST     \
  "]\n"                      \
  "  cmp r4, r3\n"           \
  "  bhi 2" n                \
  "b\n"                      \
  "  str r4, [sp, " DISTANCE \
  "]\n"                      \
  "  ldr r3, [sp, " SLOPE    \
  "]\n"                      \
  "  muls r4, r3, r4\n"      \
  "  ldr r3, [sp, " START    \
  "]\n"                      \
  "  adds r4, r4, r3\n"      \
  "  lsls r3, r4, #8\n"      \
  "  asrs r3, r3, #25\n"     \
  "  adds r3, #1\n"          \
  "  beq 3" n                \
  "b\n"                      \
  "  asrs r4, r4, #24\n"     \
  "4" n ":\n" STORE

/* Where FINISH(n) goes for outputs at the ends and those that are not decided. */
#define ENDS(n)          \
  "1" n                  \
  ":\n"                  \
  "  ldr r4, [sp, " LOW  \
  "]\n"                  \
  "  b 4" n              \
  "f\n"                  \
  "2" n                  \
  ":\n"                  \
  "  ldr r4, [sp, " HIGH \
  "]\n"                  \
  "  b 4" n              \
  "f\n"                  \
  "3" n                  \
  ":\n"                  \
  "  movs r3, #" n       \
  "\n"                   \
  "  b 90f\n"

#define STORE_1           \
  "  ldr r3, [sp, " DELTA \
  "]\n"                   \
  "  strb r4, [r0, r3]\n"

#define STORE_2            \
  "  ldr r3, [sp, " OUTPUT \
  "]\n"                    \
  "  strb r4, [r3]\n"      \
  "  add r3, lr\n"         \
  "  str r3, [sp, " OUTPUT "]\n"

/* clang-format off */
__asm__(RT_HOT_SECTION("rt_depthwise_channels")
        "  .global rt_depthwise_channels\n"
        "  .type rt_depthwise_channels, %function\n"
        "  .thumb_func\n"
        "  .p2align 2\n"
        "rt_depthwise_channels:\n"
        "  push {r4-r7, lr}\n"
        "  mov r4, r8\n"
        "  mov r5, r9\n"
        "  mov r6, r10\n"
        "  mov r7, r11\n"
        "  push {r4-r7}\n"
        "  sub sp, #68\n"
        "  str r0, [sp, " ROW "]\n"
        "  str r1, [sp, " NEXT "]\n"
        "  lsls r4, r2, #4\n"
        "  lsls r5, r2, #5\n"
        "  adds r4, r4, r5\n"
        "  adds r4, r4, r1\n"
        "  str r4, [sp, " END "]\n"
        "  ldmia r0!, {r1, r4, r5, r6}\n" /* pitch, step, kind, bytes */
        "  mov r7, r1\n"
        "  mov lr, r4\n"
        "  str r5, [sp, " KIND "]\n"
        "  str r6, [sp, " BYTES "]\n"
        "  adds r6, r6, r3\n"
        "  subs r6, r6, #1\n"
        "  ldmia r0!, {r1, r2}\n"
        "  str r1, [sp, " REAL "]\n"
        "  str r2, [sp, " LOW "]\n"
        "  ldr r1, [r0]\n"
        "  str r1, [sp, " HIGH "]\n"
        "  ldr r1, [sp, #104]\n" /* y */
        "  subs r1, r1, r3\n"
        "  cmp r5, #2\n"
        "  bhs 5f\n"
        "  subs r1, r1, r4\n" /* an output is finished two columns later, or three */
        "  subs r1, r1, r4\n"
        "  cmp r5, #0\n"
        "  beq 5f\n"
        "  subs r1, r1, r4\n"
        "5:\n"
        "  str r1, [sp, " DELTA "]\n"
        "  b 80f\n"
        ENDS("1")
        ENDS("2")
        /* Stride 1. */
        "50:\n"
        LOAD
        TAP_2
        FINISH("1", STORE_1)
        "51:\n"
        TAPS_1_0
        "  cmp r0, r6\n"
        "  blo 50b\n"
        "  bhi 80f\n"
        "  ldr r3, [sp, " RIGHT "]\n"
        "  adds r4, r4, r3\n"
        "  add r0, lr\n"
        FINISH("2", STORE_1)
        /* The next channel. */
        "80:\n"
        "  ldr r0, [sp, " NEXT "]\n"
        "  ldr r1, [sp, " END "]\n"
        "  cmp r0, r1\n"
        "  beq 99f\n"
        "  ldmia r0!, {r1-r5}\n"
        "  mov r8, r1\n"
        "  mov r9, r2\n"
        "  mov r10, r3\n"
        "  mov r11, r4\n"
        "  mov r12, r5\n"
        "  mov r4, sp\n"
        "  ldmia r0!, {r1-r3}\n" /* first, last, slope */
        "  stmia r4!, {r1-r3}\n"
        "  ldmia r0!, {r1, r2, r5}\n" /* start, right, left */
        "  stmia r4!, {r1, r2}\n"
        "  adds r0, r0, #4\n"
        "  str r0, [sp, " NEXT "]\n"
        "  adds r6, r6, #1\n"
        "  ldr r1, [sp, " BYTES "]\n"
        "  subs r0, r6, r1\n"
        LOAD
        "  ldr r3, [sp, " KIND "]\n"
        "  cmp r3, #1\n"
        "  blo 51b\n"
        "  bhi 60f\n"
        TAP_0("r5")
        LOAD
        "  b 51b\n"
        "99:\n"
        "  add sp, #68\n"
        "  pop {r4-r7}\n"
        "  mov r8, r4\n"
        "  mov r9, r5\n"
        "  mov r10, r6\n"
        "  mov r11, r7\n"
        "  pop {r4-r7, pc}\n"
        ENDS("3")
        /* Stride 2: r3 is the kind, r4 becomes the channel's first column. */
        "60:\n"
        "  mov r4, lr\n"
        "  subs r4, r0, r4\n"
        "  ldr r2, [sp, " REAL "]\n"
        "  adds r2, r2, r4\n"
        "  str r2, [sp, " ROW_END "]\n"
        "  ldr r2, [sp, " DELTA "]\n"
        "  adds r2, r2, r4\n"
        "  str r2, [sp, " OUTPUT "]\n"
        "  lsls r2, r7, #1\n"
        "  ldrsb r2, [r4, r2]\n" /* the third row once more */
        "  mov r4, r5\n"
        "  cmp r3, #2\n"
        "  beq 62f\n"
        "  b 64f\n"
        "61:\n"
        LOAD
        "62:\n"
        TAP_1
        "  ldr r3, [sp, " ROW_END "]\n"
        "  cmp r0, r3\n"
        "  bhs 65f\n"
        LOAD
        TAP_2
        "63:\n"
        FINISH("3", STORE_2)
        "  cmp r0, r6\n"
        "  bhs 66f\n"
        "64:\n"
        TAP_0("r4")
        "  b 61b\n"
        "65:\n"
        "  ldr r3, [sp, " RIGHT "]\n"
        "  adds r4, r4, r3\n"
        "  add r0, lr\n"
        "  b 63b\n"
        "66:\n"
        "  b 80b\n"
        /* rt_depthwise_decide for FINISH(r3). */
        "90:\n"
        "  push {r0-r3}\n"
        "  mov r0, r12\n"
        "  mov r1, lr\n"
        "  push {r0, r1}\n"
        "  ldr r0, [sp, #76]\n" /* ROW, NEXT and DISTANCE, 24 bytes further */
        "  ldr r1, [sp, #60]\n"
        "  ldr r2, [sp, #44]\n"
        "  bl rt_depthwise_decide\n"
        "  mov r4, r0\n"
        "  pop {r0, r1}\n"
        "  mov r12, r0\n"
        "  mov lr, r1\n"
        "  pop {r0-r3}\n"
        "  cmp r3, #2\n"
        "  blo 91f\n"
        "  beq 92f\n"
        "  b 43b\n"
        "91:\n"
        "  b 41b\n"
        "92:\n"
        "  b 42b\n"
        "  .size rt_depthwise_channels, . - rt_depthwise_channels\n"
        "  .text\n");
/* clang-format on */

#else

void rt_depthwise_channels(const rt_depthwise_t *d, const rt_depthwise_channel_t *channels,
                           int32_t count, const int8_t *x, int8_t *y) {
  rt_depthwise_channels_portable(d, channels, count, x, y);
}

#endif

/* ---- a row ---- */

#define EDGE 8 /* channels rewritten at a time where a row of taps lies in the padding */

/* The constants of a channel some of whose taps are in the padding in the whole row. in: missing,
 * z times their weights, by kernel column. */
static inline void fold(const rt_depthwise_channel_t *from, int32_t missing0, int32_t missing1,
                        int32_t missing2, rt_depthwise_channel_t *to) {
  const uint32_t sum = (uint32_t)missing0 + (uint32_t)missing1 + (uint32_t)missing2;
  to->first = (int32_t)((uint32_t)from->first - sum);
  to->last = from->last;
  to->slope = from->slope;
  to->start = from->start;
  to->right = (int32_t)((uint32_t)from->right - (uint32_t)missing2);
  to->left = (int32_t)((uint32_t)from->left - (uint32_t)missing0);
  to->bias = (int32_t)((uint32_t)from->bias + sum);
}

/* Rows 1 and 2 of the kernel lie on the first two rows that are read: row 0 is in the padding. */
RT_HOT static void move_up(const rt_depthwise_channel_t *from, int32_t count, int32_t zero_point,
                           rt_depthwise_channel_t *to) {
  for (const rt_depthwise_channel_t *end = from + count; from != end; from++, to++) {
    const int32_t third = from->third[0];
    to->pair[0] = join(lower(third), from->pair[0]);
    to->pair[1] = join(upper(third), from->pair[1]);
    to->pair[2] = join(from->third[1], from->pair[2]);
    to->third[0] = 0;
    to->third[1] = 0;
    fold(from, product(upper(from->pair[0]), zero_point), product(upper(from->pair[1]), zero_point),
         product(upper(from->pair[2]), zero_point), to);
  }
}

/* Rows 0 and 1 of the kernel lie on the last two rows that are read: row 2 is in the padding. */
RT_HOT static void move_down(const rt_depthwise_channel_t *from, int32_t count, int32_t zero_point,
                             rt_depthwise_channel_t *to) {
  for (const rt_depthwise_channel_t *end = from + count; from != end; from++, to++) {
    const int32_t third = from->third[0];
    to->third[0] = join(lower(from->pair[0]), lower(from->pair[1]));
    to->third[1] = lower(from->pair[2]);
    to->pair[0] = upper(from->pair[0]);
    to->pair[1] = upper(from->pair[1]);
    to->pair[2] = upper(from->pair[2]);
    fold(from, product(lower(third), zero_point), product(upper(third), zero_point),
         product(from->third[1], zero_point), to);
  }
}

RT_HOT static void edge_row(const rt_depthwise_t *row, const rt_kernel_t *k, int is_top,
                            const int8_t *x, int8_t *y) {
  rt_depthwise_channel_t moved[EDGE];
  rt_depthwise_t d = *row;
  const rt_depthwise_channel_t *channels = row->channels;
  const int32_t zero_point = k->input->zero_point;
  d.channels = moved;
  for (int32_t first = 0; first < d.step; first += EDGE) {
    const int32_t left = d.step - first;
    const int32_t count = left < EDGE ? left : EDGE;
    if (is_top) {
      move_up(channels + first, count, zero_point, moved);
    } else {
      move_down(channels + first, count, zero_point, moved);
    }
    rt_depthwise_channels(&d, moved, count, x + first, y + first);
    d.multiplier += EDGE;
    d.shift += EDGE;
  }
}

static rt_depthwise_t describe(const rt_kernel_t *k) {
  const rt_layer_t *l = k->layer;
  const int32_t columns = (k->output->width - 1) * l->stride_width - l->pad_left + 3;
  const int32_t step = k->input->channels;
  const int32_t real = k->input->width;
  const int is_open = columns <= real;
  rt_depthwise_t d;
  d.pitch = k->input->width * step;
  d.step = step;
  d.kind = (l->stride_width == 2 ? RT_DEPTHWISE_PADDED_2 : RT_DEPTHWISE_PADDED) + 1 - l->pad_left;
  d.bytes = l->stride_width == 2 ? columns * step : is_open ? columns * step - 1 : real * step;
  d.real_bytes = real * step;
  d.low = l->activation_min;
  d.high = l->activation_max;
  d.zero_point = k->output->zero_point;
  d.columns = k->output->width;
  d.columns_in = real;
  d.channels = (const rt_depthwise_channel_t *)l->packed;
  d.multiplier = l->multiplier;
  d.shift = l->shift;
  return d;
}

RT_HOT void rt_depthwise_packed_row(const rt_kernel_t *k, int32_t row) {
  rt_depthwise_t d = describe(k);
  const int32_t last = k->input->height - 3;
  const int32_t top = row * k->layer->stride_height - k->layer->pad_top;
  int8_t *y = k->y + row * d.columns * d.step;
  if (top < 0) {
    edge_row(&d, k, 1, k->x, y);
  } else if (top > last) {
    edge_row(&d, k, 0, k->x + last * d.pitch, y);
  } else {
    rt_depthwise_channels(&d, d.channels, d.step, k->x + top * d.pitch, y);
  }
}
