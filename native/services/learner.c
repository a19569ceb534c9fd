/* Commands and registers of services/learner.md: thin, no arithmetic of learning here. */
#include "services/learner.h"

#include "hal/hal.h"
#include "services/learner_codes.h"
#include "services/learner_packet.h"
#include "store/store.h"

/* Time for the bus to make room. */
#define HELD_BACK_US 1000u

rt_learner_settings_t rt_learner_settings;

/* Registers that are computed when they are read. */
static struct {
  uint32_t model_hash, model_bytes, arena_bytes, loss_q12, energy_q15, kilocycles;
  uint16_t input_bytes, adapter_bytes, capacity, train_count, held_out_count;
  uint8_t classes, slots, newest_slot, training, places, active_place;
  uint8_t last_prediction[RT_PREDICTION_BYTES];
} values;

static uint32_t window_count(uint32_t purpose) {
  return rt_learner_has_adapter() ? rt_windows_count(&rt_learner.trainer.windows, purpose) : 0;
}

/* ---- windows ---- */

/* Without a window, and when too much waits, the answer is the last prediction: at first nothing.
 */
static void infer(rt_service_t *service, const rt_packet_t *packet) {
  if (rt_learner.recent_count > 0 && rt_learner_queue(RT_JOB_INFER) == RT_OK) return;
  uint8_t payload[RT_PREDICTION_BYTES];
  rt_prediction_pack(&rt_learner.last, payload);
  rt_service_reply(service, packet, payload, sizeof payload);
}

static rt_learner_status_t remember(uint32_t number, uint32_t label, uint32_t purpose) {
  rt_learner_t *learner = &rt_learner;
  const uint32_t recent = rt_learner_find_recent(number);
  if (rt_learner_is_busy()) return RT_LEARNER_IS_BUSY;
  if (label >= learner->model->label_count) return RT_LEARNER_BAD_LABEL;
  if (recent == RT_LEARNER_RECENT) return RT_LEARNER_NO_WINDOW;
  if (!rt_learner_has_adapter()) return RT_LEARNER_FULL;
  const uint32_t kept_for = purpose == RT_WINDOW_HELD_OUT ? RT_WINDOW_HELD_OUT : RT_WINDOW_TRAIN;
  __builtin_memcpy(rt_learner_input(), rt_learner_recent_input(recent), learner->input_bytes);
  const rt_status_t status = rt_train_remember(&learner->trainer, label, kept_for);
  rt_learner_show_input(); /* an inference that is under way goes on with its own */
  return status == RT_OK ? RT_LEARNER_OK : RT_LEARNER_FULL;
}

static void answer_remember(rt_service_t *service, const rt_packet_t *packet) {
  const rt_learner_status_t status =
      remember(rt_learner_field(packet, 0, 4), rt_learner_field(packet, 4, 2),
               rt_learner_field(packet, 6, 1));
  rt_learner_reply_counts(service, packet, status, window_count(RT_WINDOW_TRAIN),
                          window_count(RT_WINDOW_HELD_OUT), 3);
}

static rt_learner_status_t forget(void) {
  if (rt_learner_is_busy()) return RT_LEARNER_IS_BUSY;
  if (rt_learner_has_adapter()) rt_train_forget(&rt_learner.trainer);
  return RT_LEARNER_OK;
}

/* ---- bursts ---- */

static rt_status_t begin_training(uint32_t steps) {
  const rt_learner_settings_t *settings = &rt_learner_settings;
  rt_train_params_t params;
  rt_train_defaults(&rt_learner.adapter, &params);
  if (settings->learning_rate_q15 < 0 || settings->momentum_q15 < 0) return RT_ERROR_ARGUMENT;
  params.steps = steps;
  params.rate_q24 = (uint32_t)settings->learning_rate_q15 << 9;
  params.momentum_q15 = (uint32_t)settings->momentum_q15;
  params.batch = settings->batch;
  params.clip_q16 = (uint32_t)settings->clip_q8 << 8;
  params.seed = settings->seed;
  return rt_train_begin(&rt_learner.trainer, &params);
}

