/*
 * The log. One of RT_STORE_LOG_SECTORS sectors is in use: its header names the generation, then
 * follow the entries that were copied when it was begun, then one entry a commit. When it is full,
 * or a bit of it has changed, what is live is copied to the next sector in turn, whose header is
 * committed last; the old one stays as it is until its turn comes.
 *
 * A commit is three programs of one slot: entry with CRC, marker, seal. Each is compared before the
 * next begins. A slot counts when CRC and marker are right. So a cut leaves: no entry; an entry
 * without marker; one whose marker is partly there (mount makes it invalid for good, so that bits
 * that read differently next time change nothing); one with a marker that may be weak (no seal:
 * mount programs marker and seal again).
 */
#include <stddef.h>

#include "store/internal.h"

#define TRIES 8u /* slots of a sector that do not take a commit, in a row */

typedef enum { SLOT_BLANK, SLOT_GARBAGE, SLOT_PENDING, SLOT_COMMITTED } slot_state_t;

/* CRC-32 of a nibble, reflected polynomial. */
#define POLYNOMIAL 0xedb88320u
static const uint32_t crc_table[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu,
                                       0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
                                       0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
                                       0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};

uint32_t rt_store_crc32(uint32_t crc, const void *bytes, uint32_t count) {
  const uint8_t *at = bytes;
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= at[i];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
  }
  return ~crc;
}

/* Always sixteen zeros, so that neither blank flash nor zeros are a marker. */
static uint32_t marker_of(uint32_t crc) {
  const uint32_t folded = (crc ^ (crc >> 16)) & 0xffffu;
  return (folded << 16) | (~folded & 0xffffu);
}

static uint32_t bits_set(uint32_t value) {
  uint32_t count = 0;
  for (; value != 0; value &= value - 1u) count++;
  return count;
}

static uint32_t slot_offset(uint32_t sector, uint32_t slot) {
  return (uint32_t)(rt_store.sectors + RT_STORE_STAGING_SECTORS + sector) *
             RT_HAL_FLASH_SECTOR_BYTES +
         slot * RT_STORE_SLOT_BYTES;
}

/* ---- what a slot says ---- */

static uint32_t is_blank(const void *data, uint32_t bytes) {
  const uint8_t *at = data;
  for (uint32_t i = 0; i < bytes; i++) {
    if (at[i] != 0xff) return 0;
  }
  return 1;
}

/*
 * Flips the one bit that explains the difference of the CRCs, if there is one: a change of the last
 * bit changes the CRC by the polynomial, of each bit before it by that shifted once more. A
 * difference of one bit is a change of the CRC itself.
 */
