/* Object: assign, keys, values, setPrototypeOf, and Object as a constructor. */
#include "vm/abi.h"
#include "vm/attached.h"
#include "vm/heap_internal.h"
#include "vm/pin.h"

rt_value_t rt_native_object_new(rt_call_t *call) {
  rt_value_t given = call->arguments[0];
  if (call->count > 0 && given != RT_UNDEFINED && given != RT_NULL) return given;
  rt_map_t *map = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Object_prototype));
  return map != NULL ? RT_OBJECT(map) : RT_UNDEFINED;
}

/* Throws for null and undefined; *map may be NULL for what has no properties of its own. */
static int fields_of(rt_value_t value, const rt_map_t **map) {
  if (value == RT_UNDEFINED || value == RT_NULL) {
    (void)rt_throw_type_error("getting fields of %v", value);
    return -1;
  }
  *map = rt_attached_map(value, 0);
  return 0;
}

/* Functions and builtin objects have properties even before the first is set. */
static int is_open(rt_value_t value) {
  uint32_t code = rt_typeof_code(value);
  return code == RT_TYPE_MAP || code == RT_TYPE_FUNCTION;
}

/* What a builtin object has from the start: constants of it are known to the compiler only. */
static int push_natives(rt_array_t *array, uint32_t builtin, int values) {
  for (uint32_t i = rt_builtins[builtin].first; i < rt_builtins[builtin + 1u].first; i++) {
    if (rt_natives[i].name == 0) continue;
    rt_value_t value = values ? RT_MAKE(RT_TAG_FUNCTION, RT_NATIVE_FIRST + i)
                              : RT_MAKE(RT_TAG_STRING, RT_STR(rt_natives[i].name));
    if (rt_array_push(array, value) != 0) return -1;
  }
  return 0;
}

/* GPIO has the board's pins. */
static int push_pins(rt_array_t *array, int values) {
  for (uint32_t i = 0; i < rt_pin_count(); i++) {
    const rt_value_t pin = RT_MAKE(RT_TAG_PIN, i);
    rt_value_t label = RT_UNDEFINED;
    if (!values) (void)rt_pin_field(pin, RT_STR_label, &label);
    if (rt_array_push(array, values ? pin : label) != 0) return -1;
  }
  return 0;
}

static rt_value_t list(rt_value_t object, int values) {
  const rt_map_t *map;
  if (fields_of(object, &map) != 0) return RT_UNDEFINED;
  if (map == NULL && !is_open(object)) return RT_UNDEFINED;
  rt_array_t *array = rt_array_reserve(map != NULL ? map->count : 0);
  if (array == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(array));
  if (RT_TAG(object) == RT_TAG_BUILTIN && push_natives(array, RT_PAYLOAD(object), values) != 0) {
    return RT_UNDEFINED;
  }
  if (object == RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_GPIO) && push_pins(array, values) != 0) {
    return RT_UNDEFINED;
  }
  rt_key_t key;
  rt_value_t value;
  for (uint32_t i = 0; map != NULL && rt_map_at(map, i, &key, &value); i++) {
    if (rt_array_push(array, values ? value : rt_name_string(key)) != 0) return RT_UNDEFINED;
  }
  return RT_OBJECT(array);
}

rt_value_t rt_native_object_keys(rt_call_t *call) { return list(call->arguments[0], 0); }

rt_value_t rt_native_object_values(rt_call_t *call) { return list(call->arguments[0], 1); }

rt_value_t rt_native_object_assign(rt_call_t *call) {
  rt_value_t target = call->arguments[0];
  if (target == RT_UNDEFINED || target == RT_NULL) {
    return rt_throw_type_error("setting fields of %v", target);
  }
  rt_value_t source = call->arguments[1];
  const rt_map_t *from = rt_attached_map(source, 0);
  rt_map_t *to = rt_attached_map(target, 1);
  if (to == NULL) {
    return rt_is_throwing() ? RT_UNDEFINED : rt_throw_type_error("setting fields of a primitive");
  }
  rt_key_t key;
  rt_value_t value;
  for (uint32_t i = 0; from != NULL && rt_map_at(from, i, &key, &value); i++) {
    if (rt_map_set(to, key, value) != 0) return RT_UNDEFINED;
  }
  return target;
}

/* Whether `map` is found on the way up from `prototype`: then it would never end. */
static int would_loop(const rt_map_t *map, rt_value_t prototype) {
  for (const rt_map_t *at = RT_AS_MAP(prototype); at != NULL; at = RT_AS_MAP(at->prototype)) {
    if (at == map) return 1;
  }
  return 0;
}

rt_value_t rt_native_object_set_prototype_of(rt_call_t *call) {
  rt_value_t object = call->arguments[0], prototype = call->arguments[1];
  rt_map_t *map = RT_AS_MAP(object);
  if (map == NULL) return rt_throw_expecting("object", object);
  if (prototype == RT_NULL || prototype == RT_UNDEFINED) {
    return rt_throw_type_error("getting fields of %v", prototype);
  }
  if (RT_AS_MAP(prototype) == NULL && RT_TAG(prototype) != RT_TAG_BUILTIN) {
    return rt_throw_expecting("prototype", prototype);
  }
  if (would_loop(map, prototype)) return rt_throw_type_error("cyclic prototype");
  map->prototype = prototype;
  return object;
}
