/*
 * All service modules under sanitizers: random packets of random sizes, sound, pins, power cuts and
 * restarts of the script. Memory and packets have exactly their size. What they answer is tested in
 * test/services; here it is memory and undefined behaviour, and that nothing gets stuck.
 */
#include <stdlib.h>
#include <string.h>

#include "../services/driver.h"
#include "engine/adapter.h"
#include "engine/train_windows.h"
#include "harness.h"

extern const rt_model_t rt_model_head, rt_model_skip, rt_model_lora;
extern const rt_dsp_quant_t rt_features_skip;
extern const char *const rt_labels_skip[];

#define MODELS 3u
#define SERVICES 7u
#define WINDOWS 12u
#define RECENT 4u
#define SECONDS 40u
#define CLASSES 10u

static void *exactly(uint32_t bytes) {
  void *p = malloc(bytes);
  if (!p) abort();
  memset(p, 0x5a, bytes);
  return p;
}

static rt_learner_model_t models[MODELS];
static rt_learner_setup_t setup;

static void set_up(void) {
  const rt_model_t *const built[MODELS] = {&rt_model_skip, &rt_model_head, &rt_model_lora};
  for (uint32_t i = 0; i < MODELS; i++) {
    models[i] = (rt_learner_model_t){.model = built[i],
                                     .name = "digits",
                                     .model_bytes = 40000,
                                     .label_count = CLASSES,
                                     .labels = rt_labels_skip,
                                     .profile = &rt_dsp_profile_digits,
                                     .profile_name = "digits",
                                     .quant = &rt_features_skip,
                                     .sample_cycles = 20,
                                     .frame_cycles = 133600,
                                     .window_cycles = 210800};
    if (built[i]->arena_bytes > setup.arena_bytes) setup.arena_bytes = built[i]->arena_bytes;
  }
  setup.models = models;
  setup.model_count = MODELS;
  setup.arena = exactly(setup.arena_bytes);
  setup.windows_bytes = WINDOWS * rt_windows_entry_bytes(&rt_model_skip);
  setup.windows = exactly(setup.windows_bytes);
  setup.recent_bytes = RECENT * RT_DSP_WINDOW_BYTES;
  setup.recent = exactly(setup.recent_bytes);
  setup.features_bytes = RT_DSP_MEMORY_BYTES(20, RT_DSP_RING_SAMPLES);
  setup.features = exactly(setup.features_bytes);
  setup.audio_samples = RT_CAPTURE_AUDIO_SAMPLES(8000);
  setup.audio = exactly(2u * setup.audio_samples);
  setup.place_count = rt_model_skip.adapter->place_count;
  setup.places = exactly(setup.place_count * sizeof *setup.places);
}

static void tear_down(void) {
  bench_set_setup(NULL);
  free(setup.arena);
  free(setup.windows);
  free(setup.recent);
  free(setup.features);
  free(setup.audio);
  free(setup.places);
}

/* 20 ms of silence, tone or noise; now and then a stretch that overflows the converter's ring. */
static void hear(void) {
  static uint32_t kind;
  int16_t block[160];
  if (rt_test_random() % 24u == 0) kind = rt_test_random() % 3u;
  uint32_t blocks = rt_test_random() % 500u == 0 ? 300u : 1u;
  for (; blocks > 0; blocks--) {
    for (uint32_t i = 0; i < 160; i++) {
      block[i] = (int16_t)(kind == 0   ? 0
                           : kind == 1 ? (int32_t)(i % 20u) * 1500 - 15000
                                       : rt_test_between(-32768, 32767));
    }
    bench_hear(block, 160);
  }
}

/* Codes that mean something to some module, more often than others. */
static uint32_t random_code(void) {
  const uint32_t kind = rt_test_random() % 8u;
  const uint32_t low = rt_test_random() % 0x14u;
  if (kind == 0) return rt_test_random() & 0xffffu;
  if (kind < 4) return 0x80u + low;                    /* a command */
  if (kind == 4) return RT_COMMAND_GET | 0x180u | low; /* a register to read */
  if (kind == 5) return RT_COMMAND_GET | (rt_test_random() % 0x110u);
  return RT_COMMAND_SET | (kind == 6 ? 0x80u + low : rt_test_random() % 8u);
}