static uint32_t mend(rt_store_slot_t *slot, uint32_t difference) {
  uint8_t *bytes = (uint8_t *)slot;
  uint32_t effect = POLYNOMIAL;
  if (bits_set(difference) == 1) return 1;
  for (uint32_t bit = 8u * RT_STORE_CHECKED_BYTES; bit-- > 0;) {
    if (effect == difference) {
      bytes[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
      return 1;
    }
    effect = (effect >> 1) ^ ((effect & 1u) != 0 ? POLYNOMIAL : 0);
  }
  return 0;
}

/*
 * seed: of the CRC; the log sector's generation, so that nothing of another one is taken for an
 * entry. One changed bit is mended in the copy: in the entry only when its marker is right to the
 * last bit, in the marker (which is begun only when the entry is complete) only when the entry is.
 */
static slot_state_t judge(rt_store_slot_t *slot, uint32_t seed, uint32_t *is_mended) {
  *is_mended = 0;
  const uint32_t crc = rt_store_crc32(seed, slot, RT_STORE_CHECKED_BYTES);
  if (crc == slot->crc) {
    const uint32_t wrong = bits_set(slot->marker ^ marker_of(crc));
    *is_mended = wrong == 1;
    return wrong <= 1 ? SLOT_COMMITTED : SLOT_PENDING;
  }
  if (is_blank(slot, sizeof *slot)) return SLOT_BLANK;
  rt_store_slot_t mended = *slot;
  if (!mend(&mended, crc ^ slot->crc)) return SLOT_GARBAGE;
  mended.crc = rt_store_crc32(seed, &mended, RT_STORE_CHECKED_BYTES);
  if (mended.marker != marker_of(mended.crc)) return SLOT_GARBAGE;
  *slot = mended;
  *is_mended = 1;
  return SLOT_COMMITTED;
}

static void copy_slot(uint32_t sector, uint32_t slot, void *copy) {
  __builtin_memcpy(copy, rt_store_flash(slot_offset(sector, slot)), RT_STORE_SLOT_BYTES);
}

rt_status_t rt_store_log_read(uint32_t slot, rt_store_slot_t *copy, uint32_t *is_mended) {
  copy_slot(rt_store.log_sector, slot, copy);
  const slot_state_t state = judge(copy, rt_store.generation, is_mended);
  return state == SLOT_COMMITTED ? RT_OK : RT_ERROR_BLOB_CHECKSUM;
}

const uint8_t *rt_store_log_payload(uint32_t slot) {
  const uint32_t offset = slot_offset(rt_store.log_sector, slot);
  return rt_store_flash(offset + offsetof(rt_store_slot_t, body));
}

/* ---- programming a slot ---- */

/* Programs `bytes` of a slot from `at` on; the rest of the page stays as it is. */
static rt_status_t program(uint32_t sector, uint32_t slot, uint32_t at, const void *data,
                           uint32_t bytes) {
  uint8_t page[RT_HAL_FLASH_PAGE_BYTES];
  const uint32_t offset = slot_offset(sector, slot);
  const uint32_t in_page = offset % RT_HAL_FLASH_PAGE_BYTES;
  __builtin_memset(page, 0xff, sizeof page);
  __builtin_memcpy(page + in_page + at, data, bytes);
  rt_status_t status =
      rt_hal_flash_program(rt_board.store_offset + offset - in_page, page, sizeof page);
  if (status != RT_OK) return status;
  const uint8_t *found = rt_store_flash(offset + at);
  return __builtin_memcmp(found, data, bytes) == 0 ? RT_OK : RT_ERROR_STATE;
}

#define MARKER_AT offsetof(rt_store_slot_t, marker)
#define SEAL_AT offsetof(rt_store_slot_t, seal)

static rt_status_t program_marker(uint32_t sector, uint32_t slot, uint32_t crc) {
  const uint32_t marker = marker_of(crc);
  return program(sector, slot, MARKER_AT, &marker, sizeof marker);
}

static rt_status_t program_seal(uint32_t sector, uint32_t slot) {
  static const uint8_t seal = 0;
  return program(sector, slot, SEAL_AT, &seal, sizeof seal);
}

/* Zeros in place of entry and CRC: whatever its marker reads as, it never counts. */
static void make_void(uint32_t sector, uint32_t slot) {
  static const uint8_t zeros[MARKER_AT];
  if (program(sector, slot, 0, zeros, sizeof zeros) == RT_OK) program_seal(sector, slot);
}

static rt_status_t commit(uint32_t sector, uint32_t slot, uint32_t crc) {
  rt_status_t status = program_marker(sector, slot, crc);
  if (status == RT_OK) status = program_seal(sector, slot);
  return status;
}

/*
 * Ends what a cut left, one way or the other: a slot without seal may have cells between 0 and 1
 * and read differently next time, a marker that looks blank too.
 */
static void settle(uint32_t sector, uint32_t slot, const rt_store_slot_t *found,
                   slot_state_t state) {
  if (state == SLOT_BLANK || (state != SLOT_PENDING && found->seal != 0xff)) return;
  if (state == SLOT_COMMITTED) {
    commit(sector, slot, found->crc);
  } else {
    make_void(sector, slot);
  }
}

/* ---- what counts ---- */

static void set_bit(uint32_t *set, uint32_t slot) { set[slot / 32u] |= 1u << (slot % 32u); }
static void clear_bit(uint32_t *set, uint32_t slot) { set[slot / 32u] &= ~(1u << (slot % 32u)); }

void rt_store_log_identify(uint32_t slot, rt_store_id_t *id) {
  rt_store_slot_t entry;
  uint32_t is_mended;
  const uint32_t offset = slot_offset(rt_store.log_sector, slot);
  __builtin_memcpy(&entry, rt_store_flash(offset), offsetof(rt_store_slot_t, body));
  if (rt_store_is_set(rt_store.flipped, slot)) rt_store_log_read(slot, &entry, &is_mended);
  id->key = entry.key;
  id->number = entry.number;
}

/* Ends the versions of a key from `first` on, `number` included. */
static void end_versions(uint16_t key, uint32_t first, uint32_t number) {
  for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
    rt_store_id_t id;
    if (!rt_store_is_set(rt_store.live, slot)) continue;
    rt_store_log_identify(slot, &id);
    if (id.key == key && id.number >= first && id.number <= number) {
      clear_bit(rt_store.live, slot);
    }
  }
}

