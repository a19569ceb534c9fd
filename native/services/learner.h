/*
 * Module of services/learner.md over the engine. Four files: learner.c answers commands and
 * registers, learner_places.c those about adapters in RAM and in flash, learner_work.c does what
 * takes time (features, inference, training, checks) in slices, learner_model.c binds model,
 * adapter and memory. What they share is here.
 */
#ifndef RT_SERVICES_LEARNER_H
#define RT_SERVICES_LEARNER_H

#include "engine/adapter_blob.h"
#include "engine/train.h"
#include "services/capture.h"
#include "services/learner_setup.h"
#include "services/prediction.h"
#include "services/service.h"

/* Inputs that `remember` can reach, if the memory given suffices. */
#define RT_LEARNER_RECENT 8u
/* Commands and windows that wait for the processor. */
#define RT_LEARNER_JOBS 8u

/* Enum Status of services/learner.md. */
typedef enum {
  RT_LEARNER_OK = 0,
  RT_LEARNER_NO_WINDOW = 1,
  RT_LEARNER_IS_BUSY = 2,
  RT_LEARNER_FULL = 3,
  RT_LEARNER_BAD_LABEL = 4,
  RT_LEARNER_NO_SAMPLES = 5,
  RT_LEARNER_EMPTY_SLOT = 6,
  RT_LEARNER_BAD_SLOT = 7,
  RT_LEARNER_MISMATCH = 8,
  RT_LEARNER_UNSUPPORTED = 9,
  RT_LEARNER_NOTHING_TO_RESTORE = 10,
  RT_LEARNER_OLDER = 11,
  RT_LEARNER_BAD_PLACE = 12,
  RT_LEARNER_BAD_NAME = 13
} rt_learner_status_t;

/* Enum Method; those from 1 on are rt_adapter_method_t. */
#define RT_LEARNER_METHOD_NONE 0u

/* Enum Reason, as 1 + its value; 0 while the burst goes on. */
typedef enum {
  RT_LEARNER_GOES_ON = 0,
  RT_LEARNER_END_STEPS = 1,
  RT_LEARNER_END_BUDGET = 2,
  RT_LEARNER_END_STOPPED = 3
} rt_learner_end_t;

/* What waits for the processor, in order of arrival. */
typedef enum { RT_JOB_WINDOW, RT_JOB_INFER, RT_JOB_CHECK, RT_JOB_SWAP } rt_learner_job_t;

/* No place, for members that name one. */
#define RT_LEARNER_NO_PLACE 255u

typedef struct {
  uint32_t steps; /* wanted */
  uint32_t step;  /* done when the burst was ended */
  uint64_t cycles, budget_cycles;
  uint32_t reported; /* of RT_LEARNER_PROGRESS_REPORTS */
  uint8_t is_running, is_stopping;
  uint8_t end; /* rt_learner_end_t; the present step may still have to be finished */
} rt_learner_burst_t;

typedef struct {
  rt_service_t *service;
  const rt_learner_model_t *model;
  uint8_t method; /* in use; RT_LEARNER_METHOD_NONE: the frozen model alone */
  uint8_t rank;   /* at least 1 */
  rt_engine_t engine;
  rt_adapter_t adapter;
  rt_trainer_t trainer;
  uint32_t input_bytes;

  uint8_t burst_place; /* whose adapter from before the last burst is kept; RT_LEARNER_NO_PLACE */
  uint8_t swap_place;  /* that the job RT_JOB_SWAP takes into use */
  rt_learner_score_t burst_score; /* of the adapter in burst_place before the burst */

  /* Features of a window, computed before anything else: its samples do not stay for ever. */
  rt_dsp_state_t dsp;
  rt_capture_window_t window;
  uint32_t pushed; /* samples of it */
  uint8_t is_computing_features;
  uint8_t is_waiting; /* a window from capture has not been classified yet */

  uint32_t recent_number[RT_LEARNER_RECENT];
  uint8_t recent_capacity, recent_count, recent_next;

  uint8_t jobs[RT_LEARNER_JOBS]; /* rt_learner_job_t; the first is at work */
  uint8_t job_count;
  uint8_t has_job_begun;
  uint8_t is_held_back; /* the bus had no room for a report */
  uint8_t job_recent;   /* input of the inference that is under way */

  rt_learner_burst_t burst;
  uint8_t is_training;  /* the engine's trainer has work left */
  uint64_t owed_cycles; /* of training that an inference had to wait for */
  uint32_t loss_q28;    /* mean of the last steps */
  uint64_t cycles;      /* of features, inference and training since boot */

  rt_prediction_t last;
} rt_learner_t;

