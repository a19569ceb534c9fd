/*
 * Sectors of payloads. A record begins on a page: in a sector erased for it, the least worn that
 * nothing kept lies in, or behind the record that was written last, if nothing was mounted since (a
 * cut may have left pages that look blank). Nothing that is kept is ever erased, so a cut in here
 * loses nothing: the entry that refers to the new payload does not exist yet.
 *
 * A sector that does not take an erase or a program as it should is retired and another one taken.
 */
#include "store/internal.h"

#define SECTOR RT_HAL_FLASH_SECTOR_BYTES
#define PAGE RT_HAL_FLASH_PAGE_BYTES
#define PAGES_A_SECTOR (SECTOR / PAGE)
#define TRIES 4u /* of a put, when sectors fail */
/* Erases that kept sectors may lag behind before their content is moved. */
#define WEAR_SPREAD 16u
#define WEAR_MOST 250u

static uint32_t is_retired(uint32_t sector) { return rt_store.wear[sector] == RT_STORE_RETIRED; }

static uint32_t sectors_of(uint32_t bytes) { return (bytes + SECTOR - 1u) / SECTOR; }

/* ---- flash ---- */

rt_status_t rt_store_erase_sector(uint32_t offset) {
  const rt_status_t status = rt_hal_flash_erase(rt_board.store_offset + offset, SECTOR);
  if (status != RT_OK) return status;
  const uint32_t *words = (const uint32_t *)(const void *)rt_store_flash(offset);
  for (uint32_t i = 0; i < SECTOR / 4u; i++) {
    if (words[i] != 0xffffffffu) return RT_ERROR_STATE;
  }
  return RT_OK;
}

rt_status_t rt_store_program_page(uint32_t offset, const uint8_t *page) {
  const rt_status_t status = rt_hal_flash_program(rt_board.store_offset + offset, page, PAGE);
  if (status != RT_OK) return status;
  return __builtin_memcmp(rt_store_flash(offset), page, PAGE) == 0 ? RT_OK : RT_ERROR_STATE;
}

/* ---- wear ---- */

static uint32_t least_wear(void) {
  uint32_t least = RT_STORE_RETIRED;
  for (uint32_t i = 0; i < rt_store.sectors; i++) {
    if (rt_store.wear[i] < least) least = rt_store.wear[i];
  }
  return least;
}

static uint32_t most_wear(void) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < rt_store.sectors; i++) {
    if (!is_retired(i) && rt_store.wear[i] > most) most = rt_store.wear[i];
  }
  return most;
}

/* Counts are kept relative to a base that rises with the least of them. */
static void count_erase(uint32_t sector) {
  if (is_retired(sector)) return;
  if (rt_store.wear[sector] >= WEAR_MOST) {
    const uint32_t least = least_wear();
    rt_store.wear_base += least;
    for (uint32_t i = 0; i < rt_store.sectors; i++) {
      if (!is_retired(i)) rt_store.wear[i] = (uint8_t)(rt_store.wear[i] - least);
    }
  }
  if (rt_store.wear[sector] < WEAR_MOST) rt_store.wear[sector]++;
}

void rt_store_space_count(const rt_store_slot_t *entry) {
  if (entry->kind != RT_STORE_EXTENT || entry->body.extent.start % SECTOR != 0) return;
  const uint32_t first = entry->body.extent.start / SECTOR;
  const uint32_t count = sectors_of(entry->body.extent.bytes);
  for (uint32_t i = first; i < first + count && i < rt_store.sectors; i++) count_erase(i);
}

/* ---- what is free ---- */

static void mark(uint8_t *used, const rt_store_slot_t *entry) {
  const uint32_t first = entry->body.extent.start / SECTOR;
  const uint32_t end = sectors_of(entry->body.extent.start + entry->body.extent.bytes);
  for (uint32_t i = first; i < end && i < rt_store.sectors; i++) {
    used[i / 8u] |= (uint8_t)(1u << (i % 8u));
  }
}

static uint32_t is_used(const uint8_t *used, uint32_t sector) {
  return is_retired(sector) || ((used[sector / 8u] >> (sector % 8u)) & 1u) != 0;
}

/* Sectors of what is kept, but for the version `except`. */
static void find_used(uint8_t *used, uint32_t except) {
  __builtin_memset(used, 0, RT_STORE_USED_BYTES);
  for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
    rt_store_slot_t entry;
    uint32_t is_mended;
    if (!rt_store_is_set(rt_store.live, slot)) continue;
    if (rt_store_log_read(slot, &entry, &is_mended) != RT_OK) continue;
    if (entry.kind == RT_STORE_EXTENT && entry.number != except) mark(used, &entry);
  }
}