static rt_learner_status_t train(uint32_t steps, uint32_t budget_ms) {
  rt_learner_t *learner = &rt_learner;
  if (rt_learner_is_busy() || rt_learner_has_job(RT_JOB_SWAP)) return RT_LEARNER_IS_BUSY;
  if (!rt_learner_has_adapter()) return RT_LEARNER_UNSUPPORTED;
  if (window_count(RT_WINDOW_TRAIN) == 0) return RT_LEARNER_NO_SAMPLES;
  if (steps == 0) steps = rt_learner_settings.steps;
  /* Settings that the engine does not take. */
  if (begin_training(steps) != RT_OK) return RT_LEARNER_UNSUPPORTED;
  rt_learner_burst_begun();
  const uint64_t budget = (uint64_t)budget_ms * rt_board.clock_hz / 1000u;
  learner->burst = (rt_learner_burst_t){
      .steps = steps, .budget_cycles = budget_ms == 0 ? UINT64_MAX : budget, .is_running = 1};
  learner->is_training = 1;
  learner->loss_q28 = 0;
  return RT_LEARNER_OK;
}

static void check(rt_service_t *service, const rt_packet_t *packet) {
  static const uint16_t nothing[7];
  rt_learner_status_t status = RT_LEARNER_OK;
  if (rt_learner_is_busy()) {
    status = RT_LEARNER_IS_BUSY;
  } else if (window_count(RT_WINDOW_HELD_OUT) == 0) {
    status = RT_LEARNER_NO_SAMPLES;
  } else if (rt_learner_queue(RT_JOB_CHECK) != RT_OK) {
    status = RT_LEARNER_IS_BUSY;
  }
  if (status == RT_LEARNER_OK) return; /* the report follows when it is done */
  uint16_t payload[8];
  payload[0] = (uint16_t)status;
  __builtin_memcpy(payload + 1, nothing, sizeof nothing);
  rt_service_reply(service, packet, payload, sizeof payload);
}

static rt_learner_status_t stop(void) {
  if (rt_learner.burst.is_running) rt_learner.burst.is_stopping = 1;
  return RT_LEARNER_OK;
}

static rt_learner_status_t restore(void) {
  if (rt_learner_is_busy() || rt_learner_has_job(RT_JOB_SWAP)) return RT_LEARNER_IS_BUSY;
  if (!rt_learner_has_adapter()) return RT_LEARNER_NOTHING_TO_RESTORE;
  if (rt_train_restore(&rt_learner.trainer) != RT_OK) return RT_LEARNER_NOTHING_TO_RESTORE;
  rt_learner_burst_undone();
  rt_learner_restart_inference();
  return RT_LEARNER_OK;
}

/* ---- names ---- */

static uint8_t copy_text(uint8_t *to, const char *text, uint32_t capacity) {
  uint32_t length = 0;
  while (length < capacity && text[length] != 0) {
    to[length] = (uint8_t)text[length];
    length++;
  }
  return (uint8_t)length;
}

static void class_name(rt_service_t *service, const rt_packet_t *packet) {
  uint8_t payload[64];
  const uint32_t index = rt_learner_field(packet, 0, 1);
  const rt_learner_model_t *model = rt_learner.model;
  payload[0] = (uint8_t)index;
  const char *name = index < model->label_count ? model->labels[index] : "";
  const uint8_t length = copy_text(payload + 1, name, sizeof payload - 1);
  rt_service_reply(service, packet, payload, (uint8_t)(1u + length));
}

static void reply_text(rt_service_t *service, const rt_packet_t *packet, const char *text) {
  uint8_t payload[64];
  const uint8_t length = copy_text(payload, text, sizeof payload);
  rt_service_reply(service, packet, payload, length);
}

static void command(rt_service_t *service, const rt_packet_t *packet) {
  if (rt_learner_places_command(service, packet)) return;
  switch (packet->command) {
    case COMMAND_INFER:
      infer(service, packet);
      break;
    case COMMAND_REMEMBER:
      answer_remember(service, packet);
      break;
    case COMMAND_TRAIN:
      rt_learner_reply_status(
          service, packet, train(rt_learner_field(packet, 0, 4), rt_learner_field(packet, 4, 4)));
      break;
    case COMMAND_STOP:
      rt_learner_reply_status(service, packet, stop());
      break;
    case COMMAND_CHECK:
      check(service, packet);
      break;
    case COMMAND_RESTORE:
      rt_learner_reply_status(service, packet, restore());
      break;
    case COMMAND_FORGET:
      rt_learner_reply_status(service, packet, forget());
      break;
    case COMMAND_CLASS_NAME:
      class_name(service, packet);
      break;
    case RT_COMMAND_GET | REG_MODEL_NAME:
      reply_text(service, packet, rt_learner.model->name);
      break;
    case RT_COMMAND_GET | REG_FEATURES:
      reply_text(service, packet, rt_learner.model->profile_name);
      break;
    default:
      break;
  }
}

/* ---- registers ---- */

static void show_configuration(void) {
  rt_learner_settings.method = rt_learner.method;
  rt_learner_settings.rank = rt_learner.rank;
}

