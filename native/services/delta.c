/* Commands, registers and events of services/delta.md over store/delta_install.h: thin. */
#include "engine/adapter_blob.h"
#include "hal/hal.h"
#include "services/learner.h"
#include "store/delta_install.h"
#include "store/trust.h"

/* Codes of services/delta.md. */
#define SERVICE_CLASS 0x1d3a9c52u
#define COMMAND_BEGIN 0x080u
#define COMMAND_DATA 0x081u
#define COMMAND_FINISH 0x082u
#define COMMAND_CONFIRM 0x083u
#define COMMAND_REVERT 0x084u
#define COMMAND_DESCRIBE 0x085u
#define COMMAND_READ 0x086u
#define REG_COUNTER 0x180u
#define REG_OWNER 0x181u
#define REG_RECEIVED 0x182u
#define REG_STAGING_SIZE 0x183u
#define REG_FRESH 0x184u
#define REG_TRIAL 0x185u
#define REG_REVERTED 0x186u
#define EVENT_INSTALLED 0x080u
#define EVENT_REFUSED 0x081u

/* Time for the bus to make room. */
#define HELD_BACK_US 1000u
#define STATE_EMPTY 0u

/* What is reported to whoever sent `finish`. */
static struct {
  uint8_t is_due;
  uint8_t status, slot; /* rt_delta_status_t */
} result;

/* Registers that are computed when they are read. */
static struct {
  uint32_t counter, received, staging_size;
  uint8_t fresh, trial, reverted;
} values;

/* What is missing is 0. */
static uint32_t field(const rt_packet_t *packet, uint32_t offset, uint32_t bytes) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < bytes && offset + i < packet->size; i++) {
    value |= (uint32_t)packet->payload[offset + i] << (8u * i);
  }
  return value;
}

static void put(uint8_t *at, uint32_t value, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8u * i));
}

static void reply_status(rt_service_t *service, const rt_packet_t *packet,
                         rt_delta_status_t status) {
  const uint16_t payload = (uint16_t)status;
  rt_service_reply(service, packet, &payload, sizeof payload);
}

/* A number of 32 bits, and the status. */
static void report_number(rt_service_t *service, uint16_t command, uint32_t number,
                          rt_delta_status_t status) {
  uint8_t payload[6];
  put(payload, number, 4);
  put(payload + 4, (uint32_t)status, 2);
  rt_service_report(service, command, payload, sizeof payload);
}

/* ---- transfer ---- */

static void begin(rt_service_t *service, const rt_packet_t *packet) {
  uint32_t offset = rt_delta_received();
  rt_delta_status_t status = RT_DELTA_NOT_A_DELTA;
  if (packet->size == 4u + RT_DELTA_HASH_BYTES) {
    status = rt_delta_begin(field(packet, 0, 4), packet->payload + 4, &offset);
  }
  report_number(service, packet->command, offset, status);
}

static void data(rt_service_t *service, const rt_packet_t *packet) {
  uint32_t offset = rt_delta_received();
  const uint32_t count = packet->size < 4u ? 0 : packet->size - 4u;
  const rt_delta_status_t status =
      rt_delta_data(field(packet, 0, 4), packet->payload + 4, count, &offset);
  report_number(service, packet->command, offset, status);
}

/* ---- installation ---- */

static void finish(rt_service_t *service, const rt_packet_t *packet) {
  rt_delta_status_t status = RT_DELTA_IS_BUSY;
  if (!rt_learner.burst.is_running && !result.is_due) {
    status = rt_delta_finish(packet->size == 0 ? RT_DELTA_ANY_SLOT : packet->payload[0]);
  }
  if (status == RT_DELTA_OK) return; /* the report follows when it is done */
  report_number(service, packet->command, rt_delta_counter(), status);
}

