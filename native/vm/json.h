/* JSON: values from text and back. */
#ifndef RT_VM_JSON_H
#define RT_VM_JSON_H

#include "vm/native.h"

/* The value that a string value describes; SyntaxError with the position, in bytes, when none. */
rt_value_t rt_json_parse(rt_value_t string);

/* A string value; `indent`: spaces a level, 0 for all on one line. TypeError when circular. */
rt_value_t rt_json_stringify(rt_value_t value, uint32_t indent);

#endif