static void send_packet(uint32_t service, uint32_t code, const uint8_t *bytes, uint32_t size) {
  uint8_t *payload = exactly(size > 0 ? size : 1u);
  memcpy(payload, bytes, size);
  bench_command(service, code, payload, size);
  free(payload);
}

static void send_random(void) {
  uint8_t bytes[RT_BUS_MAX_PAYLOAD_BYTES];
  const uint32_t size = rt_test_random() % (rt_test_random() % 16u == 0 ? sizeof bytes + 1u : 12u);
  for (uint32_t i = 0; i < size; i++) {
    bytes[i] = (uint8_t)(rt_test_random() % 3u == 0 ? rt_test_random() : rt_test_random() % 4u);
  }
  send_packet(1u + rt_test_random() % (SERVICES + 1u), random_code(), bytes, size);
}

/* Something sensible, so that bursts and checks come about. */
static void send_sensible(void) {
  const uint8_t wake[2] = {0, 0xc4}, on[1] = {1};
  const uint8_t label = (uint8_t)(rt_test_random() % CLASSES);
  const uint8_t remember[7] = {0, 0, 0, 0, label, 0, (uint8_t)(rt_test_random() % 4u == 0)};
  const uint8_t train[8] = {(uint8_t)(1u + rt_test_random() % 12u)};
  switch (rt_test_random() % 8u) {
    case 0:
      send_packet(2, RT_COMMAND_SET | 0x06u, wake, 2);
      send_packet(2, RT_COMMAND_SET | 0x01u, on, 1);
      break;
    case 1:
      send_packet(1, RT_COMMAND_SET | 0x01u, on, 1);
      break;
    case 2:
      send_packet(1, 0x82u, train, sizeof train);
      break;
    default:
      send_packet(1, 0x81u, remember, sizeof remember);
      break;
  }
}

static void disturb(void) {
  if (rt_test_random() % 400u == 0) bench_restart_script();
  if (rt_test_random() % 100u == 0) bench_set_pin(15, rt_test_random() % 2u);
  if (rt_test_random() % 200u == 0) bench_cut_power_after(1u + rt_test_random() % 40u);
  if (rt_test_random() % 500u == 0) {
    bench_power_on();
    CHECK(bench_class(1) == 0x1b5d7c3au);
  }
}

static void count_events(uint32_t *predictions, uint32_t *bursts) {
  const uint8_t *sent = bench_sent();
  for (uint32_t i = 0; i < bench_sent_count(); i++, sent += 240) {
    const uint32_t command = (uint32_t)sent[2] | (uint32_t)sent[3] << 8;
    if (sent[0] == 1 && command == (RT_COMMAND_EVENT | 0x80u)) ++*predictions;
    if (sent[0] == 1 && command == (RT_COMMAND_EVENT | 0x82u)) ++*bursts;
  }
  bench_forget_sent();
}

void rt_test_services(void) {
  uint32_t predictions = 0, bursts = 0, polls = 0;
  set_up();
  memset(bench_flash(), 0xff, 0x40000);
  bench_set_setup(&setup);
  bench_power_on();
  for (uint32_t block = 0; block < SECONDS * 50u; block++) {
    const double end = bench_now_us() + 20000;
    hear();
    if (rt_test_random() % 4u == 0) send_random();
    if (rt_test_random() % 12u == 0) send_sensible();
    disturb();
    while (bench_now_us() < end) {
      const double due = bench_poll();
      count_events(&predictions, &bursts);
      polls++;
      bench_set_now_us(due < end ? (due > bench_now_us() ? due : bench_now_us() + 1) : end);
    }
  }
  CHECK(predictions > 10);
  CHECK(bursts > 0);
  CHECK(polls < SECONDS * 50000u);
  tear_down();
}
