/*
 * value.key and value[index] of anything.
 */
#include "vm/abi.h"
#include "vm/attached.h"
#include "vm/heap_internal.h"
#include "vm/role.h"
#ifdef RT_VM_TRACE
#include "vm/vm_internal.h"
#endif

#define LARGEST_INDEX 0xffefu

/* ---- Members of builtin objects ---- */

#define CACHED 32u
#define IS_NOTHING 3u /* beside RT_NATIVE_FUNCTION, …: there is no such native */

/*
 * What was found: builtin string | builtin object << 8 | native << 16 | its kind << 24. Natives
 * stay where they are, so an entry is never wrong; 0 looks like a constructor, which is not asked
 * for by name.
 */
static uint32_t cache[CACHED];

/* The rare halves are functions of their own, so that the usual way needs no stack. */
#define RARELY __attribute__((noinline))

RARELY static uint32_t find_native(uint32_t builtin, uint32_t string) {
  uint32_t found = string | builtin << 8;
  int32_t native = rt_native_find(builtin, string);
  if (native < 0) return found | IS_NOTHING << 24;
  return found | (uint32_t)native << 16 | (uint32_t)rt_natives[native].kind << 24;
}

RARELY static rt_value_t get_property(uint32_t native, rt_value_t receiver) {
#ifdef RT_VM_TRACE
  rt_vm_trace_native(native);
#endif
  rt_call_t call = {.receiver = receiver, .arguments = NULL, .count = 0};
  uint32_t level = rt_heap_root_level();
  rt_value_t value = rt_natives[native].function(&call);
  rt_heap_unroot(level);
  return value;
}

/* `constructor` of a builtin prototype, if its object can be called. */
RARELY static rt_value_t constructor_of(uint32_t builtin) {
  if (rt_builtins[builtin].constructor == RT_BUILTIN_NONE) return RT_UNDEFINED;
  int32_t constructor = rt_native_find(rt_builtins[builtin].constructor, 0);
  if (constructor < 0) return RT_UNDEFINED;
  return RT_MAKE(RT_TAG_FUNCTION, RT_NATIVE_FIRST + (uint32_t)constructor);
}

RARELY static rt_value_t search_builtin(uint32_t builtin, rt_key_t key, rt_value_t receiver) {
  uint32_t string = key - RT_STR__empty;
  int is_name = string != 0 && string < RT_BUILTIN_STRINGS;
  for (; builtin != RT_BUILTIN_NONE; builtin = rt_builtins[builtin].parent) {
    rt_ref_t own = rt_attached_builtin[builtin];
    if (own != 0) {
      const rt_value_t *found = rt_map_find((const rt_map_t *)RT_POINTER(own), key);
      if (found != NULL) return *found;
    }
    if (!is_name) continue;
    uint32_t *entry = &cache[(string ^ builtin * 5u) % CACHED];
    if ((*entry & 0xffffu) != (string | builtin << 8)) *entry = find_native(builtin, string);
    uint32_t kind = *entry >> 24, native = *entry >> 16 & 0xffu;
    if (kind < RT_NATIVE_PROPERTY) return RT_MAKE(RT_TAG_FUNCTION, RT_NATIVE_FIRST + native);
    if (kind == RT_NATIVE_PROPERTY) return get_property(native, receiver);
    if (key == RT_STR_constructor && rt_builtins[builtin].constructor != RT_BUILTIN_NONE) {
      return constructor_of(builtin);
    }
  }
  return RT_UNDEFINED;
}

/* Looks `key` up in a builtin object and what it derives from, for `receiver`. */
static rt_value_t builtin_member(uint32_t builtin, rt_key_t key, rt_value_t receiver) {
  /* Usually a method that was found before, of an object that no script has changed. */
  uint32_t string = key - RT_STR__empty;
  uint32_t entry = cache[(string ^ builtin * 5u) % CACHED];
  if ((entry & 0xffffu) == (string | builtin << 8) && entry >> 24 < RT_NATIVE_PROPERTY &&
      string != 0 && rt_attached_builtin[builtin] == 0) {
    return RT_MAKE(RT_TAG_FUNCTION, RT_NATIVE_FIRST + (entry >> 16 & 0xffu));
  }
  return search_builtin(builtin, key, receiver);
}

static rt_value_t member_of_builtin(rt_value_t object, rt_key_t key) {
  uint32_t builtin = RT_PAYLOAD(object);
  if (key == RT_STR_prototype && rt_builtins[builtin].prototype != RT_BUILTIN_NONE) {
    return RT_MAKE(RT_TAG_BUILTIN, rt_builtins[builtin].prototype);
  }
  rt_value_t member = builtin_member(builtin, key, object);
  if (member == RT_UNDEFINED && builtin == RT_BUILTIN_GPIO) return rt_pin_find(key);
  return member;
}

