/* typeof, as the language and as Object_Type of the ABI. */
#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "vm/role.h"

static uint8_t object_code(const rt_object_t *object) {
  switch (object->kind) {
    case RT_KIND_ARRAY:
      return RT_TYPE_ARRAY;
    case RT_KIND_BUFFER:
      return RT_TYPE_BUFFER;
    case RT_KIND_STRING:
      return RT_TYPE_STRING;
    case RT_KIND_CLOSURE:
    case RT_KIND_BOUND:
      return RT_TYPE_FUNCTION;
    case RT_KIND_FIBER:
      return RT_TYPE_FIBER;
    case RT_KIND_PACKET:
      return RT_TYPE_PACKET;
    case RT_KIND_IMAGE:
      return RT_TYPE_IMAGE;
    default:
      return RT_TYPE_MAP;
  }
}

uint8_t rt_typeof_code(rt_value_t value) {
  switch (RT_TAG(value)) {
    case RT_TAG_OBJECT:
      return object_code((const rt_object_t *)RT_POINTER(RT_PAYLOAD(value)));
    case RT_TAG_SPECIAL:
      if (value == RT_UNDEFINED) return RT_TYPE_UNDEFINED;
      return value == RT_NULL ? RT_TYPE_NULL : RT_TYPE_BOOL;
    case RT_TAG_FUNCTION:
    case RT_TAG_METHOD:
      return RT_TYPE_FUNCTION;
    case RT_TAG_STRING:
      return RT_TYPE_STRING;
    case RT_TAG_BUFFER:
      return RT_TYPE_BUFFER;
    case RT_TAG_BUILTIN:
      return RT_TYPE_MAP;
    case RT_TAG_ROLE:
      return RT_TYPE_ROLE;
    case RT_TAG_ROLE_MEMBER:
      return rt_role_member_is_command(value) ? RT_TYPE_FUNCTION : RT_TYPE_EXOTIC;
    case RT_TAG_SERVICE_SPEC:
    case RT_TAG_PACKET_SPEC:
    case RT_TAG_PIN:
      return RT_TYPE_EXOTIC;
    default:
      return RT_TYPE_NUMBER;
  }
}

uint16_t rt_typeof_name(rt_value_t value) {
  switch (rt_typeof_code(value)) {
    case RT_TYPE_UNDEFINED:
      return RT_STR_undefined;
    case RT_TYPE_NUMBER:
      return RT_STR_number;
    case RT_TYPE_BOOL:
      return RT_STR_boolean;
    case RT_TYPE_FUNCTION:
      return RT_STR_function;
    case RT_TYPE_STRING:
      return RT_STR_string;
    default:
      return RT_STR_object;
  }
}