/* Ends the oldest versions of a key until there are not more than are kept. */
static void end_oldest(uint16_t key) {
  uint32_t count, oldest = 0;
  do {
    uint32_t oldest_number = 0;
    count = 0;
    for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
      rt_store_id_t id;
      if (!rt_store_is_set(rt_store.live, slot)) continue;
      rt_store_log_identify(slot, &id);
      if (id.key != key) continue;
      if (count++ > 0 && id.number > oldest_number) continue;
      oldest = slot;
      oldest_number = id.number;
    }
    if (count > RT_STORE_VERSIONS) clear_bit(rt_store.live, oldest);
  } while (count > RT_STORE_VERSIONS + 1u);
}

/* Lets a committed entry take effect. The same number once more is a record that was moved. */
static void apply(const rt_store_slot_t *entry, uint32_t slot) {
  if (entry->kind == RT_STORE_WEAR) return;
  end_versions(entry->key, entry->first_gone, entry->number);
  if (entry->kind == RT_STORE_INLINE || entry->kind == RT_STORE_EXTENT) {
    set_bit(rt_store.live, slot);
    end_oldest(entry->key);
  }
  if (entry->number >= rt_store.next_number) rt_store.next_number = entry->number + 1u;
}

/* ---- mount ---- */

static slot_state_t read_header(uint32_t sector, uint32_t copy, rt_store_slot_t *slot,
                                uint32_t *is_mended) {
  rt_store_header_t header;
  copy_slot(sector, copy, slot);
  const slot_state_t state = judge(slot, 0, is_mended);
  __builtin_memcpy(&header, slot, sizeof header);
  if (state != SLOT_COMMITTED && state != SLOT_PENDING) return state;
  const uint32_t is_ours = header.magic == RT_STORE_MAGIC && header.format == RT_STORE_FORMAT &&
                           header.sectors == rt_store.sectors && header.generation > 0 &&
                           header.first_entry >= RT_STORE_HEADER_SLOTS &&
                           header.first_entry <= RT_STORE_SLOT_COUNT;
  return is_ours ? state : SLOT_GARBAGE;
}

/* The log sector of the highest generation; out: its header. 0: there is none. */
static uint32_t find_log(rt_store_header_t *best) {
  best->generation = 0;
  for (uint32_t sector = 0; sector < RT_STORE_LOG_SECTORS; sector++) {
    for (uint32_t copy = 0; copy < RT_STORE_HEADER_SLOTS; copy++) {
      rt_store_slot_t slot;
      rt_store_header_t header;
      uint32_t is_mended;
      if (read_header(sector, copy, &slot, &is_mended) != SLOT_COMMITTED) continue;
      __builtin_memcpy(&header, &slot, sizeof header);
      if (header.generation <= best->generation) continue;
      *best = header;
      rt_store.log_sector = (uint8_t)sector;
    }
  }
  return best->generation != 0;
}

/*
 * The header in use, both copies, is made to last. A header elsewhere that is not committed must
 * not become so later: it could be of a higher generation.
 */
static void settle_headers(void) {
  for (uint32_t sector = 0; sector < RT_STORE_LOG_SECTORS; sector++) {
    const uint32_t is_in_use = rt_store.generation != 0 && sector == rt_store.log_sector;
    for (uint32_t copy = 0; copy < RT_STORE_HEADER_SLOTS; copy++) {
      rt_store_slot_t header;
      uint32_t is_mended;
      slot_state_t state = read_header(sector, copy, &header, &is_mended);
      if (is_in_use) {
        if (is_mended || state == SLOT_GARBAGE || state == SLOT_BLANK) rt_store.is_damaged = 1;
        if (state == SLOT_PENDING) state = SLOT_COMMITTED; /* the other copy is */
      }
      settle(sector, copy, &header, state);
    }
  }
}

static void take_wear(const rt_store_slot_t *entry) {
  rt_store.wear_base = entry->number;
  for (uint32_t i = 0; i < entry->length && i < RT_STORE_INLINE_BYTES; i++) {
    if (entry->key + i < rt_store.sectors) rt_store.wear[entry->key + i] = entry->body.bytes[i];
  }
}

