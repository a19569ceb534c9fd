#include "store/store.h"

#include <stddef.h>

#include "store/internal.h"

#define SECTOR RT_HAL_FLASH_SECTOR_BYTES
#define PARTS_MOST 0x7fffffffu

rt_store_state_t rt_store;

/* ---- mount ---- */

/* What an older store left is taken over at once, and moved away from where it must not lie. */
static void take_over(void) {
  rt_store_slot_t entry;
  for (uint32_t place = 0; place < RT_STORE_OLD_PLACES; place++) {
    if (rt_store_old_entry(place, &entry) != RT_OK) continue;
    rt_store_log_reserve();
    return;
  }
}

rt_status_t rt_store_init(void) {
  uint32_t sectors = rt_board.store_bytes / SECTOR;
  if (sectors > RT_STORE_SECTORS_MAX) sectors = RT_STORE_SECTORS_MAX;
  rt_store = (rt_store_state_t){.next_number = 1, .open_sector = RT_STORE_NO_SECTOR};
  if (sectors < RT_STORE_SECTORS_MIN) return RT_ERROR_ARENA_SIZE;
  rt_store.sectors = (uint16_t)(sectors - RT_STORE_STAGING_SECTORS - RT_STORE_LOG_SECTORS);
  rt_store_log_mount();
  if (rt_store.generation == 0) take_over();
  for (uint32_t i = 0; i < RT_STORE_OLD_PLACES && rt_store_space_rescue() == RT_OK; i++) {
  }
  return RT_OK;
}

rt_status_t rt_store_staging(uint32_t *offset, uint32_t *bytes) {
  *offset = rt_board.store_offset + rt_store_payload_bytes();
  *bytes = rt_store.sectors == 0 ? 0 : RT_STORE_STAGING_SECTORS * SECTOR;
  return rt_store.sectors == 0 ? RT_ERROR_ARENA_SIZE : RT_OK;
}

/* ---- versions of a key ---- */

typedef struct {
  uint32_t slot[RT_STORE_VERSIONS]; /* newest first */
  uint32_t number[RT_STORE_VERSIONS];
  uint32_t count;
} versions_t;

static void insert(versions_t *versions, uint32_t slot, uint32_t number) {
  uint32_t at = versions->count;
  if (at < RT_STORE_VERSIONS) versions->count++;
  for (; at > 0 && versions->number[at - 1u] < number; at--) {
    if (at == RT_STORE_VERSIONS) continue;
    versions->slot[at] = versions->slot[at - 1u];
    versions->number[at] = versions->number[at - 1u];
  }
  if (at == RT_STORE_VERSIONS) return;
  versions->slot[at] = slot;
  versions->number[at] = number;
}

static void find_versions(uint16_t key, versions_t *versions) {
  versions->count = 0;
  for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
    rt_store_id_t id;
    if (!rt_store_is_set(rt_store.live, slot)) continue;
    rt_store_log_identify(slot, &id);
    if (id.key == key) insert(versions, slot, id.number);
  }
}

/* A payload in the log. One that had to be mended is handed out from memory. */
static void find_inline(uint32_t slot, const rt_store_slot_t *entry, uint32_t is_mended,
                        const uint8_t **data, uint32_t *bytes) {
  *data = rt_store_log_payload(slot);
  *bytes = entry->length;
  if (!is_mended) return;
  __builtin_memcpy(rt_store.mended, entry->body.bytes, sizeof rt_store.mended);
  *data = rt_store.mended;
}

static rt_status_t find_extent(const rt_store_slot_t *entry, const uint8_t **data,
                               uint32_t *bytes) {
  if (!rt_store_is_inside(entry)) return RT_ERROR_BLOB_CHECKSUM;
  *data = rt_store_flash(entry->body.extent.start);
  *bytes = entry->body.extent.bytes;
  return rt_store_crc32(0, *data, *bytes) == entry->body.extent.crc ? RT_OK
                                                                    : RT_ERROR_BLOB_CHECKSUM;
}

static rt_status_t read_slot(uint32_t slot, const uint8_t **data, uint32_t *bytes) {
  rt_store_slot_t entry;
  uint32_t is_mended;
  const rt_status_t status = rt_store_log_read(slot, &entry, &is_mended);
  if (status != RT_OK) return status;
  if (entry.kind == RT_STORE_EXTENT) return find_extent(&entry, data, bytes);
  if (entry.length > RT_STORE_INLINE_BYTES) return RT_ERROR_BLOB_CHECKSUM;
  find_inline(slot, &entry, is_mended, data, bytes);
  return RT_OK;
}

rt_status_t rt_store_get_version(uint16_t key, uint32_t back, const uint8_t **data,
                                 uint32_t *bytes) {
  versions_t versions;
  find_versions(key, &versions);
  if (back >= versions.count) return RT_ERROR_EMPTY;
  return read_slot(versions.slot[back], data, bytes);
}

