/* What heap and objects ask of the rest of the VM, in a few lines: one table of roots, errors that
 * are counted, an image without strings of its own. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "vm/role.h"
#include "vm/text.h"
#include "vm/vm_internal.h"

rt_image_t rt_image;
rt_vm_t rt_vm;
rt_value_t table[TABLE];
unsigned thrown;

void rt_vm_mark_roots(void) {
  for (unsigned i = 0; i < TABLE; i++) rt_heap_mark_value(table[i]);
}

void rt_frame_mark(const rt_object_t *frame) { (void)frame; }
void rt_fiber_mark(const rt_object_t *fiber) { (void)fiber; }
rt_ref_t *rt_role_map(rt_value_t role) {
  (void)role;
  return 0;
}

/* Two builtin strings as they are, for the others their numbers. */
const char *rt_image_string(uint16_t string, uint32_t *bytes) {
  static char text[RT_BUILTIN_STRINGS][8];
  uint32_t index = string & 0x3fffu;
  const char *name = text[index];
  if (string == RT_STR_length) name = "length";
  if (string == RT_STR_byCode) name = "byCode";
  if (string == RT_STR__empty) name = "";
  if (name == text[index]) snprintf(text[index], sizeof text[index], "#%u", (unsigned)index);
  *bytes = (uint32_t)strlen(name);
  return name;
}

static rt_value_t count_error(void) {
  thrown++;
  return RT_UNDEFINED;
}

rt_value_t rt_throw_out_of_memory(void) { return count_error(); }
rt_value_t rt_throw_range_error(const char *format, ...) {
  (void)format;
  return count_error();
}
rt_value_t rt_throw_expecting(const char *what, rt_value_t got) {
  (void)what;
  (void)got;
  return count_error();
}
int rt_is_throwing(void) { return thrown != 0; }
void rt_text_add_value(rt_text_t *text, rt_value_t value) {
  (void)text;
  (void)value;
}
