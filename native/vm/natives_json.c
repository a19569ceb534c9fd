/* JSON, without recursion: how deep values may be nested is limited by the heap alone. */
#include "vm/abi.h"
#include "vm/json.h"

rt_value_t rt_native_json_parse(rt_call_t *call) {
  if (call->count > 1 && call->arguments[1] != RT_UNDEFINED && call->arguments[1] != RT_NULL) {
    return rt_throw_type_error("JSON.parse reviver not supported (yet)");
  }
  rt_value_t source = rt_to_string(call->arguments[0]);
  return rt_is_throwing() ? RT_UNDEFINED : rt_json_parse(source);
}

rt_value_t rt_native_json_stringify(rt_call_t *call) {
  rt_value_t replacer = call->arguments[1];
  if (replacer != RT_UNDEFINED && replacer != RT_NULL) {
    return rt_throw_type_error("JSON.stringify replacer not supported (yet)");
  }
  int32_t indent = rt_to_int32(call->arguments[2]);
  return rt_json_stringify(call->arguments[0], indent > 0 ? (uint32_t)indent : 0);
}