static void send_refused(rt_service_t *service, rt_delta_status_t status) {
  uint8_t payload[64];
  const char *reason = rt_delta_reason(status);
  uint32_t length = 2;
  put(payload, (uint32_t)status, 2);
  while (*reason != 0 && length < sizeof payload) payload[length++] = (uint8_t)*reason++;
  rt_service_event(service, EVENT_REFUSED, payload, (uint8_t)length);
}

static void send_installed(rt_service_t *service, uint32_t slot) {
  uint8_t payload[5];
  put(payload, rt_delta_counter(), 4);
  payload[4] = (uint8_t)slot;
  rt_service_event(service, EVENT_INSTALLED, payload, sizeof payload);
}

/* The report first: who waits for it must not lose it. */
static uint32_t send_result(rt_service_t *service) {
  const rt_delta_status_t status = (rt_delta_status_t)result.status;
  uint8_t payload[6];
  put(payload, rt_delta_counter(), 4);
  put(payload + 4, (uint32_t)status, 2);
  if (rt_service_report(service, COMMAND_FINISH, payload, sizeof payload) != RT_OK) return 0;
  result.is_due = 0;
  if (status == RT_DELTA_OK) {
    send_installed(service, result.slot);
  } else {
    send_refused(service, status);
  }
  return 1;
}

static const rt_adapter_t *present_adapter(void) {
  return rt_learner_has_adapter() ? &rt_learner.adapter : NULL;
}

static uint64_t poll(rt_service_t *service, uint64_t now_us) {
  rt_delta_status_t status;
  uint32_t slot;
  if (result.is_due) return send_result(service) ? UINT64_MAX : now_us + HELD_BACK_US;
  if (!rt_delta_is_installing()) return UINT64_MAX;
  if (rt_delta_work(present_adapter(), &status, &slot)) {
    result.is_due = 1;
    result.status = (uint8_t)status;
    result.slot = (uint8_t)slot;
  }
  return now_us;
}

/* ---- what slots hold ---- */

static rt_delta_status_t find(uint32_t slot, uint32_t back, rt_adapter_record_t *record,
                              const uint8_t **blob) {
  if (slot >= RT_STORE_SLOTS) return RT_DELTA_BAD_SLOT;
  const rt_status_t status = rt_adapter_record_get(slot, back, record, blob);
  if (status == RT_ERROR_EMPTY || status == RT_ERROR_ARGUMENT) return RT_DELTA_EMPTY_SLOT;
  if (status != RT_OK || record->blob_bytes < RT_BLOB_HEADER_BYTES) return RT_DELTA_BAD_ADAPTER;
  return RT_DELTA_OK;
}

static void describe(rt_service_t *service, const rt_packet_t *packet) {
  uint8_t payload[13 + RT_ADAPTER_NAME_BYTES] = {0};
  uint32_t length = 13;
  rt_adapter_record_t record;
  const uint8_t *blob;
  const rt_delta_status_t status = find(field(packet, 0, 1), field(packet, 1, 1), &record, &blob);
  put(payload, (uint32_t)status, 2);
  payload[12] = STATE_EMPTY;
  if (status == RT_DELTA_OK) {
    put(payload + 2, record.blob_bytes, 2);
    __builtin_memcpy(payload + 4, blob + 20, 4); /* its CRC */
    put(payload + 8, record.delta_counter, 4);
    payload[12] = (uint8_t)(record.state + 1u);
    const uint8_t *name = record.name;
    while (*name != 0 && length < sizeof payload) payload[length++] = *name++;
  }
  rt_service_reply(service, packet, payload, (uint8_t)length);
}

