/*
 * What the modules capture and learner work with: models and memory. The build writes it for a
 * board (compiler/learner-setup.ts), the simulator fills it in before rt_firmware_init. Every
 * member is one 32-bit word on the boards and in WebAssembly, in this order, so that a host can
 * write it from outside.
 */
#ifndef RT_SERVICES_LEARNER_SETUP_H
#define RT_SERVICES_LEARNER_SETUP_H

#include <stdint.h>

#include "dsp/mfcc.h"
#include "engine/model.h"
#include "services/learner_places.h"

/* A base model with one kind of adapter, linked or checked (rt_model_check) before. */
typedef struct {
  const rt_model_t *model;
  const char *name;     /* of the base model, for register model_name */
  uint32_t model_bytes; /* of flash that the compiled model takes */
  uint32_t label_count;
  const char *const *labels;
  const rt_dsp_profile_t *profile; /* clip_samples is the window of capture */
  const char *profile_name;        /* for register features */
  const rt_dsp_quant_t *quant;
  /* What features cost, in cycles of a Cortex-M0+: a sample, a frame, a window (docs/dsp.md). */
  uint32_t sample_cycles, frame_cycles, window_cycles;
} rt_learner_model_t;

/*
 * Memory, 4-aligned, owned by whoever provides the setup and used by nobody else. Models that share
 * a setup share it: the largest decides.
 */
typedef struct {
  const rt_learner_model_t *models; /* the first is used until registers method or rank say other */
  uint32_t model_count;
  void *arena; /* arena_bytes of the model */
  uint32_t arena_bytes;
  void *windows; /* labelled windows: a multiple of rt_windows_entry_bytes */
  uint32_t windows_bytes;
  void *recent; /* inputs that `remember` can still reach: 8 times the input tensor, at least 4 */
  uint32_t recent_bytes;
  void *features; /* RT_DSP_MEMORY_BYTES(mels, RT_DSP_RING_SAMPLES) */
  uint32_t features_bytes;
  int16_t *audio; /* the last samples heard: RT_CAPTURE_AUDIO_SAMPLES(clip_samples) */
  uint32_t audio_samples;
  rt_learner_place_t
      *places; /* as many as the adapter has places (rt_adapter_plan_t), 1 at least */
  uint32_t place_count;
} rt_learner_setup_t;

/*
 * A sound may last two windows before it is cut; the cut lies in its middle and is at most 1 5/8
 * windows old by then. The rest is time to compute features in while capture goes on.
 */
#define RT_CAPTURE_AUDIO_SAMPLES(window_samples) (2u * (window_samples))

/* NULL: this firmware has no model, and services capture and learner are not offered. */
extern const rt_learner_setup_t *rt_learner_setup;

#endif