static void replay(const rt_store_header_t *header) {
  uint32_t last_used = header->first_entry - 1u;
  for (uint32_t slot = RT_STORE_HEADER_SLOTS; slot < RT_STORE_SLOT_COUNT; slot++) {
    rt_store_slot_t entry;
    uint32_t is_mended;
    copy_slot(rt_store.log_sector, slot, &entry);
    const slot_state_t state = judge(&entry, header->generation, &is_mended);
    if (state == SLOT_BLANK) continue;
    if (slot > last_used) last_used = slot;
    if (is_mended) {
      rt_store.is_damaged = 1;
      set_bit(rt_store.flipped, slot);
    }
    settle(rt_store.log_sector, slot, &entry, state);
    if (state != SLOT_COMMITTED) continue;
    if (entry.kind == RT_STORE_WEAR) take_wear(&entry);
    apply(&entry, slot);
    if (slot >= header->first_entry) rt_store_space_count(&entry);
  }
  rt_store.next_slot = (uint8_t)(last_used + 1u);
}

void rt_store_log_mount(void) {
  rt_store_header_t header;
  if (find_log(&header)) {
    rt_store.generation = header.generation;
    rt_store.next_number = header.next_number;
    rt_store.is_suspect = 1;
    replay(&header);
  }
  settle_headers();
}

/* ---- a new log sector ---- */

#define SLOTS_A_PAGE (RT_HAL_FLASH_PAGE_BYTES / RT_STORE_SLOT_BYTES)

/* Slots on their way to the flash, a page at a time. */
typedef struct {
  uint32_t sector;
  uint32_t slot; /* the next one */
  uint32_t generation;
  uint32_t live[RT_STORE_SLOT_COUNT / 32u];
  rt_status_t status;
  rt_store_slot_t page[SLOTS_A_PAGE];
} writer_t;

/* Programs what has come together of the page before the next slot. */
static void write_page(writer_t *writer) {
  const uint32_t first = (writer->slot - 1u) / SLOTS_A_PAGE * SLOTS_A_PAGE;
  if (writer->status == RT_OK) {
    writer->status =
        rt_store_program_page(slot_offset(writer->sector, first), (const uint8_t *)writer->page);
  }
  __builtin_memset(writer->page, 0xff, sizeof writer->page);
}

/* An entry of the copy is complete at once: it counts as soon as the header does. */
static void write_entry(writer_t *writer, rt_store_slot_t *entry) {
  entry->crc = rt_store_crc32(writer->generation, entry, RT_STORE_CHECKED_BYTES);
  entry->marker = marker_of(entry->crc);
  entry->seal = 0;
  writer->page[writer->slot % SLOTS_A_PAGE] = *entry;
  writer->slot++;
  if (writer->slot % SLOTS_A_PAGE == 0) write_page(writer);
}

static void write_wear(writer_t *writer) {
  for (uint32_t first = 0; first < rt_store.sectors; first += RT_STORE_INLINE_BYTES) {
    rt_store_slot_t entry;
    __builtin_memset(&entry, 0xff, sizeof entry);
    const uint32_t left = rt_store.sectors - first;
    entry.key = (uint16_t)first;
    entry.kind = RT_STORE_WEAR;
    entry.length = (uint8_t)(left < RT_STORE_INLINE_BYTES ? left : RT_STORE_INLINE_BYTES);
    entry.number = rt_store.wear_base;
    __builtin_memcpy(entry.body.bytes, rt_store.wear + first, entry.length);
    write_entry(writer, &entry);
  }
}

/* What is live in the log sector in use, or, before the first one, what an older store left. */
static void write_live(writer_t *writer) {
  const uint32_t is_first = rt_store.generation == 0;
  uint32_t count = 0;
  for (uint32_t i = 0; i < (is_first ? RT_STORE_OLD_PLACES : RT_STORE_SLOT_COUNT); i++) {
    if (count == RT_STORE_RECORDS_MAX) return; /* of a log that this store did not write */
    rt_store_slot_t entry;
    uint32_t is_mended;
    if (is_first) {
      if (rt_store_old_entry(i, &entry) != RT_OK) continue;
    } else if (!rt_store_is_set(rt_store.live, i) ||
               rt_store_log_read(i, &entry, &is_mended) != RT_OK) {
      continue;
    }
    entry.first_gone = entry.number; /* what it ended is not copied */
    if (entry.number >= rt_store.next_number) rt_store.next_number = entry.number + 1u;
    set_bit(writer->live, writer->slot);
    write_entry(writer, &entry);
    count++;
  }
}

