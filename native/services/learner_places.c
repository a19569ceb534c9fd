/* Commands of services/learner.md about adapters: places in RAM and slots in flash. */
#include "services/learner_places.h"

#include "services/learner.h"
#include "services/learner_codes.h"
#include "services/learner_packet.h"

rt_learner_place_t *rt_learner_place(uint32_t place) { return &rt_learner_setup->places[place]; }

static void forget_place(uint32_t place) {
  *rt_learner_place(place) = (rt_learner_place_t){.slot = RT_STORE_NO_SLOT};
}

void rt_learner_forget_places(void) {
  for (uint32_t place = 0; place < rt_learner_setup->place_count; place++) forget_place(place);
  rt_learner.burst_place = RT_LEARNER_NO_PLACE;
}

/* ---- bursts and checks ---- */

void rt_learner_burst_begun(void) {
  rt_learner_score_t *score = &rt_learner_place(rt_learner_active_place())->score;
  rt_learner.burst_place = (uint8_t)rt_learner_active_place();
  rt_learner.burst_score = *score;
  score->bursts++;
  score->is_changed = 1;
}

void rt_learner_burst_undone(void) {
  rt_learner_place(rt_learner.burst_place)->score = rt_learner.burst_score;
  rt_learner.burst_place = RT_LEARNER_NO_PLACE;
}

void rt_learner_checked(const rt_check_result_t *check) {
  rt_learner_score_t *score = &rt_learner_place(rt_learner_active_place())->score;
  score->held_out = (uint16_t)check->total;
  score->right_before = (uint16_t)check->before_correct;
  score->right_after = (uint16_t)check->after_correct;
}

/* Another adapter has come into a place: the one from before the last burst is none of its past. */
static void replaced(uint32_t place) {
  if (place == rt_learner.burst_place) {
    rt_learner.burst_place = RT_LEARNER_NO_PLACE;
    rt_learner.trainer.can_restore = 0;
  }
  if (place == rt_learner_active_place()) rt_learner_restart_inference();
}

/* What a slot held has changed: the places that have it are no longer what it holds. */
static void slot_changed(uint32_t slot) {
  for (uint32_t place = 0; place < rt_learner_place_count(); place++) {
    rt_learner_place_t *known = rt_learner_place(place);
    if (known->slot == slot) known->score.is_changed = 1;
  }
}

/* Whether adapters and places must stay as they are. */
static uint32_t is_busy(void) { return rt_learner_is_busy() || rt_learner_has_job(RT_JOB_SWAP); }

/* ---- slots ---- */

/* The newest version from `*back` on that can be read. in-out: back, 0 for the newest. */
static rt_learner_status_t find_version(uint32_t slot, uint32_t *back, rt_adapter_record_t *record,
                                        const uint8_t **blob) {
  for (; *back < RT_STORE_VERSIONS; ++*back) {
    const rt_status_t status = rt_adapter_record_get(slot, *back, record, blob);
    if (status == RT_OK) return *back == 0 ? RT_LEARNER_OK : RT_LEARNER_OLDER;
    if (status == RT_ERROR_EMPTY) break;
  }
  return *back == 0 ? RT_LEARNER_EMPTY_SLOT : RT_LEARNER_BAD_SLOT;
}

static rt_learner_status_t save(uint32_t slot, uint32_t *bytes) {
  if (is_busy()) return RT_LEARNER_IS_BUSY;
  if (slot >= RT_STORE_SLOTS) return RT_LEARNER_BAD_SLOT;
  if (!rt_learner_has_adapter()) return RT_LEARNER_UNSUPPORTED;
  const rt_adapter_t *adapter = &rt_learner.adapter;
  rt_learner_place_t *place = rt_learner_place(rt_learner_active_place());
  rt_adapter_record_t record;
  const uint8_t *blob;
  uint32_t back = 0;
  const rt_learner_status_t found = find_version(slot, &back, &record, &blob);
  const uint32_t is_there = found == RT_LEARNER_OK || found == RT_LEARNER_OLDER;
  const uint32_t saves = is_there ? record.saves : 0;
  uint8_t header[RT_BLOB_HEADER_BYTES];
  rt_blob_header(adapter, header);
  record = (rt_adapter_record_t){.model_hash = adapter->engine->model->hash,
                                 .layout_hash = adapter->plan->hash,
                                 .method = rt_learner.method,
                                 .rank = (uint8_t)adapter->plan->rank,
                                 .source = place->source,
                                 .state = RT_ADAPTER_KEPT,
                                 .held_out = place->score.held_out,
                                 .right_before = place->score.right_before,
                                 .right_after = place->score.right_after,
                                 .saves = saves + 1u,
                                 .bursts = place->score.bursts,
                                 .delta_counter = place->delta_counter};
  __builtin_memcpy(record.name, place->name, place->name_bytes);
  const rt_store_part_t parts[2] = {{header, sizeof header},
                                    {adapter->exponents, adapter->plan->payload.bytes}};
  if (rt_adapter_record_put(slot, &record, parts, 2) != RT_OK) return RT_LEARNER_BAD_SLOT;
  slot_changed(slot);
  place->slot = (uint8_t)slot;
  place->score.is_changed = 0;
  *bytes = rt_blob_bytes(adapter);
  return RT_LEARNER_OK;
}

