/* A learner's setup with every kind of adapter on a small model (seeds.ts compiles them). */
#include <stdlib.h>

#include "engine/adapter.h"
#include "fuzz.h"
#include "services/service.h"
#include "store/trust.h"

#define MODELS 5u
#define WINDOWS 6u
#define RECENT 4u
#define MODEL_BYTES 4000u

extern const rt_model_t rt_model_fuzz_skip, rt_model_fuzz_head, rt_model_fuzz_lora,
    rt_model_fuzz_low_rank, rt_model_fuzz_momentum;
extern const rt_dsp_quant_t rt_features_fuzz_skip;
extern const char *const rt_labels_fuzz_skip[];
extern const uint32_t rt_label_count_fuzz_skip;

/* All modules there are: those of the learner are not offered without a setup. */
extern const rt_service_module_t rt_module_learner, rt_module_capture, rt_module_button,
    rt_module_light_bulb, rt_module_power, rt_module_adc_stats, rt_module_template, rt_module_delta,
    rt_module_settings;

const rt_service_module_t *const rt_service_modules[] = {
    &rt_module_learner,   &rt_module_capture,    &rt_module_delta,
    &rt_module_button,    &rt_module_light_bulb, &rt_module_power,
    &rt_module_adc_stats, &rt_module_template,   &rt_module_settings,
};
const uint16_t rt_service_module_count = sizeof rt_service_modules / sizeof rt_service_modules[0];

const rt_learner_setup_t *rt_learner_setup;

/* In place of Ed25519, which no input would ever get right. Reads all that it is given. */
static rt_status_t verify(const uint8_t *signature, const rt_ed25519_part_t *parts, uint32_t count,
                          const uint8_t *key) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t k = 0; k < parts[i].size; k++) sum += parts[i].bytes[k];
  }
  for (uint32_t i = 0; i < RT_ED25519_SIGNATURE_BYTES; i++) sum += signature[i];
  for (uint32_t i = 0; i < RT_ED25519_KEY_BYTES; i++) sum += key[i];
  const uint32_t is_good = signature[0] == FUZZ_SIGNED;
  return is_good && sum != 0 ? RT_OK : RT_ERROR_BLOB_CHECKSUM;
}

static rt_trust_setup_t trust = {.verify = verify};

const rt_trust_setup_t *rt_trust_setup(void) { return &trust; }

void fuzz_set_owner(const uint8_t *owner, uint32_t is_locked) {
  trust.owner = owner;
  trust.is_locked = is_locked != 0;
}

static rt_learner_model_t models[MODELS];
static rt_learner_setup_t setup;

static void *exactly(uint32_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL) abort();
  for (uint32_t i = 0; i < bytes; i++) ((uint8_t *)memory)[i] = 0x5a;
  return memory;
}

static void add(const rt_model_t *model) {
  models[setup.model_count++] = (rt_learner_model_t){.model = model,
                                                     .name = "fuzz",
                                                     .model_bytes = MODEL_BYTES,
                                                     .label_count = rt_label_count_fuzz_skip,
                                                     .labels = rt_labels_fuzz_skip,
                                                     .profile = &rt_dsp_profile_digits,
                                                     .profile_name = "digits",
                                                     .quant = &rt_features_fuzz_skip,
                                                     .sample_cycles = 20,
                                                     .frame_cycles = 133600,
                                                     .window_cycles = 210800};
  if (model->arena_bytes > setup.arena_bytes) setup.arena_bytes = model->arena_bytes;
}

const rt_learner_setup_t *fuzz_learner_setup(void) {
  if (setup.models != NULL) return &setup;
  add(&rt_model_fuzz_skip);
  add(&rt_model_fuzz_head);
  add(&rt_model_fuzz_lora);
  add(&rt_model_fuzz_low_rank);
  add(&rt_model_fuzz_momentum);
  setup.models = models;
  setup.arena = exactly(setup.arena_bytes);
  setup.windows_bytes = WINDOWS * (4u + (RT_DSP_WINDOW_BYTES + 3u) / 4u * 4u);
  setup.windows = exactly(setup.windows_bytes);
  setup.recent_bytes = RECENT * RT_DSP_WINDOW_BYTES;
  setup.recent = exactly(setup.recent_bytes);
  setup.features_bytes = RT_DSP_MEMORY_BYTES(rt_dsp_profile_digits.mels, RT_DSP_RING_SAMPLES);
  setup.features = exactly(setup.features_bytes);
  setup.audio_samples = RT_CAPTURE_AUDIO_SAMPLES(rt_dsp_profile_digits.clip_samples);
  setup.audio = exactly(2u * setup.audio_samples);
  setup.place_count = RT_ADAPTER_PLACES_MAX;
  setup.places = exactly(setup.place_count * sizeof *setup.places);
  return &setup;
}