rt_status_t rt_store_get(uint16_t key, const uint8_t **data, uint32_t *bytes) {
  versions_t versions;
  find_versions(key, &versions);
  rt_status_t status = RT_ERROR_EMPTY;
  for (uint32_t i = 0; i < versions.count && status != RT_OK; i++) {
    status = read_slot(versions.slot[i], data, bytes);
  }
  return status;
}

/* ---- lists ---- */

static void describe(const versions_t *versions, uint16_t key, uint32_t back,
                     rt_store_entry_t *entry) {
  rt_store_slot_t slot;
  uint32_t is_mended;
  *entry = (rt_store_entry_t){
      .key = key, .versions = (uint8_t)versions->count, .number = versions->number[back]};
  if (rt_store_log_read(versions->slot[back], &slot, &is_mended) != RT_OK) return;
  entry->bytes = slot.kind == RT_STORE_EXTENT ? slot.body.extent.bytes : slot.length;
}

rt_status_t rt_store_find(uint16_t key, rt_store_entry_t *entry) {
  return rt_store_find_version(key, 0, entry);
}

rt_status_t rt_store_find_version(uint16_t key, uint32_t back, rt_store_entry_t *entry) {
  versions_t versions;
  find_versions(key, &versions);
  if (back >= versions.count) return RT_ERROR_EMPTY;
  describe(&versions, key, back, entry);
  return RT_OK;
}

rt_status_t rt_store_next(uint32_t *cursor, rt_store_entry_t *entry) {
  while (*cursor < RT_STORE_SLOT_COUNT) {
    const uint32_t slot = (*cursor)++;
    rt_store_id_t id;
    versions_t versions;
    if (!rt_store_is_set(rt_store.live, slot)) continue;
    rt_store_log_identify(slot, &id);
    find_versions(id.key, &versions);
    if (versions.slot[0] != slot) continue; /* each key once, where its newest version is */
    describe(&versions, id.key, 0, entry);
    return RT_OK;
  }
  return RT_ERROR_EMPTY;
}

uint32_t rt_store_newest(void) {
  uint32_t newest = RT_STORE_NO_SLOT, newest_number = 0;
  for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
    rt_store_id_t id;
    if (!rt_store_is_set(rt_store.live, slot)) continue;
    rt_store_log_identify(slot, &id);
    const uint32_t adapter = (uint32_t)id.key - RT_STORE_KEY_ADAPTER;
    if (adapter >= RT_STORE_SLOTS || id.number < newest_number) continue;
    newest = adapter;
    newest_number = id.number;
  }
  return newest;
}

static uint32_t count_live(void) {
  uint32_t count = 0;
  for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
    count += rt_store_is_set(rt_store.live, slot);
  }
  return count;
}

uint32_t rt_store_room(void) {
  uint32_t longest;
  if (rt_store.sectors == 0 || count_live() >= RT_STORE_RECORDS_MAX) return 0;
  rt_store_space_free(&longest);
  return longest * SECTOR;
}

void rt_store_stats(rt_store_stats_t *stats) {
  uint32_t longest;
  rt_store_entry_t entry;
  *stats = (rt_store_stats_t){.sectors = rt_store.sectors,
                              .records = (uint16_t)count_live(),
                              .log_entries = rt_store.next_slot,
                              .erases_min = UINT32_MAX,
                              .commits = rt_store.next_number - 1u};
  stats->free_sectors = (uint16_t)rt_store_space_free(&longest);
  stats->log_erases = (rt_store.generation + RT_STORE_LOG_SECTORS - 1u) / RT_STORE_LOG_SECTORS;
  for (uint32_t cursor = 0; rt_store_next(&cursor, &entry) == RT_OK;) stats->keys++;
  for (uint32_t i = 0; i < rt_store.sectors; i++) {
    const uint32_t erases = rt_store.wear_base + rt_store.wear[i];
    stats->retired_sectors += rt_store.wear[i] == RT_STORE_RETIRED;
    if (rt_store.wear[i] == RT_STORE_RETIRED) continue;
    if (erases < stats->erases_min) stats->erases_min = erases;
    if (erases > stats->erases_max) stats->erases_max = erases;
  }
  if (stats->erases_min > stats->erases_max) stats->erases_min = stats->erases_max;
}

/* ---- writing ---- */

/* 1 when a part lies in the sectors of a version: they must not be erased to write it. */
static uint32_t is_source(const rt_store_content_t *content, uint32_t slot) {
  rt_store_slot_t entry;
  uint32_t is_mended;
  if (rt_store_log_read(slot, &entry, &is_mended) != RT_OK) return 0;
  if (entry.kind != RT_STORE_EXTENT || !rt_store_is_inside(&entry)) return 0;
  const uint32_t first = entry.body.extent.start / SECTOR * SECTOR;
  const uintptr_t start = (uintptr_t)rt_store_flash(first);
  const uintptr_t end = (uintptr_t)rt_store_flash(
      (entry.body.extent.start + entry.body.extent.bytes + SECTOR - 1u) / SECTOR * SECTOR);
  for (uint32_t i = 0; i < content->count; i++) {
    const uintptr_t data = (uintptr_t)content->parts[i].data;
    if (data < end && data + content->parts[i].bytes > start) return 1;
  }
  return 0;
}