static void note_loaded(uint32_t place, uint32_t slot, const rt_adapter_record_t *record) {
  rt_learner_place_t *known = rt_learner_place(place);
  *known = (rt_learner_place_t){.score = {.bursts = record->bursts,
                                          .held_out = record->held_out,
                                          .right_before = record->right_before,
                                          .right_after = record->right_after},
                                .delta_counter = record->delta_counter,
                                .source = record->source,
                                .slot = (uint8_t)slot};
  while (known->name_bytes < RT_ADAPTER_NAME_BYTES && record->name[known->name_bytes] != 0) {
    known->name[known->name_bytes] = record->name[known->name_bytes];
    known->name_bytes++;
  }
}

static rt_learner_status_t load(uint32_t slot, uint32_t place, uint32_t *bytes) {
  rt_adapter_record_t record;
  const uint8_t *blob;
  if (is_busy()) return RT_LEARNER_IS_BUSY;
  if (place >= rt_learner_place_count()) return RT_LEARNER_BAD_PLACE;
  if (slot >= RT_STORE_SLOTS) return RT_LEARNER_BAD_SLOT;
  for (uint32_t back = 0;; back++) {
    const rt_learner_status_t found = find_version(slot, &back, &record, &blob);
    if (found != RT_LEARNER_OK && found != RT_LEARNER_OLDER) return found;
    if (!rt_learner_has_adapter()) return RT_LEARNER_MISMATCH;
    const rt_status_t taken =
        rt_blob_load_into(&rt_learner.adapter, place, blob, record.blob_bytes);
    if (taken == RT_ERROR_BLOB_MODEL) return RT_LEARNER_MISMATCH;
    if (taken != RT_OK) continue; /* damaged: the version before it may be sound */
    note_loaded(place, slot, &record);
    if (back > 0) rt_learner_place(place)->score.is_changed = 1;
    replaced(place);
    *bytes = record.blob_bytes;
    /* What was installed and is now in use has to be confirmed. */
    if (back == 0 && record.state == RT_ADAPTER_FRESH) {
      rt_adapter_record_set_state(slot, RT_ADAPTER_TRIAL);
    }
    return found;
  }
}

static rt_learner_status_t drop(uint32_t slot) {
  if (is_busy()) return RT_LEARNER_IS_BUSY;
  if (slot >= RT_STORE_SLOTS) return RT_LEARNER_BAD_SLOT;
  const rt_status_t status = rt_store_drop((uint16_t)(RT_STORE_KEY_ADAPTER + slot));
  if (status == RT_ERROR_EMPTY) return RT_LEARNER_EMPTY_SLOT;
  if (status != RT_OK) return RT_LEARNER_BAD_SLOT;
  /* The state names a version that is gone, so that a cut before this loses nothing. */
  rt_store_drop((uint16_t)(RT_STORE_KEY_ADAPTER_STATE + slot));
  slot_changed(slot);
  return RT_LEARNER_OK;
}

static uint32_t version_count(uint32_t slot) {
  rt_store_entry_t entry;
  const rt_status_t status = rt_store_find((uint16_t)(RT_STORE_KEY_ADAPTER + slot), &entry);
  return status == RT_OK ? entry.versions : 0;
}

static rt_learner_status_t roll_back(uint32_t slot) {
  if (is_busy()) return RT_LEARNER_IS_BUSY;
  if (slot >= RT_STORE_SLOTS) return RT_LEARNER_BAD_SLOT;
  const rt_status_t status = rt_store_roll_back((uint16_t)(RT_STORE_KEY_ADAPTER + slot));
  if (status == RT_ERROR_EMPTY) return RT_LEARNER_EMPTY_SLOT;
  if (status != RT_OK) return RT_LEARNER_BAD_SLOT;
  slot_changed(slot);
  return RT_LEARNER_OK;
}

/* Report of command describe; a name follows. */
typedef struct {
  uint16_t status, bytes;
  uint32_t saves, bursts, counter;
  uint16_t held_out, right_before, right_after;
  uint8_t slot, state, source, method, rank, versions;
  uint8_t name[RT_ADAPTER_NAME_BYTES];
} description_t;