uint32_t rt_store_space_free(uint32_t *longest) {
  uint8_t used[RT_STORE_USED_BYTES];
  uint32_t free = 0, run = 0;
  *longest = 0;
  find_used(used, 0);
  for (uint32_t i = 0; i < rt_store.sectors; i++) {
    run = is_used(used, i) ? 0 : run + 1u;
    free += run > 0;
    if (run > *longest) *longest = run;
  }
  return free;
}

/* Wear of a run of sectors, UINT32_MAX if one of them is used. */
static uint32_t run_wear(const uint8_t *used, uint32_t first, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = first; i < first + count; i++) {
    if (is_used(used, i)) return UINT32_MAX;
    sum += rt_store.wear[i];
  }
  return sum;
}

typedef enum { LEAST_WORN, MOST_WORN } choice_t;

/* A run of free sectors that begins at a multiple of `step`, or RT_STORE_NO_SECTOR. */
static uint32_t find_aligned(const uint8_t *used, uint32_t count, uint32_t step, choice_t choice) {
  uint32_t found = RT_STORE_NO_SECTOR, found_wear = 0;
  for (uint32_t first = 0; first + count <= rt_store.sectors; first += step) {
    const uint32_t wear = run_wear(used, first, count);
    if (wear == UINT32_MAX) continue;
    const uint32_t is_better = choice == LEAST_WORN ? wear < found_wear : wear > found_wear;
    if (found != RT_STORE_NO_SECTOR && !is_better) continue;
    found = first;
    found_wear = wear;
  }
  return found;
}

/* Records of one size, as adapters of one model are, leave no holes when they are aligned to it. */
static uint32_t find_run(const uint8_t *used, uint32_t count, choice_t choice) {
  if (count > rt_store.sectors) return RT_STORE_NO_SECTOR;
  const uint32_t first = find_aligned(used, count, count, choice);
  return first != RT_STORE_NO_SECTOR ? first : find_aligned(used, count, 1, choice);
}

/* ---- writing ---- */

/* Copies a page from `offset` of the content on; behind its end stays erased. */
static void gather_page(const rt_store_content_t *content, uint32_t offset, uint8_t *page) {
  uint32_t filled = 0;
  __builtin_memset(page, 0xff, PAGE);
  for (uint32_t i = 0; i < content->count && filled < PAGE; i++) {
    uint32_t length = content->parts[i].bytes;
    if (offset >= length) {
      offset -= length;
      continue;
    }
    length -= offset;
    if (length > PAGE - filled) length = PAGE - filled;
    __builtin_memcpy(page + filled, (const uint8_t *)content->parts[i].data + offset, length);
    filled += length;
    offset = 0;
  }
}

static void retire(uint32_t sector) {
  rt_store.wear[sector] = RT_STORE_RETIRED;
  if (rt_store.open_sector == sector) rt_store.open_sector = RT_STORE_NO_SECTOR;
}

static rt_status_t erase_run(uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; i++) {
    if (rt_store.open_sector == i) rt_store.open_sector = RT_STORE_NO_SECTOR;
    count_erase(i);
    const rt_status_t status = rt_store_erase_sector(i * SECTOR);
    if (status == RT_OK) continue;
    retire(i);
    return status;
  }
  return RT_OK;
}

static rt_status_t program_content(const rt_store_content_t *content, uint32_t start) {
  uint8_t page[PAGE];
  for (uint32_t offset = 0; offset < content->bytes; offset += PAGE) {
    gather_page(content, offset, page);
    const rt_status_t status = rt_store_program_page(start + offset, page);
    if (status == RT_OK) continue;
    retire((start + offset) / SECTOR);
    return status;
  }
  return RT_OK;
}

/* The next record may follow in the same sector. */
static void open_behind(uint32_t start, uint32_t bytes) {
  const uint32_t end = start + (bytes + PAGE - 1u) / PAGE * PAGE;
  if (end % SECTOR == 0) {
    rt_store.open_sector = RT_STORE_NO_SECTOR;
    return;
  }
  rt_store.open_sector = (uint16_t)(end / SECTOR);
  rt_store.open_page = (uint8_t)(end % SECTOR / PAGE);
}

/* One attempt. out: *start. RT_ERROR_FULL: there is no place. */
static rt_status_t write_once(const rt_store_content_t *content, const uint8_t *used,
                              choice_t choice, uint32_t *start) {
  const uint32_t pages = (content->bytes + PAGE - 1u) / PAGE;
  rt_status_t status = RT_OK;
  if (choice == LEAST_WORN && rt_store.open_sector != RT_STORE_NO_SECTOR &&
      pages <= PAGES_A_SECTOR - rt_store.open_page) {
    *start = rt_store.open_sector * SECTOR + rt_store.open_page * PAGE;
  } else {
    const uint32_t first = find_run(used, sectors_of(content->bytes), choice);
    if (first == RT_STORE_NO_SECTOR) return RT_ERROR_FULL;
    *start = first * SECTOR;
    status = erase_run(first, sectors_of(content->bytes));
  }
  if (status == RT_OK) status = program_content(content, *start);
  if (status == RT_OK && choice == LEAST_WORN) open_behind(*start, content->bytes);
  return status;
}

