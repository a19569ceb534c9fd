/*
 * Training bursts on the device: labelled windows in, a better adapter out.
 *
 *   rt_trainer_init, rt_train_remember ..., rt_train_begin, rt_train_run until RT_OK,
 *   rt_check_begin, rt_check_run until RT_OK, then keep it (rt_blob_save) or rt_train_restore.
 *
 * A burst is cut into units of bounded work (a row of pixels, a channel, 256 parameters).
 * rt_train_run does units until the budget is spent. How the work is cut changes nothing about the
 * result: bit by bit the same as in one call.
 */
#ifndef RT_ENGINE_TRAIN_H
#define RT_ENGINE_TRAIN_H

#include "adapter.h"
#include "backward.h"
#include "loss.h"
#include "train_groups.h"
#include "train_windows.h"

typedef struct {
  uint32_t steps;        /* updates of a burst, 1..65535 */
  uint32_t batch;        /* samples an update, 1..64 */
  uint32_t rate_q24;     /* learning rate at the first step, 1..2^24; falls to 0 as a half cosine */
  uint32_t momentum_q15; /* 0..32767 */
  uint32_t decay_q24;    /* weight decay towards the frozen model, 0..2^24 */
  uint32_t clip_q16;     /* largest norm of a gradient, 0: no limit */
  uint32_t smoothing_q15; /* label smoothing, 0..16384 */
  uint32_t views;         /* 1: windows are used as they are; more, up to 255: head and skip see so
                             many views of each in a burst, the first plain, lora a new one a sample */
  rt_windows_jitter_t jitter; /* shift_rows at most half the input's height, tempo_q8 0..128,
                                 noise_q8 0..256, gain_q8 0..512, erode_q8 0..256 */
  uint32_t seed;              /* of order, views and rounding */
} rt_train_params_t;

/* What the kind of the model's adapter does well with; docs/training.md says from what. */
void rt_train_defaults(const rt_adapter_t *adapter, rt_train_params_t *params);

/* Two adapters on the same windows. */
typedef struct {
  uint32_t total;
  uint32_t before_correct; /* with the adapter from before the last burst */
  uint32_t after_correct;  /* with the present one */
  uint32_t before_loss_q16;
  uint32_t after_loss_q16;
} rt_check_result_t;

typedef enum {
  RT_PHASE_IDLE = 0,
  RT_PHASE_CACHE,    /* frozen layers over every window that is kept */
  RT_PHASE_SAMPLE,   /* choosing and showing the next sample */
  RT_PHASE_FORWARD,  /* lora */
  RT_PHASE_BACKWARD, /* lora */
  RT_PHASE_REFRESH,  /* a new view for the cache */
  RT_PHASE_UPDATE,
  RT_PHASE_CHECK
} rt_train_phase_t;

typedef struct {
  rt_adapter_t *adapter;
  rt_windows_t windows;
  rt_train_params_t params;
  uint32_t phase; /* rt_train_phase_t */
  uint32_t stopping;
  uint32_t can_restore;
  uint32_t step;       /* updates done in this burst */
  uint32_t loss_q16;   /* mean over the batch of the last update */
  uint32_t run_cycles; /* of a Cortex-M0+, estimated, in the last rt_train_run or rt_check_run */
  /* internal */
  uint32_t count;      /* training windows */
  uint32_t cached;     /* of the first so many the frozen activations are kept */
  uint32_t drawn;      /* of the present order */
  uint32_t in_batch;   /* samples of the present batch done */
  uint32_t position;   /* of the present sample among the training windows */
  uint32_t refreshed;  /* views made after the first */
  uint32_t started;    /* the forward pass of the present window is under way */
  uint32_t calibrated; /* channels whose constants are learnt; behind the last window's vector */
  uint32_t loss_sum_q16;
  uint32_t order_random;
  uint32_t view_random;
  uint32_t round_random;
  uint32_t stride_q32; /* 1 / steps */
  rt_loss_target_t target;
  rt_real_t first_rate;
  rt_backward_t backward;
  rt_groups_update_t update;
  uint32_t check_purpose;
  uint32_t check_pass;
  uint32_t check_index;
  rt_check_result_t check;
} rt_trainer_t;

/* in: windows memory, 4-aligned. Errors: RT_ERROR_ALIGNMENT, RT_ERROR_ARENA_SIZE. */
rt_status_t rt_trainer_init(rt_trainer_t *trainer, rt_adapter_t *adapter, void *memory,
                            uint32_t bytes);

/* Keeps the window in the input tensor. label < classes. Errors: RT_ERROR_ARGUMENT, RT_ERROR_FULL,
 * RT_ERROR_STATE during a burst or a check. */
rt_status_t rt_train_remember(rt_trainer_t *trainer, uint32_t label, uint32_t purpose);

rt_status_t rt_train_forget(rt_trainer_t *trainer);

/* Starts a burst from the present adapter, which it remembers for rt_train_restore. Errors:
 * RT_ERROR_ARGUMENT, RT_ERROR_EMPTY (no window to train on), RT_ERROR_STATE (one is running). */
rt_status_t rt_train_begin(rt_trainer_t *trainer, const rt_train_params_t *params);

/* Goes on with the burst for about budget_cycles of a Cortex-M0+: at least one unit, and at most
 * one unit too long. Returns RT_BUSY, RT_OK when the burst has ended, RT_ERROR_STATE when none is
 * running. */
rt_status_t rt_train_run(rt_trainer_t *trainer, uint32_t budget_cycles);

/* The longest unit with the keyword models and the default ranks, counted on the emulated RP2040
 * (docs/rp2040.md; a test holds it), with room for other networks: it is a row of the network with
 * its adapter; next comes the learning of one sample of a skip adapter. */
#define RT_TRAIN_UNIT_CYCLES 500000u

/* The burst ends after the present update. */
void rt_train_stop(rt_trainer_t *trainer);

/* 1 while an inference by others would disturb the trainer's work in the arena: run on until it is
 * 0, which is at the latest after the present sample. */
uint32_t rt_train_owns_arena(const rt_trainer_t *trainer);

/* Puts back the adapter from before the last burst. Errors: RT_ERROR_STATE. */
rt_status_t rt_train_restore(rt_trainer_t *trainer);

/* Evaluates the adapters from before the last burst and the present one on the windows of a
 * purpose. Errors: RT_ERROR_EMPTY, RT_ERROR_STATE. The result is in trainer->check. */
rt_status_t rt_check_begin(rt_trainer_t *trainer, uint32_t purpose);
rt_status_t rt_check_run(rt_trainer_t *trainer, uint32_t budget_cycles);

#endif