static void describe(rt_service_t *service, const rt_packet_t *packet) {
  const uint32_t slot = rt_learner_field(packet, 0, 1);
  rt_adapter_record_t record;
  const uint8_t *blob;
  description_t report = {.status = RT_LEARNER_BAD_SLOT, .slot = (uint8_t)slot};
  uint8_t name_bytes = 0;
  uint32_t back = 0;
  if (slot < RT_STORE_SLOTS) {
    report.status = (uint16_t)find_version(slot, &back, &record, &blob);
    report.versions = (uint8_t)version_count(slot);
  }
  if (report.status == RT_LEARNER_OK || report.status == RT_LEARNER_OLDER) {
    report.bytes = (uint16_t)record.blob_bytes;
    report.saves = record.saves;
    report.bursts = record.bursts;
    report.counter = record.delta_counter;
    report.held_out = record.held_out;
    report.right_before = record.right_before;
    report.right_after = record.right_after;
    report.state = record.state;
    report.source = record.source;
    report.method = record.method;
    report.rank = record.rank;
    while (name_bytes < RT_ADAPTER_NAME_BYTES && record.name[name_bytes] != 0) {
      report.name[name_bytes] = record.name[name_bytes];
      name_bytes++;
    }
  }
  const uint8_t fixed = __builtin_offsetof(description_t, name);
  rt_service_reply(service, packet, &report, (uint8_t)(fixed + name_bytes));
}

/* ---- places ---- */

/* Report of command describe_place; a name follows. */
typedef struct {
  uint16_t status;
  uint8_t place, slot;
  uint32_t bursts;
  uint16_t held_out, right_before, right_after;
  uint8_t is_changed, is_active;
  uint8_t name[RT_ADAPTER_NAME_BYTES];
} place_description_t;

static void describe_place(rt_service_t *service, const rt_packet_t *packet) {
  const uint32_t place = rt_learner_field(packet, 0, 1);
  place_description_t report = {.status = RT_LEARNER_BAD_PLACE, .place = (uint8_t)place};
  uint8_t name_bytes = 0;
  if (place < rt_learner_place_count()) {
    const rt_learner_place_t *known = rt_learner_place(place);
    report.status = RT_LEARNER_OK;
    report.slot = known->slot;
    report.bursts = known->score.bursts;
    report.held_out = known->score.held_out;
    report.right_before = known->score.right_before;
    report.right_after = known->score.right_after;
    report.is_changed = known->score.is_changed;
    report.is_active = place == rt_learner_active_place();
    name_bytes = known->name_bytes;
    __builtin_memcpy(report.name, known->name, name_bytes);
  }
  const uint8_t fixed = __builtin_offsetof(place_description_t, name);
  rt_service_reply(service, packet, &report, (uint8_t)(fixed + name_bytes));
}

/* Bytes of the UTF-8 character at `text`, of which `bytes` are left; 0: it is none, or one that
 * controls a terminal. */
static uint32_t character_bytes(const uint8_t *text, uint32_t bytes) {
  static const uint32_t least[5] = {0, 0x20, 0x80, 0x800, 0x10000};
  const uint8_t lead = text[0];
  const uint32_t length = lead < 0x80   ? 1
                          : lead < 0xc0 ? 0
                          : lead < 0xe0 ? 2
                          : lead < 0xf0 ? 3
                          : lead < 0xf8 ? 4
                                        : 0;
  if (length == 0 || length > bytes) return 0;
  uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
  for (uint32_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    point = (point << 6) | (text[i] & 0x3fu);
  }
  const uint32_t is_surrogate = point >= 0xd800 && point < 0xe000;
  return point < least[length] || point == 0x7f || point > 0x10ffff || is_surrogate ? 0 : length;
}

static uint32_t is_name(const uint8_t *text, uint32_t bytes) {
  if (bytes > RT_ADAPTER_NAME_BYTES) return 0;
  while (bytes > 0) {
    const uint32_t length = character_bytes(text, bytes);
    if (length == 0) return 0;
    text += length;
    bytes -= length;
  }
  return 1;
}

static rt_learner_status_t rename_place(uint32_t place, const uint8_t *name, uint32_t bytes) {
  if (place >= rt_learner_place_count()) return RT_LEARNER_BAD_PLACE;
  if (!is_name(name, bytes)) return RT_LEARNER_BAD_NAME;
  rt_learner_place_t *known = rt_learner_place(place);
  __builtin_memset(known->name, 0, sizeof known->name);
  __builtin_memcpy(known->name, name, bytes);
  known->name_bytes = (uint8_t)bytes;
  known->score.is_changed = 1;
  return RT_LEARNER_OK;
}