static void read(rt_service_t *service, const rt_packet_t *packet) {
  uint8_t payload[6 + RT_DELTA_PIECE_BYTES];
  rt_adapter_record_t record;
  const uint8_t *blob;
  uint32_t bytes = 0;
  uint32_t count = 0;
  const uint32_t offset = field(packet, 0, 4);
  const rt_delta_status_t status = find(field(packet, 4, 1), field(packet, 5, 1), &record, &blob);
  if (status == RT_DELTA_OK) {
    bytes = record.blob_bytes;
    count = offset < bytes ? bytes - offset : 0;
    if (count > RT_DELTA_PIECE_BYTES) count = RT_DELTA_PIECE_BYTES;
    __builtin_memcpy(payload + 6, blob + offset, count);
  }
  put(payload, bytes, 4);
  put(payload + 4, (uint32_t)status, 2);
  rt_service_reply(service, packet, payload, (uint8_t)(6u + count));
}

static void reply_owner(rt_service_t *service, const rt_packet_t *packet) {
  const uint8_t *owner = rt_trust_owner();
  rt_service_reply(service, packet, owner, owner == NULL ? 0 : RT_TRUST_KEY_BYTES);
}

/* While a file is being checked the slots stay as they are. */
static void decide(rt_service_t *service, const rt_packet_t *packet) {
  const uint32_t slot = field(packet, 0, 1);
  rt_delta_status_t status = RT_DELTA_IS_BUSY;
  if (!rt_delta_is_installing()) {
    status = packet->command == COMMAND_CONFIRM ? rt_delta_confirm(slot) : rt_delta_revert(slot);
  }
  reply_status(service, packet, status);
}

static void command(rt_service_t *service, const rt_packet_t *packet) {
  switch (packet->command) {
    case COMMAND_BEGIN:
      begin(service, packet);
      break;
    case COMMAND_DATA:
      data(service, packet);
      break;
    case COMMAND_FINISH:
      finish(service, packet);
      break;
    case COMMAND_CONFIRM:
    case COMMAND_REVERT:
      /* No signature says that they are the owner's. */
      if (rt_bus_is_locked_out(packet)) {
        rt_bus_not_implemented(packet);
      } else {
        decide(service, packet);
      }
      break;
    case COMMAND_DESCRIBE:
      describe(service, packet);
      break;
    case COMMAND_READ:
      /* What was learned of its users is not for everybody who can plug in a cable. */
      if (rt_bus_is_locked_out(packet)) {
        rt_bus_not_implemented(packet);
      } else {
        read(service, packet);
      }
      break;
    case RT_COMMAND_GET | REG_OWNER:
      reply_owner(service, packet);
      break;
    default:
      break;
  }
}

static void reading(rt_service_t *service, uint16_t code) {
  (void)service;
  if (code == REG_FRESH) values.fresh = (uint8_t)rt_delta_slots_in(RT_ADAPTER_FRESH);
  if (code == REG_TRIAL) values.trial = (uint8_t)rt_delta_slots_in(RT_ADAPTER_TRIAL);
  values.counter = rt_delta_counter();
  values.received = rt_delta_received();
  values.staging_size = rt_delta_staging_bytes();
  values.reverted = (uint8_t)rt_delta_reverted();
}

/* A script's restart is no boot: what is on trial stays so. */
static rt_status_t init(rt_service_t *service) {
  (void)service;
  if (rt_learner_setup == NULL) return RT_ERROR_EMPTY;
  result.is_due = 0;
  rt_delta_boot();
  return RT_OK;
}

static const rt_service_register_t table[] = {
    {REG_COUNTER, 4, RT_REGISTER_READ, &values.counter},
    {REG_RECEIVED, 4, RT_REGISTER_READ, &values.received},
    {REG_STAGING_SIZE, 4, RT_REGISTER_READ, &values.staging_size},
    {REG_FRESH, 1, RT_REGISTER_READ, &values.fresh},
    {REG_TRIAL, 1, RT_REGISTER_READ, &values.trial},
    {REG_REVERTED, 1, RT_REGISTER_READ, &values.reverted},
};

const rt_service_module_t rt_module_delta = {
    .service_class = SERVICE_CLASS,
    .name = "delta",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .guards_itself = 1,
    .init = init,
    .command = command,
    .reading = reading,
    .poll = poll,
};