/* What a new version does to those that are there. */
typedef struct {
  uint32_t count;      /* of versions before */
  uint32_t oldest;     /* number of the first of them */
  uint32_t first_gone; /* damaged ones make room before an older one that is good; 0: none */
  uint32_t victim;     /* number of one that dies and whose sectors may be taken; 0: none */
} plan_t;

static plan_t plan_versions(uint16_t key, const rt_store_content_t *content) {
  versions_t versions;
  find_versions(key, &versions);
  plan_t plan = {.count = versions.count};
  if (versions.count > 0) plan.oldest = versions.number[versions.count - 1u];
  uint32_t dies = versions.count == RT_STORE_VERSIONS ? RT_STORE_VERSIONS - 1u : versions.count;
  for (uint32_t i = 0; i < versions.count; i++) {
    const uint8_t *data;
    uint32_t bytes;
    if (read_slot(versions.slot[i], &data, &bytes) == RT_OK) break;
    plan.first_gone = versions.number[i];
    dies = i;
  }
  if (dies < versions.count && !is_source(content, versions.slot[dies])) {
    plan.victim = versions.number[dies];
  }
  return plan;
}

static void fill_inline(const rt_store_content_t *content, rt_store_slot_t *entry) {
  uint32_t at = 0;
  for (uint32_t i = 0; i < content->count; i++) {
    if (content->parts[i].bytes == 0) continue;
    __builtin_memcpy(entry->body.bytes + at, content->parts[i].data, content->parts[i].bytes);
    at += content->parts[i].bytes;
  }
  entry->kind = RT_STORE_INLINE;
  entry->length = (uint8_t)at;
}

static void begin_entry(uint16_t key, rt_store_slot_t *entry) {
  __builtin_memset(entry, 0xff, sizeof *entry);
  entry->key = key;
  entry->number = entry->first_gone = rt_store.next_number;
}

static rt_status_t put(uint16_t key, const rt_store_content_t *content) {
  rt_store_slot_t entry;
  rt_status_t status = rt_store_log_reserve();
  if (status != RT_OK) return status;
  const plan_t plan = plan_versions(key, content);
  const uint32_t is_full = count_live() >= RT_STORE_RECORDS_MAX;
  if (is_full && plan.count == 0) return RT_ERROR_FULL;
  begin_entry(key, &entry);
  if (plan.first_gone != 0) entry.first_gone = plan.first_gone;
  /* The only version of a key then makes room for the new one. */
  if (is_full && plan.count < RT_STORE_VERSIONS) entry.first_gone = plan.oldest;
  if (content->bytes <= RT_STORE_INLINE_BYTES) {
    fill_inline(content, &entry);
  } else {
    status = rt_store_space_write(content, plan.victim, &entry);
  }
  return status == RT_OK ? rt_store_log_append(&entry) : status;
}

rt_status_t rt_store_put(uint16_t key, const rt_store_part_t *parts, uint32_t count) {
  rt_store_content_t content = {parts, count, 0};
  if (key == 0 || key == 0xffffu) return RT_ERROR_ARGUMENT;
  if (rt_store.sectors == 0) return RT_ERROR_STATE;
  for (uint32_t i = 0; i < count; i++) {
    if (parts[i].bytes > PARTS_MOST - content.bytes) return RT_ERROR_FULL;
    content.bytes += parts[i].bytes;
  }
  const uint32_t generation = rt_store.generation;
  const rt_status_t status = put(key, &content);
  /* Not together with a new log sector: the processor would stand still for too long. */
  const uint32_t is_cheap =
      rt_store.generation == generation && rt_store.next_slot < RT_STORE_SLOT_COUNT;
  if (status == RT_OK && is_cheap) rt_store_space_level(); /* if that fails, nothing is lost */
  return status;
}

/* Ends the versions of a key from `first` on. */
static rt_status_t end(uint16_t key, uint32_t first) {
  rt_store_slot_t entry;
  const rt_status_t status = rt_store_log_reserve();
  if (status != RT_OK) return status;
  begin_entry(key, &entry);
  entry.kind = RT_STORE_GONE;
  entry.first_gone = first;
  return rt_store_log_append(&entry);
}

rt_status_t rt_store_roll_back(uint16_t key) {
  versions_t versions;
  const uint8_t *data;
  uint32_t bytes;
  find_versions(key, &versions);
  if (versions.count < 2 || read_slot(versions.slot[1], &data, &bytes) != RT_OK) {
    return RT_ERROR_EMPTY;
  }
  return end(key, versions.number[0]);
}

rt_status_t rt_store_drop(uint16_t key) {
  versions_t versions;
  find_versions(key, &versions);
  if (versions.count == 0) return RT_ERROR_EMPTY;
  return end(key, 0);
}