/* ---- Prototypes ---- */

static uint32_t prototype_of_object(const rt_object_t *object) {
  switch (object->kind) {
    case RT_KIND_ARRAY:
      return RT_BUILTIN_Array_prototype;
    case RT_KIND_BUFFER:
      return RT_BUILTIN_Buffer_prototype;
    case RT_KIND_STRING:
      return RT_BUILTIN_String_prototype;
    case RT_KIND_CLOSURE:
    case RT_KIND_BOUND:
      return RT_BUILTIN_Function_prototype;
    case RT_KIND_FIBER:
      return RT_BUILTIN_DsFiber_prototype;
    case RT_KIND_PACKET:
      return RT_BUILTIN_DsPacket_prototype;
    case RT_KIND_IMAGE:
      return RT_BUILTIN_Image_prototype;
    default:
      return RT_BUILTIN_NONE;
  }
}

/* The builtin prototype of what is neither map nor builtin object. */
static uint32_t builtin_prototype(rt_value_t value) {
  switch (RT_TAG(value)) {
    case RT_TAG_OBJECT:
      return prototype_of_object((rt_object_t *)RT_POINTER(RT_PAYLOAD(value)));
    case RT_TAG_FUNCTION:
    case RT_TAG_METHOD:
      return RT_BUILTIN_Function_prototype;
    case RT_TAG_STRING:
      return RT_BUILTIN_String_prototype;
    case RT_TAG_BUFFER:
      return RT_BUILTIN_Buffer_prototype;
    case RT_TAG_ROLE:
      return RT_BUILTIN_DsRole_prototype;
    case RT_TAG_ROLE_MEMBER:
      return rt_role_member_prototype(value);
    case RT_TAG_SERVICE_SPEC:
      return RT_BUILTIN_DsServiceSpec_prototype;
    case RT_TAG_PACKET_SPEC:
      return RT_BUILTIN_DsPacketSpec_prototype;
    case RT_TAG_PIN:
      return RT_BUILTIN_GPIO_prototype;
    case RT_TAG_SPECIAL:
      return RT_BUILTIN_Boolean_prototype;
    default:
      return RT_BUILTIN_Number_prototype;
  }
}

rt_value_t rt_prototype_of(rt_value_t value) {
  const rt_map_t *map = RT_AS_MAP(value);
  if (map != NULL) return map->prototype;
  uint32_t builtin;
  if (RT_TAG(value) == RT_TAG_BUILTIN) {
    builtin = rt_builtins[RT_PAYLOAD(value)].parent;
  } else if (value == RT_UNDEFINED || value == RT_NULL) {
    return RT_NULL;
  } else {
    builtin = builtin_prototype(value);
  }
  return builtin == RT_BUILTIN_NONE ? RT_NULL : RT_MAKE(RT_TAG_BUILTIN, builtin);
}

/* ---- Reading ---- */

static rt_value_t map_member(const rt_map_t *map, rt_key_t key, rt_value_t receiver) {
  for (;;) {
    const rt_value_t *found = rt_map_find(map, key);
    if (found != NULL) return *found;
    rt_value_t prototype = map->prototype;
    if (RT_TAG(prototype) == RT_TAG_BUILTIN) {
      return builtin_member(RT_PAYLOAD(prototype), key, receiver);
    }
    if (RT_TAG(prototype) != RT_TAG_OBJECT) return RT_UNDEFINED;
    map = (const rt_map_t *)RT_POINTER(RT_PAYLOAD(prototype));
  }
}

/* `length` of what has elements without asking the native (which counts itself in a trace build).
 */
#ifdef RT_VM_TRACE
#define IS_LENGTH(key) 0
#else
#define IS_LENGTH(key) ((key) == RT_STR_length)
#endif

static rt_value_t own_or_builtin(rt_ref_t own, uint32_t builtin, rt_key_t key,
                                 rt_value_t receiver) {
  if (own != 0) {
    const rt_value_t *found = rt_map_find((const rt_map_t *)RT_POINTER(own), key);
    if (found != NULL) return *found;
  }
  return builtin_member(builtin, key, receiver);
}