static rt_learner_status_t clear_place(uint32_t place) {
  if (is_busy()) return RT_LEARNER_IS_BUSY;
  if (place >= rt_learner_place_count()) return RT_LEARNER_BAD_PLACE;
  forget_place(place);
  if (!rt_learner_has_adapter()) return RT_LEARNER_OK;
  rt_adapter_t *adapter = &rt_learner.adapter;
  const uint32_t active = adapter->place;
  rt_adapter_use(adapter, place);
  rt_adapter_reset(adapter, 1);
  rt_adapter_use(adapter, active);
  replaced(place);
  return RT_LEARNER_OK;
}

/* The name and the slot stay: it is the same user's adapter, which starts again. */
static rt_learner_status_t reset_adapter(void) {
  if (is_busy()) return RT_LEARNER_IS_BUSY;
  if (!rt_learner_has_adapter()) return RT_LEARNER_OK;
  rt_learner_place_t *place = rt_learner_place(rt_learner_active_place());
  place->score = (rt_learner_score_t){.is_changed = 1};
  place->source = RT_ADAPTER_TRAINED;
  place->delta_counter = 0;
  rt_adapter_reset(&rt_learner.adapter, 1);
  replaced(rt_learner_active_place());
  return RT_LEARNER_OK;
}

static void swap(rt_service_t *service, const rt_packet_t *packet) {
  const uint32_t place = rt_learner_field(packet, 0, 1);
  rt_learner_status_t status = RT_LEARNER_OK;
  if (place >= rt_learner_place_count()) {
    status = RT_LEARNER_BAD_PLACE;
  } else if (is_busy() || rt_learner_queue(RT_JOB_SWAP) != RT_OK) {
    status = RT_LEARNER_IS_BUSY;
  }
  if (status == RT_LEARNER_OK) {
    rt_learner.swap_place = (uint8_t)place; /* the report follows when it is done */
    return;
  }
  const uint8_t payload[3] = {(uint8_t)status, 0, (uint8_t)rt_learner_active_place()};
  rt_service_reply(service, packet, payload, sizeof payload);
}

void rt_learner_do_swap(void) {
  if (!rt_learner_has_adapter()) return;
  rt_adapter_use(&rt_learner.adapter, rt_learner.swap_place);
  rt_learner.trainer.can_restore = rt_learner.swap_place == rt_learner.burst_place;
}

/* ---- commands ---- */

static void answer_load(rt_service_t *service, const rt_packet_t *packet, uint32_t place) {
  const uint32_t slot = rt_learner_field(packet, 0, 1);
  uint32_t bytes = 0;
  const rt_learner_status_t status = load(slot, place, &bytes);
  const uint32_t where = slot | place << 8;
  rt_learner_reply_counts(service, packet, status, bytes, where,
                          packet->command == COMMAND_LOAD ? 2 : 3);
}

static void answer_roll_back(rt_service_t *service, const rt_packet_t *packet) {
  const uint32_t slot = rt_learner_field(packet, 0, 1);
  const rt_learner_status_t status = roll_back(slot);
  const uint32_t versions = slot < RT_STORE_SLOTS ? version_count(slot) : 0;
  const uint8_t payload[3] = {(uint8_t)status, 0, (uint8_t)versions};
  rt_service_reply(service, packet, payload, sizeof payload);
}

static void answer_save(rt_service_t *service, const rt_packet_t *packet) {
  uint32_t bytes = 0;
  const rt_learner_status_t status = save(rt_learner_field(packet, 0, 1), &bytes);
  rt_learner_reply_counts(service, packet, status, bytes, 0, 2);
}

uint32_t rt_learner_places_command(rt_service_t *service, const rt_packet_t *packet) {
  const uint32_t first = rt_learner_field(packet, 0, 1);
  switch (packet->command) {
    case COMMAND_SAVE:
      answer_save(service, packet);
      return 1;
    case COMMAND_LOAD:
      answer_load(service, packet, rt_learner_active_place());
      return 1;
    case COMMAND_LOAD_PLACE:
      answer_load(service, packet, rt_learner_field(packet, 1, 1));
      return 1;
    case COMMAND_DESCRIBE:
      describe(service, packet);
      return 1;
    case COMMAND_DROP:
      rt_learner_reply_status(service, packet, drop(first));
      return 1;
    case COMMAND_ROLL_BACK:
      answer_roll_back(service, packet);
      return 1;
    case COMMAND_SWAP:
      swap(service, packet);
      return 1;
    case COMMAND_DESCRIBE_PLACE:
      describe_place(service, packet);
      return 1;
    case COMMAND_RENAME:
      rt_learner_reply_status(
          service, packet,
          rename_place(first, packet->payload + 1, packet->size > 1 ? packet->size - 1u : 0));
      return 1;
    case COMMAND_CLEAR_PLACE:
      rt_learner_reply_status(service, packet, clear_place(first));
      return 1;
    case COMMAND_RESET:
      rt_learner_reply_status(service, packet, reset_adapter());
      return 1;
    default:
      return 0;
  }
}
