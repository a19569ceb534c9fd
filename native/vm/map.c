/*
 * Maps: properties in order of insertion, keys packed together so that looking for one compares
 * words that lie side by side. Few-membered maps are searched from the front. For larger ones (what
 * a class has as prototype, tables that a script fills) two small caches stand in for the inline
 * caches that read-only bytecode has no room for:
 *   guess: where this key was found last; right only if that key still stands there, so nothing
 *          ever has to be invalidated;
 *   miss:  map and key that were not found, good while the number of properties is the same;
 *          forgotten when a property is deleted or blocks may be used again.
 */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"

#define FIRST_ROOM 4u
#define MAX_ROOM 0xa000u /* what fits one block */
#define FEW 8u
#define GUESSES 64u
#define MISSES 16u

typedef struct {
  rt_ref_t properties;
  rt_key_t key;
  uint32_t count;
} rt_miss_t;

static uint8_t guess[GUESSES];
static rt_miss_t miss[MISSES];

void rt_map_forget(void) { memset(miss, 0, sizeof miss); }

rt_map_t *rt_map_new(rt_value_t prototype) {
  rt_map_t *map =
      (rt_map_t *)rt_heap_allocate_raw(RT_KIND_MAP, sizeof(rt_map_t) - sizeof(rt_object_t));
  if (map == NULL) return NULL;
  /* Scripts can put anything where a constructor has its prototype. */
  int is_prototype = RT_TAG(prototype) == RT_TAG_BUILTIN || RT_AS_MAP(prototype) != NULL;
  map->prototype = is_prototype ? prototype : RT_NULL;
  map->properties = 0;
  map->count = 0;
  map->room = 0;
  return map;
}

static rt_object_t *properties_of(const rt_map_t *map) {
  return (rt_object_t *)RT_POINTER(map->properties);
}

static rt_value_t *find_among_many(const rt_map_t *map, const rt_key_t *keys, rt_key_t key) {
  uint32_t mixed = key ^ key >> 3 ^ map->properties >> 4;
  uint8_t *likely = &guess[mixed % GUESSES];
  rt_value_t *values = (rt_value_t *)(void *)(keys + map->room);
  if (*likely < map->count && keys[*likely] == key) return &values[*likely];
  rt_miss_t *missed = &miss[mixed % MISSES];
  if (missed->properties == map->properties && missed->key == key && missed->count == map->count) {
    return NULL;
  }
  for (uint32_t i = 0; i < map->count; i++) {
    if (keys[i] != key) continue;
    if (i < 256u) *likely = (uint8_t)i;
    return &values[i];
  }
  missed->properties = map->properties;
  missed->key = key;
  missed->count = map->count;
  return NULL;
}

rt_value_t *rt_map_find(const rt_map_t *map, rt_key_t key) {
  uint32_t count = map->count;
  if (count == 0) return NULL;
  const rt_key_t *keys = rt_property_keys(properties_of(map));
  if (count > FEW) return find_among_many(map, keys, key);
  const rt_key_t *at = keys;
  const rt_key_t *end = keys + count;
  do {
    if (*at == key) return (rt_value_t *)(void *)(keys + map->room) + (at - keys);
  } while (++at != end);
  return NULL;
}

/* Makes the block of properties larger. `map` and what is to be inserted are rooted by the caller.
 */
static int grow(rt_map_t *map) {
  uint32_t room = map->room == 0 ? FIRST_ROOM : map->room + map->room / 2u + 2u;
  room &= ~1u;
  if (room > MAX_ROOM) room = MAX_ROOM;
  if (room == map->room) {
    (void)rt_throw_range_error("object too big");
    return -1;
  }
  rt_object_t *block = (rt_object_t *)rt_heap_allocate(
      RT_KIND_PROPERTIES, room * (sizeof(rt_key_t) + sizeof(rt_value_t)));
  if (block == NULL) return -1;
  block->extra = room;
  if (map->properties != 0) {
    rt_object_t *old = properties_of(map);
    memcpy(rt_property_keys(block), rt_property_keys(old), map->count * sizeof(rt_key_t));
    memcpy(rt_property_values(block, room), rt_property_values(old, map->room),
           map->count * sizeof(rt_value_t));
    rt_map_forget();
    rt_heap_free(old);
  }
  map->properties = RT_REF(block);
  map->room = (uint16_t)room;
  return 0;
}

/* The slow half of rt_map_set: a larger block, with all that is going in alive. */
static int grow_for(rt_map_t *map, rt_key_t key, rt_value_t value) {
  uint32_t level = rt_heap_root_level();
  rt_heap_root(RT_OBJECT(map));
  rt_heap_root(value);
  if (RT_KEY_IS_REF(key)) rt_heap_root(RT_MAKE(RT_TAG_OBJECT, RT_KEY_REF(key)));
  int failed = grow(map);
  rt_heap_unroot(level);
  return failed;
}

int rt_map_set(rt_map_t *map, rt_key_t key, rt_value_t value) {
  rt_value_t *known = rt_map_find(map, key);
  if (known != NULL) {
    *known = value;
    return 0;
  }
  uint32_t count = map->count;
  if (count == map->room && grow_for(map, key, value) != 0) return -1;
  rt_key_t *keys = rt_property_keys(properties_of(map));
  keys[count] = key;
  ((rt_value_t *)(void *)(keys + map->room))[count] = value;
  map->count = (uint16_t)(count + 1u);
  return 0;
}

void rt_map_delete(rt_map_t *map, rt_key_t key) {
  const rt_value_t *found = rt_map_find(map, key);
  if (found == NULL) return;
  rt_object_t *block = properties_of(map);
  rt_key_t *keys = rt_property_keys(block);
  rt_value_t *values = rt_property_values(block, map->room);
  uint32_t last = map->count - 1u;
  for (uint32_t i = (uint32_t)(found - values); i < last; i++) {
    keys[i] = keys[i + 1u];
    values[i] = values[i + 1u];
  }
  keys[last] = 0;
  values[last] = 0;
  map->count = (uint16_t)last;
  rt_map_forget();
}

int rt_map_at(const rt_map_t *map, uint32_t nth, rt_key_t *key, rt_value_t *value) {
  if (nth >= map->count) return 0;
  rt_object_t *block = properties_of(map);
  *key = rt_property_keys(block)[nth];
  *value = rt_property_values(block, map->room)[nth];
  return 1;
}