static rt_value_t member_of_object(rt_value_t object, rt_key_t key) {
  const rt_object_t *header = (const rt_object_t *)RT_POINTER(RT_PAYLOAD(object));
  switch (header->kind) {
    case RT_KIND_MAP:
      return map_member((const rt_map_t *)header, key, object);
    case RT_KIND_ARRAY: {
      const rt_array_t *array = (const rt_array_t *)header;
      if (IS_LENGTH(key)) return RT_INT(array->length);
      return own_or_builtin(array->properties_map, RT_BUILTIN_Array_prototype, key, object);
    }
    case RT_KIND_STRING:
      if (IS_LENGTH(key)) return RT_INT(((const rt_string_t *)header)->length);
      return builtin_member(RT_BUILTIN_String_prototype, key, object);
    case RT_KIND_BUFFER:
      if (IS_LENGTH(key)) return RT_INT(header->extra);
      return own_or_builtin(((const rt_buffer_t *)header)->properties_map,
                            RT_BUILTIN_Buffer_prototype, key, object);
    default: {
      const rt_map_t *own = rt_attached_map(object, 0);
      return own_or_builtin(own != NULL ? RT_REF(own) : 0, prototype_of_object(header), key,
                            object);
    }
  }
}

rt_value_t rt_field_get(rt_value_t object, rt_key_t key) {
  rt_value_t member;
  switch (RT_TAG(object)) {
    case RT_TAG_OBJECT:
      return member_of_object(object, key);
    case RT_TAG_STRING:
      if (IS_LENGTH(key)) return RT_INT(rt_string_length(object));
      break;
    case RT_TAG_ROLE:
      if (rt_role_find(object, key, &member)) return member;
      break;
    case RT_TAG_FUNCTION:
    case RT_TAG_METHOD: {
      const rt_map_t *own = rt_attached_map(object, 0);
      const rt_value_t *found = own != NULL ? rt_map_find(own, key) : NULL;
      if (found != NULL) return *found;
      break;
    }
    case RT_TAG_BUILTIN:
      return member_of_builtin(object, key);
    case RT_TAG_PIN:
      if (rt_pin_field(object, key, &member)) return member;
      break;
    case RT_TAG_SPECIAL:
      if (object == RT_UNDEFINED || object == RT_NULL) {
        return rt_throw_type_error("getting field '%v' of %v", rt_name_string(key), object);
      }
      break;
    default:
      break;
  }
  return builtin_member(builtin_prototype(object), key, object);
}

/* ---- Writing ---- */

static int cannot_set(rt_value_t object, rt_value_t name) {
  if (object == RT_UNDEFINED || object == RT_NULL) {
    (void)rt_throw_type_error("setting field '%v' of %v", name, object);
  } else {
    (void)rt_throw_type_error("setting field '%v' of a primitive", name);
  }
  return -1;
}

static int set_length(rt_array_t *array, rt_value_t value) {
  double length = rt_to_double(value);
  if (!(length >= 0) || length > LARGEST_INDEX) {
    (void)rt_throw_range_error("array too big");
    return -1;
  }
  uint32_t wanted = (uint32_t)length;
  if (wanted > array->length) {
    return rt_array_insert(array, array->length, wanted - array->length);
  }
  rt_array_remove(array, wanted, array->length - wanted);
  return 0;
}

int rt_field_set(rt_value_t object, rt_key_t key, rt_value_t value) {
  rt_map_t *map = RT_AS_MAP(object);
  if (map == NULL) {
    rt_array_t *array = RT_AS_ARRAY(object);
    if (array != NULL && key == RT_STR_length) return set_length(array, value);
    uint32_t level = rt_heap_root_level();
    rt_heap_root(value);
    if (RT_KEY_IS_REF(key)) rt_heap_root(rt_name_string(key));
    map = rt_attached_map(object, 1);
    rt_heap_unroot(level);
    if (map == NULL) return rt_is_throwing() ? -1 : cannot_set(object, rt_name_string(key));
  }
  return rt_map_set(map, key, value);
}

/* ---- By index ---- */

/* The whole part of a number as an index; negative and large ones give one that nothing has. */
static uint32_t whole(rt_value_t number) {
  if (RT_IS_INT(number)) return RT_PAYLOAD(number);
  double value = rt_value_double(number);
  if (value > -1.0 && value < 2147483647.0) return (uint32_t)value;
  return value != value ? 0u : 0xffffffffu;
}

static rt_value_t element(rt_value_t object, uint32_t index) {
  const rt_array_t *array = RT_AS_ARRAY(object);
  if (array != NULL) return index < array->length ? rt_array_values(array)[index] : RT_UNDEFINED;
  if (rt_is_string(object)) return rt_string_at(object, index);
  uint32_t bytes, writable;
  const uint8_t *data = rt_bytes_of(object, &bytes, &writable);
  return index < bytes ? RT_INT(data[index]) : RT_UNDEFINED;
}

