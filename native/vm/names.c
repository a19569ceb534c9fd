/*
 * Interned names. Strings of the image and of the builtin table are names by their index, for which
 * the interpreter needs nothing from here. Only a string made at run time that serves as a key has
 * to be looked up: in `image`, a hash table of all string indices, made when it is first asked for,
 * then in `heap`, a hash table of the heap strings that are names. That table is weak: a name lives
 * as long as an object with this property, or the string itself, does.
 */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/role.h"

#define EMPTY 0u
#define DELETED 1u /* no reference is odd */
#define FIRST_ROOM 16u
#define LARGE_ROOM 256u

static struct {
  rt_ref_t image; /* RT_KIND_BYTES: image_room string indices of 16 bits */
  uint32_t image_room;
  rt_ref_t heap; /* RT_KIND_BYTES: heap_room references */
  uint32_t heap_room;
  uint32_t heap_used; /* entries that are not EMPTY */
} names;

rt_status_t rt_names_init(void) {
  memset(&names, 0, sizeof names);
  rt_attached_init();
  return RT_OK;
}

uint32_t rt_string_hash(const char *text, uint32_t bytes) {
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < bytes; i++) hash = (hash ^ (uint8_t)text[i]) * 16777619u;
  return hash | 1u;
}

static int same(const char *a, uint32_t a_bytes, const char *b, uint32_t b_bytes) {
  return a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
}

/* ---- Strings of the image ---- */

static uint16_t *image_table(void) {
  return (uint16_t *)(void *)((rt_object_t *)RT_POINTER(names.image) + 1);
}

/* Enters the strings of a type; builtin ones come first, so that they win over equal ones. */
static void enter(uint32_t type, uint32_t count) {
  uint16_t *table = image_table();
  uint32_t mask = names.image_room - 1u;
  for (uint32_t i = 0; i < count; i++) {
    uint16_t string = (uint16_t)(type << RT_STRING_SHIFT | i);
    uint32_t bytes;
    const char *text = rt_image_string(string, &bytes);
    uint32_t slot = rt_string_hash(text, bytes) >> 1;
    while (table[slot & mask] != EMPTY) slot++;
    table[slot & mask] = string;
  }
}

static int make_image_table(void) {
  uint32_t count = RT_BUILTIN_STRINGS + rt_image.ascii_strings + rt_image.utf8_strings;
  uint32_t room = 512;
  while (room * 7u / 8u < count) room *= 2u;
  rt_object_t *block = (rt_object_t *)rt_heap_allocate(RT_KIND_BYTES, room * sizeof(uint16_t));
  if (block == NULL) return -1;
  names.image = RT_REF(block);
  names.image_room = room;
  enter(RT_STRING_TYPE_BUILTIN, RT_BUILTIN_STRINGS);
  enter(RT_STRING_TYPE_ASCII, rt_image.ascii_strings);
  enter(RT_STRING_TYPE_UTF8, rt_image.utf8_strings);
  return 0;
}

static rt_key_t find_in_image(const char *text, uint32_t bytes, uint32_t hash) {
  const uint16_t *table = image_table();
  uint32_t mask = names.image_room - 1u;
  for (uint32_t slot = hash >> 1;; slot++) {
    uint16_t string = table[slot & mask];
    if (string == EMPTY) return RT_NO_KEY;
    uint32_t length;
    const char *name = rt_image_string(string, &length);
    if (same(name, length, text, bytes)) return string;
  }
}

/* Without the table: for natives that look before any script did. */
static rt_key_t search_image(const char *text, uint32_t bytes) {
  const uint32_t count[4] = {0, RT_BUILTIN_STRINGS, rt_image.ascii_strings, rt_image.utf8_strings};
  for (uint32_t type = RT_STRING_TYPE_BUILTIN; type <= RT_STRING_TYPE_UTF8; type++) {
    for (uint32_t i = 0; i < count[type]; i++) {
      uint16_t string = (uint16_t)(type << RT_STRING_SHIFT | i);
      uint32_t length;
      const char *name = rt_image_string(string, &length);
      if (same(name, length, text, bytes)) return string;
    }
  }
  return RT_NO_KEY;
}

/* ---- Strings of the heap ---- */

static rt_ref_t *heap_table(void) {
  return (rt_ref_t *)(void *)((rt_object_t *)RT_POINTER(names.heap) + 1);
}

static rt_key_t find_in_heap(const char *text, uint32_t bytes, uint32_t hash) {
  if (names.heap == 0) return RT_NO_KEY;
  const rt_ref_t *table = heap_table();
  uint32_t mask = names.heap_room - 1u;
  for (uint32_t slot = hash >> 1;; slot++) {
    rt_ref_t ref = table[slot & mask];
    if (ref == EMPTY) return RT_NO_KEY;
    if (ref == DELETED) continue;
    const rt_string_t *name = (const rt_string_t *)RT_POINTER(ref);
    if (name->hash == hash && same(name->bytes, name->header.extra, text, bytes)) return ~ref;
  }
}