extern rt_learner_t rt_learner;

/* ---- learner_model.c ---- */

/* Starts afresh on a model of the setup: adapter reset, windows forgotten, nothing under way. */
rt_status_t rt_learner_bind(const rt_learner_model_t *model, uint8_t method);

/* The model of the setup with this kind of adapter, of this rank (1: kinds without) or
 * RT_LEARNER_ANY_RANK; NULL: there is none. */
#define RT_LEARNER_ANY_RANK 0u
const rt_learner_model_t *rt_learner_find_model(uint8_t method, uint8_t rank);

/* Memory of a remembered input, index below recent_capacity. */
int8_t *rt_learner_recent_input(uint32_t index);

/* The input tensor in the arena. */
int8_t *rt_learner_input(void);

static inline uint32_t rt_learner_has_adapter(void) {
  return rt_learner.method != RT_LEARNER_METHOD_NONE;
}

static inline uint32_t rt_learner_place_count(void) {
  return rt_learner_has_adapter() ? rt_learner.adapter.plan->place_count : 1u;
}

/* The place in use. */
static inline uint32_t rt_learner_active_place(void) {
  return rt_learner_has_adapter() ? rt_learner.adapter.place : 0;
}

/* ---- learner_places.c ---- */

/* What is known of the adapter in a place, below rt_learner_place_count. */
rt_learner_place_t *rt_learner_place(uint32_t place);

/* All places hold adapters that change nothing and have no name. */
void rt_learner_forget_places(void);

/* Takes the commands about places and slots; 0: it is none of them. */
uint32_t rt_learner_places_command(rt_service_t *service, const rt_packet_t *packet);

/* A burst has begun; is undone; a check of the adapter in use has ended. */
void rt_learner_burst_begun(void);
void rt_learner_burst_undone(void);
void rt_learner_checked(const rt_check_result_t *check);

/* Does RT_JOB_SWAP. */
void rt_learner_do_swap(void);

/* ---- learner_work.c ---- */

/* Takes a window from capture; see rt_capture_consumer_t. */
uint32_t rt_learner_deliver(const rt_capture_window_t *window);

/* Queues work; RT_ERROR_FULL when too much waits. */
rt_status_t rt_learner_queue(rt_learner_job_t job);

/* 1 while one of these waits or runs. */
uint32_t rt_learner_has_job(rt_learner_job_t job);

/* 1 while a burst or a check needs the adapter, which must be left alone. */
static inline uint32_t rt_learner_is_busy(void) {
  return rt_learner.burst.is_running || rt_learner_has_job(RT_JOB_CHECK);
}

/* The adapter has changed: an inference that is under way begins again. */
void rt_learner_restart_inference(void);

/* Puts the input of the inference that is under way, if one is, into the input tensor. */
void rt_learner_show_input(void);

/* Does a slice of what is to be done; returns 1 when there is more. */
uint32_t rt_learner_work(void);

/* Joules in Q15 of so many cycles, by the board's power figures. */
uint32_t rt_learner_joules_q15(uint64_t cycles);

/* The recent window of this number, 0: the last one; returns RT_LEARNER_RECENT when it is gone. */
uint32_t rt_learner_find_recent(uint32_t number);

#endif