static int has_elements(rt_value_t object) {
  if (RT_TAG(object) == RT_TAG_STRING || RT_TAG(object) == RT_TAG_BUFFER) return 1;
  if (RT_TAG(object) != RT_TAG_OBJECT) return 0;
  uint32_t kind = ((const rt_object_t *)RT_POINTER(RT_PAYLOAD(object)))->kind;
  return kind == RT_KIND_ARRAY || kind == RT_KIND_BUFFER || kind == RT_KIND_STRING;
}

/* The key that an index means, if anything is called so. RT_NO_KEY: none, perhaps with an error. */
static rt_key_t known_key(rt_value_t index) {
  rt_value_t name = rt_is_string(index) ? index : rt_to_string(index);
  if (rt_is_throwing()) return RT_NO_KEY;
  uint32_t level = rt_heap_root_level();
  rt_heap_root(name);
  rt_key_t key = rt_name_lookup(name);
  rt_heap_unroot(level);
  return key;
}

/* The key that an index means; interned. RT_NO_KEY with an error pending. */
static rt_key_t key_of(rt_value_t index) {
  rt_value_t name = rt_is_string(index) ? index : rt_to_string(index);
  if (rt_is_throwing()) return RT_NO_KEY;
  uint32_t level = rt_heap_root_level();
  rt_heap_root(name);
  rt_key_t key = rt_name_key(name);
  rt_heap_unroot(level);
  return key;
}

rt_value_t rt_index_get(rt_value_t object, rt_value_t index) {
  if (RT_TAG(index) == RT_TAG_STRING) return rt_field_get(object, RT_PAYLOAD(index));
  if (RT_IS_NUMBER(index) && has_elements(object)) return element(object, whole(index));
  if (object == RT_UNDEFINED || object == RT_NULL) {
    return rt_throw_type_error("getting field '%v' of %v", index, object);
  }
  rt_key_t key = known_key(index);
  return key == RT_NO_KEY ? RT_UNDEFINED : rt_field_get(object, key);
}

static int set_byte(rt_value_t object, uint32_t index, rt_value_t value) {
  uint32_t bytes, writable;
  uint8_t *data = rt_bytes_of(object, &bytes, &writable);
  if (!writable) {
    (void)rt_throw_expecting("array", object);
    return -1;
  }
  if (index > LARGEST_INDEX) {
    (void)rt_throw_range_error("array too big");
    return -1;
  }
  if (index >= bytes) {
    (void)rt_throw_range_error("buffer write at %d, len=%d", (int)index, (int)bytes);
    return -1;
  }
  data[index] = (uint8_t)rt_to_int32(value);
  return 0;
}

static int set_element(rt_value_t object, uint32_t index, rt_value_t value) {
  rt_array_t *array = RT_AS_ARRAY(object);
  if (array == NULL) return set_byte(object, index, value);
  if (index >= array->length) {
    if (index >= LARGEST_INDEX) {
      (void)rt_throw_range_error("array too big");
      return -1;
    }
    if (rt_array_insert(array, array->length, index + 1u - array->length) != 0) return -1;
  }
  rt_array_values(array)[index] = value;
  return 0;
}

int rt_index_set(rt_value_t object, rt_value_t index, rt_value_t value) {
  if (RT_TAG(index) == RT_TAG_STRING) return rt_field_set(object, RT_PAYLOAD(index), value);
  if (RT_IS_NUMBER(index) && has_elements(object)) return set_element(object, whole(index), value);
  if (object == RT_UNDEFINED || object == RT_NULL) return cannot_set(object, index);
  rt_key_t key = key_of(index);
  return key == RT_NO_KEY ? -1 : rt_field_set(object, key, value);
}

int rt_index_delete(rt_value_t object, rt_value_t index) {
  if (RT_IS_NUMBER(index) && RT_AS_ARRAY(object) != NULL) {
    uint32_t at = whole(index);
    rt_array_t *array = RT_AS_ARRAY(object);
    if (at < array->length) rt_array_values(array)[at] = RT_UNDEFINED;
    return 0;
  }
  rt_map_t *map = rt_attached_map(object, 0);
  if (map == NULL) {
    int can_have = has_elements(object) || RT_TAG(object) == RT_TAG_FUNCTION ||
                   RT_TAG(object) == RT_TAG_BUILTIN || RT_TAG(object) == RT_TAG_ROLE;
    return can_have && !rt_is_string(object) ? 0 : cannot_set(object, index);
  }
  rt_key_t key = known_key(index);
  if (key != RT_NO_KEY) rt_map_delete(map, key);
  return rt_is_throwing() ? -1 : 0;
}