static rt_status_t write_content(const rt_store_content_t *content, uint32_t victim,
                                 choice_t choice, uint32_t *start) {
  uint8_t used[RT_STORE_USED_BYTES];
  rt_status_t status = RT_ERROR_FULL;
  find_used(used, 0);
  for (uint32_t i = 0; i < TRIES && status != RT_OK; i++) {
    const rt_status_t tried = write_once(content, used, choice, start);
    if (tried != RT_ERROR_FULL) {
      status = tried;
    } else if (victim != 0) {
      find_used(used, victim);
      victim = 0;
    } else {
      return status;
    }
  }
  return status;
}

static uint32_t content_crc(const rt_store_content_t *content) {
  uint32_t crc = 0;
  for (uint32_t i = 0; i < content->count; i++) {
    crc = rt_store_crc32(crc, content->parts[i].data, content->parts[i].bytes);
  }
  return crc;
}

rt_status_t rt_store_space_write(const rt_store_content_t *content, uint32_t victim,
                                 rt_store_slot_t *entry) {
  uint32_t start;
  const uint32_t crc = content_crc(content);
  const rt_status_t status = write_content(content, victim, LEAST_WORN, &start);
  if (status != RT_OK) return status;
  entry->kind = RT_STORE_EXTENT;
  entry->body.extent.start = start;
  entry->body.extent.bytes = content->bytes;
  entry->body.extent.crc = crc;
  return RT_OK;
}

/* ---- moving ---- */

/* Least wear of the sectors a record lies in. */
static uint32_t extent_wear(const rt_store_slot_t *entry) {
  uint32_t least = UINT32_MAX;
  const uint32_t end = sectors_of(entry->body.extent.start + entry->body.extent.bytes);
  for (uint32_t i = entry->body.extent.start / SECTOR; i < end && i < rt_store.sectors; i++) {
    if (!is_retired(i) && rt_store.wear[i] < least) least = rt_store.wear[i];
  }
  return least;
}

static uint32_t is_outside(const rt_store_slot_t *entry) {
  return entry->body.extent.start + entry->body.extent.bytes > rt_store_payload_bytes();
}

static uint32_t is_good(const rt_store_slot_t *entry) {
  if (!rt_store_is_inside(entry)) return 0;
  const uint8_t *data = rt_store_flash(entry->body.extent.start);
  return rt_store_crc32(0, data, entry->body.extent.bytes) == entry->body.extent.crc;
}

/*
 * The record to move: one that lies where it must not, else the one in the sector that lags most
 * behind `most` erases. Damaged ones stay: their sectors come free when they are superseded.
 */
static uint32_t find_to_move(uint32_t most, rt_store_slot_t *found) {
  uint32_t least = most > WEAR_SPREAD ? most - WEAR_SPREAD : 0;
  uint32_t is_found = 0;
  for (uint32_t slot = 0; slot < RT_STORE_SLOT_COUNT; slot++) {
    rt_store_slot_t entry;
    uint32_t is_mended;
    if (!rt_store_is_set(rt_store.live, slot)) continue;
    if (rt_store_log_read(slot, &entry, &is_mended) != RT_OK) continue;
    if (entry.kind != RT_STORE_EXTENT) continue;
    const uint32_t wear = extent_wear(&entry);
    if ((!is_outside(&entry) && wear >= least) || !is_good(&entry)) continue;
    *found = entry;
    is_found = 1;
    if (is_outside(&entry)) break;
    least = wear;
  }
  return is_found;
}

static rt_status_t move(uint32_t most) {
  rt_store_slot_t entry;
  uint32_t start;
  if (!find_to_move(most, &entry)) return RT_ERROR_EMPTY;
  const rt_store_part_t part = {rt_store_flash(entry.body.extent.start), entry.body.extent.bytes};
  const rt_store_content_t content = {&part, 1, part.bytes};
  const rt_status_t status = write_content(&content, 0, MOST_WORN, &start);
  if (status != RT_OK) return status;
  entry.body.extent.start = start;
  entry.first_gone = entry.number;
  entry.marker = 0xffffffffu;
  entry.seal = 0xff;
  return rt_store_log_append(&entry);
}

rt_status_t rt_store_space_level(void) { return move(most_wear()); }

rt_status_t rt_store_space_rescue(void) { return move(0); }