static void send_unsupported(rt_service_t *service, uint32_t method, uint32_t rank) {
  static const char *const names[] = {"none", "head", "skip", "lora"};
  uint8_t payload[48] = {RT_LEARNER_UNSUPPORTED, 0};
  uint32_t length = 2;
  length += copy_text(payload + length, "no adapter ", sizeof payload - length);
  length += copy_text(payload + length, names[method], sizeof payload - length);
  length += copy_text(payload + length, " of rank ", sizeof payload - length);
  if (rank >= 10) payload[length++] = (uint8_t)('0' + rank / 10);
  payload[length++] = (uint8_t)('0' + rank % 10);
  rt_service_event(service, EVENT_ERROR, payload, (uint8_t)length);
}

/* On failure (memory that is too small for this model) the model is as before, its adapter reset.
 */
static rt_status_t change_model(const rt_learner_model_t *model, uint8_t method) {
  const rt_learner_model_t *present = rt_learner.model;
  const uint8_t present_method = rt_learner.method;
  const rt_status_t status = rt_learner_bind(model, method);
  if (status != RT_OK) rt_learner_bind(present, present_method);
  return status;
}

/*
 * Takes over registers `method` and `rank`; what the firmware was not built with is set back. Who
 * changes the method alone gets the rank that there is.
 */
static void configure(rt_service_t *service, uint16_t code) {
  const uint8_t method = rt_learner_settings.method;
  uint8_t rank = rt_learner_settings.rank;
  if (rank < 1) rank = 1;
  if (rank > RT_ADAPTER_RANK_MAX) rank = RT_ADAPTER_RANK_MAX;
  const uint32_t changed = method != rt_learner.method || rank != rt_learner.rank;
  const uint32_t is_busy = rt_learner_is_busy() || rt_learner_has_job(RT_JOB_SWAP);
  if (method <= RT_ADAPTER_LORA && changed && !is_busy) {
    const rt_learner_model_t *model = rt_learner_find_model(method, rank);
    if (model == NULL && code == REG_METHOD) {
      model = rt_learner_find_model(method, RT_LEARNER_ANY_RANK);
    }
    if (model == NULL || change_model(model, method) != RT_OK) {
      send_unsupported(service, method, rank);
    }
  }
  show_configuration();
}

static void written(rt_service_t *service, uint16_t code) {
  if (code == REG_METHOD || code == REG_RANK) configure(service, code);
}

static void read_model(void) {
  const rt_learner_model_t *model = rt_learner.model;
  values.model_hash = model->model->hash;
  values.model_bytes = model->model_bytes;
  values.arena_bytes = model->model->arena_bytes;
  values.input_bytes = (uint16_t)rt_learner.input_bytes;
  values.classes = (uint8_t)model->label_count;
  values.slots = RT_STORE_SLOTS;
  values.places = (uint8_t)rt_learner_place_count();
  values.adapter_bytes =
      (uint16_t)(rt_learner_has_adapter() ? rt_blob_bytes(&rt_learner.adapter) : 0);
  values.capacity = (uint16_t)(rt_learner_has_adapter() ? rt_learner.trainer.windows.capacity : 0);
}

/* Some are read many times a second, others cost more than they: only the one that is asked for. */
static void reading(rt_service_t *service, uint16_t code) {
  (void)service;
  switch (code) {
    case REG_LOSS:
      values.loss_q12 = (rt_learner.loss_q28 + (1u << 15)) >> 16;
      break;
    case REG_ENERGY:
      values.energy_q15 = rt_learner_joules_q15(rt_learner.cycles);
      break;
    case REG_KILOCYCLES:
      values.kilocycles = (uint32_t)((rt_learner.cycles + 500u) / 1000u);
      break;
    case REG_TRAIN_COUNT:
      values.train_count = (uint16_t)window_count(RT_WINDOW_TRAIN);
      break;
    case REG_HELD_OUT_COUNT:
      values.held_out_count = (uint16_t)window_count(RT_WINDOW_HELD_OUT);
      break;
    case REG_TRAINING:
      values.training = rt_learner.burst.is_running;
      break;
    case REG_NEWEST_SLOT:
      values.newest_slot = (uint8_t)rt_store_newest();
      break;
    case REG_ACTIVE_PLACE:
      values.active_place = (uint8_t)rt_learner_active_place();
      break;
    case REG_LAST_PREDICTION:
      rt_prediction_pack(&rt_learner.last, values.last_prediction);
      break;
    default:
      read_model();
      break;
  }
}

#define READ RT_REGISTER_READ
#define WRITE (RT_REGISTER_READ | RT_REGISTER_WRITE)

