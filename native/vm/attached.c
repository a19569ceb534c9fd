/*
 * Where the properties are kept that scripts put on what is no map: a reference in the object
 * itself where it has one; for builtin objects a table; for functions, which are only numbers, a
 * list in the heap of those that have any, with the object that serves as `prototype`.
 */
#include "vm/attached.h"

#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/role.h"

#define GUESSES 32u
#define FIRST_ROOM 8u

typedef struct {
  uint32_t function; /* payload */
  rt_ref_t map, prototype;
} rt_attached_t;

static struct {
  rt_ref_t functions; /* RT_KIND_BYTES: rt_attached_t */
  uint16_t count, room;
  uint8_t guess[GUESSES]; /* where a function was found last, by its number */
} attached;

rt_ref_t rt_attached_builtin[RT_BUILTINS];

void rt_attached_init(void) {
  memset(&attached, 0, sizeof attached);
  memset(rt_attached_builtin, 0, sizeof rt_attached_builtin);
}

static rt_attached_t *functions(void) {
  return (rt_attached_t *)(void *)((rt_object_t *)RT_POINTER(attached.functions) + 1);
}

static rt_attached_t *find_function(uint32_t function) {
  uint8_t *likely = &attached.guess[function % GUESSES];
  if (*likely < attached.count && functions()[*likely].function == function) {
    return &functions()[*likely];
  }
  for (uint32_t i = 0; i < attached.count; i++) {
    if (functions()[i].function != function) continue;
    if (i < 256u) *likely = (uint8_t)i;
    return &functions()[i];
  }
  return NULL;
}

static rt_attached_t *add_function(uint32_t function) {
  if (attached.count == attached.room) {
    uint32_t room = attached.room == 0 ? FIRST_ROOM : attached.room * 2u;
    rt_object_t *block =
        (rt_object_t *)rt_heap_allocate(RT_KIND_BYTES, room * sizeof(rt_attached_t));
    if (block == NULL) return NULL;
    if (attached.functions != 0) {
      memcpy(block + 1, functions(), attached.count * sizeof(rt_attached_t));
      rt_heap_free(RT_POINTER(attached.functions));
    }
    attached.functions = RT_REF(block);
    attached.room = (uint16_t)room;
  }
  rt_attached_t *entry = &functions()[attached.count];
  entry->function = function;
  entry->map = 0;
  entry->prototype = 0;
  attached.count++;
  return entry;
}

/* Where the reference to the attached map of a value lies; NULL: it can have none. */
static rt_ref_t *place(rt_value_t value, int create) {
  if (RT_TAG(value) == RT_TAG_BUILTIN) return &rt_attached_builtin[RT_PAYLOAD(value)];
  if (RT_TAG(value) == RT_TAG_ROLE) return rt_role_map(value);
  if (RT_TAG(value) == RT_TAG_FUNCTION || RT_TAG(value) == RT_TAG_METHOD) {
    rt_attached_t *entry = find_function(RT_PAYLOAD(value));
    if (entry == NULL && create) entry = add_function(RT_PAYLOAD(value));
    return entry != NULL ? &entry->map : NULL;
  }
  if (RT_TAG(value) != RT_TAG_OBJECT) return NULL;
  rt_object_t *object = (rt_object_t *)RT_POINTER(RT_PAYLOAD(value));
  switch (object->kind) {
    case RT_KIND_ARRAY:
      return &((rt_array_t *)object)->properties_map;
    case RT_KIND_BUFFER:
      return &((rt_buffer_t *)object)->properties_map;
    case RT_KIND_CLOSURE:
      return &((rt_closure_t *)object)->properties_map;
    case RT_KIND_PACKET:
      return &((rt_packet_object_t *)object)->properties_map;
    case RT_KIND_BOUND: {
      /* bound functions do not nest */
      rt_value_t function = ((rt_bound_t *)object)->function;
      return rt_object_of(function, RT_KIND_BOUND) ? NULL : place(function, create);
    }
    default:
      return NULL;
  }
}

rt_map_t *rt_attached_map(rt_value_t value, int create) {
  rt_map_t *own = RT_AS_MAP(value);
  if (own != NULL) return own;
  rt_ref_t *ref = place(value, create);
  if (ref == NULL) return NULL;
  if (*ref == 0 && create) {
    uint32_t level = rt_heap_root_level();
    rt_heap_root(value);
    rt_map_t *map = rt_map_new(RT_NULL);
    rt_heap_unroot(level);
    if (map == NULL) return NULL;
    *place(value, 0) = RT_REF(map);
    return map;
  }
  return *ref != 0 ? (rt_map_t *)RT_POINTER(*ref) : NULL;
}

rt_map_t *rt_attached_prototype(uint32_t function) {
  rt_attached_t *entry = find_function(function);
  if (entry != NULL && entry->prototype != 0) return (rt_map_t *)RT_POINTER(entry->prototype);
  if (entry == NULL && add_function(function) == NULL) return NULL;
  rt_map_t *map = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Object_prototype));
  if (map == NULL) return NULL;
  find_function(function)->prototype = RT_REF(map);
  if (rt_map_set(map, RT_STR_constructor, RT_MAKE(RT_TAG_FUNCTION, function)) != 0) {
    find_function(function)->prototype = 0;
    return NULL;
  }
  return map;
}

void rt_attached_mark(void) {
  for (uint32_t i = 0; i < RT_BUILTINS; i++) rt_heap_mark_ref(rt_attached_builtin[i]);
  rt_heap_mark_ref(attached.functions);
  for (uint32_t i = 0; i < attached.count; i++) {
    rt_heap_mark_ref(functions()[i].map);
    rt_heap_mark_ref(functions()[i].prototype);
  }
}
