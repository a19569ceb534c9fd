/* Arrays: a header and a block of values that grows by half. Values behind the length are 0. */
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"

#define LARGEST 0xfff0u /* values in one block */
#define FIRST_ROOM 4u

static rt_value_t *values_of(rt_object_t *block) { return (rt_value_t *)(void *)(block + 1); }

static rt_object_t *new_block(uint32_t room) {
  rt_object_t *block = (rt_object_t *)rt_heap_allocate(RT_KIND_VALUES, room * sizeof(rt_value_t));
  if (block != NULL) block->extra = room;
  return block;
}

static int is_too_big(uint32_t room) {
  if (room <= LARGEST && !rt_heap_is_too_big(room * sizeof(rt_value_t))) return 0;
  (void)rt_throw_range_error("array too big");
  return 1;
}

rt_array_t *rt_array_reserve(uint32_t room) {
  if (is_too_big(room)) return NULL;
  rt_array_t *array =
      (rt_array_t *)rt_heap_allocate(RT_KIND_ARRAY, sizeof(rt_array_t) - sizeof(rt_object_t));
  if (array == NULL || room == 0) return array;
  uint32_t level = rt_heap_root_level();
  rt_heap_root(RT_OBJECT(array));
  rt_object_t *block = new_block(room);
  rt_heap_unroot(level);
  if (block == NULL) return NULL;
  array->values = RT_REF(block);
  array->room = room;
  return array;
}

rt_array_t *rt_array_new(uint32_t length) {
  rt_array_t *array = rt_array_reserve(length);
  if (array == NULL) return NULL;
  rt_value_t *values = rt_array_values(array);
  for (uint32_t i = 0; i < length; i++) values[i] = RT_UNDEFINED;
  array->length = length;
  return array;
}

/* Room for at least `room` values. The array is kept alive here, a value to be put in is not. */
static int make_room(rt_array_t *array, uint32_t room) {
  if (is_too_big(room)) return -1;
  uint32_t larger = array->room + array->room / 2u;
  if (larger > LARGEST) larger = LARGEST;
  if (room < larger && !rt_heap_is_too_big(larger * sizeof(rt_value_t))) room = larger;
  if (room < FIRST_ROOM) room = FIRST_ROOM;
  uint32_t level = rt_heap_root_level();
  rt_heap_root(RT_OBJECT(array));
  rt_object_t *block = new_block(room);
  rt_heap_unroot(level);
  if (block == NULL) return -1;
  if (array->values != 0) {
    memcpy(values_of(block), rt_array_values(array), array->length * sizeof(rt_value_t));
    rt_heap_free(RT_POINTER(array->values));
  }
  array->values = RT_REF(block);
  array->room = block->extra;
  return 0;
}

int rt_array_insert(rt_array_t *array, uint32_t at, uint32_t count) {
  if (count > LARGEST - array->length) {
    (void)rt_throw_range_error("array too big");
    return -1;
  }
  if (at > array->length) at = array->length;
  if (array->length + count > array->room && make_room(array, array->length + count) != 0) {
    return -1;
  }
  if (count == 0) return 0;
  rt_value_t *values = rt_array_values(array);
  for (uint32_t i = array->length; i > at; i--) values[i + count - 1u] = values[i - 1u];
  for (uint32_t i = 0; i < count; i++) values[at + i] = RT_UNDEFINED;
  array->length += count;
  return 0;
}

void rt_array_remove(rt_array_t *array, uint32_t at, uint32_t count) {
  if (at >= array->length) return;
  if (count > array->length - at) count = array->length - at;
  rt_value_t *values = rt_array_values(array);
  uint32_t left = array->length - count;
  for (uint32_t i = at; i < left; i++) values[i] = values[i + count];
  for (uint32_t i = left; i < array->length; i++) values[i] = 0;
  array->length = left;
}

int rt_array_push(rt_array_t *array, rt_value_t value) {
  if (array->length == array->room) {
    uint32_t level = rt_heap_root_level();
    rt_heap_root(value);
    int failed = make_room(array, array->length + 1u);
    rt_heap_unroot(level);
    if (failed) return -1;
  }
  rt_array_values(array)[array->length++] = value;
  return 0;
}