static void insert(rt_ref_t *table, uint32_t room, rt_ref_t ref) {
  uint32_t slot = ((const rt_string_t *)RT_POINTER(ref))->hash >> 1;
  while (table[slot & (room - 1u)] > DELETED) slot++;
  if (table[slot & (room - 1u)] == EMPTY) names.heap_used++;
  table[slot & (room - 1u)] = ref;
}

/* Room for a table of all names that are alive and as many again. */
static uint32_t room_needed(void) {
  uint32_t live = 0;
  for (uint32_t i = 0; i < names.heap_room; i++) live += heap_table()[i] > DELETED;
  uint32_t room = FIRST_ROOM;
  while (room < live * 2u + 2u) room *= 2u;
  return room;
}

/* Keeps a quarter of the table EMPTY; leaves what was deleted behind. Before it gets large the
 * collector says which of the names are still in use. */
static int make_room(void) {
  if (names.heap != 0 && (names.heap_used + 1u) * 4u <= names.heap_room * 3u) return 0;
  uint32_t room = room_needed();
  if (room > LARGE_ROOM) {
    rt_heap_collect();
    room = room_needed();
  }
  rt_object_t *block = (rt_object_t *)rt_heap_allocate(RT_KIND_BYTES, room * sizeof(rt_ref_t));
  if (block == NULL) return -1;
  rt_ref_t *table = (rt_ref_t *)(void *)(block + 1);
  const rt_ref_t *old = names.heap != 0 ? heap_table() : NULL;
  uint32_t old_room = names.heap_room;
  rt_ref_t old_block = names.heap;
  names.heap_used = 0;
  for (uint32_t i = 0; i < old_room; i++) {
    if (old[i] > DELETED) insert(table, room, old[i]);
  }
  if (old_block != 0) rt_heap_free(RT_POINTER(old_block));
  names.heap = RT_REF(block);
  names.heap_room = room;
  return 0;
}

/* ---- Keys ---- */

rt_key_t rt_name_key(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_STRING) return RT_PAYLOAD(value);
  rt_string_t *string = (rt_string_t *)rt_object_of(value, RT_KIND_STRING);
  if (string == NULL) {
    (void)rt_throw_expecting("string", value);
    return RT_NO_KEY;
  }
  if (string->header.flags & RT_FLAG_INTERNED) return ~RT_PAYLOAD(value);
  uint32_t level = rt_heap_root_level();
  rt_heap_root(value);
  int failed = names.image == 0 && make_image_table() != 0;
  failed = failed || make_room() != 0;
  rt_heap_unroot(level);
  if (failed) return RT_NO_KEY;
  if (string->hash == 0) string->hash = rt_string_hash(string->bytes, string->header.extra);
  rt_key_t key = find_in_image(string->bytes, string->header.extra, string->hash);
  if (key != RT_NO_KEY) return key;
  key = find_in_heap(string->bytes, string->header.extra, string->hash);
  if (key != RT_NO_KEY) return key;
  string->header.flags |= RT_FLAG_INTERNED;
  insert(heap_table(), names.heap_room, RT_PAYLOAD(value));
  return ~RT_PAYLOAD(value);
}

rt_key_t rt_name_find(const char *text, uint32_t bytes) {
  uint32_t hash = rt_string_hash(text, bytes);
  rt_key_t key = names.image != 0 ? find_in_image(text, bytes, hash) : search_image(text, bytes);
  return key != RT_NO_KEY ? key : find_in_heap(text, bytes, hash);
}

rt_key_t rt_name_lookup(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_STRING) return RT_PAYLOAD(value);
  rt_string_t *string = (rt_string_t *)RT_POINTER(RT_PAYLOAD(value));
  if (string->header.flags & RT_FLAG_INTERNED) return ~RT_PAYLOAD(value);
  if (names.image == 0) return rt_name_key(value);
  if (string->hash == 0) string->hash = rt_string_hash(string->bytes, string->header.extra);
  rt_key_t key = find_in_image(string->bytes, string->header.extra, string->hash);
  if (key != RT_NO_KEY) return key;
  return find_in_heap(string->bytes, string->header.extra, string->hash);
}

rt_value_t rt_name_string(rt_key_t key) {
  return RT_KEY_IS_REF(key) ? RT_MAKE(RT_TAG_OBJECT, RT_KEY_REF(key)) : RT_MAKE(RT_TAG_STRING, key);
}

/* ---- Collection ---- */

void rt_names_mark(void) {
  rt_heap_mark_ref(names.image);
  rt_heap_mark_ref(names.heap);
}

void rt_names_sweep(void) {
  if (names.heap == 0) return;
  rt_ref_t *table = heap_table();
  for (uint32_t i = 0; i < names.heap_room; i++) {
    if (table[i] <= DELETED) continue;
    const rt_object_t *string = (const rt_object_t *)RT_POINTER(table[i]);
    if ((string->flags & RT_FLAG_MARKED) == 0) table[i] = DELETED;
  }
}