static const rt_service_register_t table[] = {
    {REG_ENABLED, 1, WRITE, &rt_learner_settings.enabled},
    {REG_METHOD, 1, WRITE, &rt_learner_settings.method},
    {REG_RANK, 1, WRITE, &rt_learner_settings.rank},
    {REG_LEARNING_RATE, 2, WRITE, &rt_learner_settings.learning_rate_q15},
    {REG_MOMENTUM, 2, WRITE, &rt_learner_settings.momentum_q15},
    {REG_BATCH, 1, WRITE, &rt_learner_settings.batch},
    {REG_CLIP, 2, WRITE, &rt_learner_settings.clip_q8},
    {REG_STEPS, 2, WRITE, &rt_learner_settings.steps},
    {REG_SEED, 4, WRITE, &rt_learner_settings.seed},
    {REG_SLICE, 4, WRITE, &rt_learner_settings.slice_us},
    {REG_MODEL_HASH, 4, READ, &values.model_hash},
    {REG_MODEL_SIZE, 4, READ, &values.model_bytes},
    {REG_INPUT_SIZE, 2, READ, &values.input_bytes},
    {REG_CLASSES, 1, READ, &values.classes},
    {REG_ARENA_SIZE, 4, READ, &values.arena_bytes},
    {REG_ADAPTER_SIZE, 2, READ, &values.adapter_bytes},
    {REG_CAPACITY, 2, READ, &values.capacity},
    {REG_SLOTS, 1, READ, &values.slots},
    {REG_NEWEST_SLOT, 1, READ, &values.newest_slot},
    {REG_PLACES, 1, READ, &values.places},
    {REG_ACTIVE_PLACE, 1, READ, &values.active_place},
    {REG_LAST_PREDICTION, RT_PREDICTION_BYTES, READ, values.last_prediction},
    {REG_LOSS, 4, READ, &values.loss_q12},
    {REG_TRAIN_COUNT, 2, READ, &values.train_count},
    {REG_HELD_OUT_COUNT, 2, READ, &values.held_out_count},
    {REG_TRAINING, 1, READ, &values.training},
    {REG_ENERGY, 4, READ, &values.energy_q15},
    {REG_KILOCYCLES, 4, READ, &values.kilocycles},
};

/* ---- life ---- */

/* What the engine recommends, in the units of the registers. */
static void show_defaults(void) {
  rt_learner_settings_t *settings = &rt_learner_settings;
  *settings = (rt_learner_settings_t){.enabled = 1, .batch = 1, .seed = 1, .slice_us = 20000};
  show_configuration();
  if (!rt_learner_has_adapter()) return;
  rt_train_params_t params;
  rt_train_defaults(&rt_learner.adapter, &params);
  settings->learning_rate_q15 = (int16_t)((params.rate_q24 + 256u) >> 9);
  settings->momentum_q15 = (int16_t)params.momentum_q15;
  settings->batch = (uint8_t)params.batch;
  settings->clip_q8 = (uint16_t)((params.clip_q16 + 128u) >> 8);
  settings->steps = (uint16_t)params.steps;
}

static uint8_t first_method(void) {
  const rt_adapter_plan_t *plan = rt_learner_setup->models[0].model->adapter;
  return plan == NULL ? RT_LEARNER_METHOD_NONE : (uint8_t)plan->method;
}

static rt_status_t start(void) {
  rt_learner.last = (rt_prediction_t){0};
  const rt_status_t status = rt_learner_bind(&rt_learner_setup->models[0], first_method());
  if (status == RT_OK) show_defaults();
  return status;
}

static rt_status_t init(rt_service_t *service) {
  if (rt_learner_setup == NULL || rt_learner_setup->model_count == 0) return RT_ERROR_STATE;
  rt_learner.service = service;
  rt_learner.cycles = 0;
  rt_store_init(); /* a board without room for slots says so when something is saved */
  const rt_status_t status = start();
  if (status == RT_OK) rt_capture_attach(rt_learner_deliver);
  return status;
}

/* A new script finds the learner as after a reboot; only the energy goes on counting. */
static void reset(rt_service_t *service) {
  (void)service;
  start();
}

static uint64_t poll(rt_service_t *service, uint64_t now_us) {
  (void)service;
  if (!rt_learner_work()) return UINT64_MAX;
  return rt_learner.is_held_back ? now_us + HELD_BACK_US : now_us;
}

const rt_service_module_t rt_module_learner = {
    .service_class = SERVICE_CLASS,
    .name = "learner",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .init = init,
    .reset = reset,
    .command = command,
    .reading = reading,
    .written = written,
    .poll = poll,
};