/* Header and copy: both complete, then the marker of the first, which is the commit. */
static rt_status_t write_header(const writer_t *writer) {
  rt_store_header_t header;
  __builtin_memset(&header, 0xff, sizeof header);
  header.magic = RT_STORE_MAGIC;
  header.generation = writer->generation;
  header.format = RT_STORE_FORMAT;
  header.sectors = rt_store.sectors;
  header.first_entry = (uint16_t)writer->slot;
  header.reserved = 0;
  header.next_number = rt_store.next_number;
  header.crc = rt_store_crc32(0, &header, RT_STORE_CHECKED_BYTES);
  rt_status_t status = RT_OK;
  for (uint32_t copy = 0; copy < RT_STORE_HEADER_SLOTS && status == RT_OK; copy++) {
    status = program(writer->sector, copy, 0, &header, MARKER_AT);
  }
  for (uint32_t copy = 0; copy < RT_STORE_HEADER_SLOTS && status == RT_OK; copy++) {
    status = commit(writer->sector, copy, header.crc);
  }
  return status;
}

/* Copies the log to one sector. On failure the log is what it was. */
static rt_status_t begin_in(uint32_t sector) {
  writer_t writer = {
      .sector = sector, .slot = RT_STORE_HEADER_SLOTS, .generation = rt_store.generation + 1u};
  writer.status = rt_store_erase_sector(slot_offset(sector, 0));
  if (writer.status != RT_OK) return writer.status;
  __builtin_memset(writer.page, 0xff, sizeof writer.page);
  write_wear(&writer);
  write_live(&writer);
  if (writer.slot % SLOTS_A_PAGE != 0) write_page(&writer);
  if (writer.status == RT_OK) writer.status = write_header(&writer);
  if (writer.status != RT_OK) {
    for (uint32_t copy = 0; copy < RT_STORE_HEADER_SLOTS; copy++) make_void(sector, copy);
    return writer.status;
  }
  rt_store.generation = writer.generation;
  rt_store.log_sector = (uint8_t)sector;
  rt_store.next_slot = (uint8_t)writer.slot;
  rt_store.is_suspect = rt_store.is_damaged = 0;
  __builtin_memcpy(rt_store.live, writer.live, sizeof rt_store.live);
  __builtin_memset(rt_store.flipped, 0, sizeof rt_store.flipped);
  return RT_OK;
}

/* In the next sector that takes it; never in the one in use. */
static rt_status_t begin(void) {
  rt_status_t status = RT_ERROR_STATE;
  const uint32_t is_first = rt_store.generation == 0;
  for (uint32_t i = is_first ? 0 : 1; i < RT_STORE_LOG_SECTORS && status != RT_OK; i++) {
    status = begin_in((rt_store.log_sector + i) % RT_STORE_LOG_SECTORS);
  }
  return status;
}

rt_status_t rt_store_log_reserve(void) {
  const uint32_t next = (uint32_t)rt_store.next_slot + rt_store.is_suspect;
  const uint32_t is_full = rt_store.generation == 0 || next >= RT_STORE_SLOT_COUNT;
  return is_full || rt_store.is_damaged ? begin() : RT_OK;
}

/* ---- appending ---- */

static rt_status_t append_in(uint32_t slot, rt_store_slot_t *entry) {
  const uint32_t sector = rt_store.log_sector;
  entry->crc = rt_store_crc32(rt_store.generation, entry, RT_STORE_CHECKED_BYTES);
  rt_status_t status = program(sector, slot, 0, entry, MARKER_AT);
  if (status != RT_OK) return status;
  status = commit(sector, slot, entry->crc);
  if (status == RT_OK) return RT_OK;
  /* What the next mount will make of it counts. */
  rt_store_slot_t found;
  uint32_t is_mended;
  if (rt_store_log_read(slot, &found, &is_mended) == RT_OK) return RT_OK;
  make_void(sector, slot);
  return status;
}

rt_status_t rt_store_log_append(rt_store_slot_t *entry) {
  rt_status_t status = rt_store_log_reserve();
  if (status != RT_OK) return status;
  /* A blank slot that a cut may have touched; used up, so that no later mount comes back to it. */
  if (rt_store.is_suspect) make_void(rt_store.log_sector, rt_store.next_slot++);
  rt_store.is_suspect = 0;
  for (uint32_t i = 0; i < TRIES; i++) {
    if (rt_store.next_slot >= RT_STORE_SLOT_COUNT) {
      status = begin();
      if (status != RT_OK) return status;
    }
    const uint32_t slot = rt_store.next_slot++;
    status = append_in(slot, entry);
    if (status != RT_OK) continue;
    apply(entry, slot);
    return RT_OK;
  }
  return status;
}
