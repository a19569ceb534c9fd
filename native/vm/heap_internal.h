/* What the files of heap and objects know of each other, and nobody else. */
#ifndef RT_VM_HEAP_INTERNAL_H
#define RT_VM_HEAP_INTERNAL_H

#include "vm/object.h"

/* Keys and values of an RT_KIND_PROPERTIES block. */
static inline rt_key_t *rt_property_keys(rt_object_t *block) {
  return (rt_key_t *)(void *)(block + 1);
}

static inline rt_value_t *rt_property_values(rt_object_t *block, uint32_t room) {
  return (rt_value_t *)(void *)(rt_property_keys(block) + room);
}

/* Whether a block of so many bytes is out of the question even with an empty heap: then it is the
 * script's fault (a RangeError), not that memory is out. */
int rt_heap_is_too_big(uint32_t bytes);

/* Marks the tables of attached maps: see field.c. */
void rt_attached_mark(void);

/* The collector is about to give references away again: caches that hold some are emptied. */
void rt_map_forget(void);
void rt_string_forget(void);

/* The table of attached maps is new: no builtin object or function has one. */
void rt_attached_init(void);

/* A fresh string of bytes that are known to be good UTF-8 of `length` code points. */
rt_value_t rt_string_copy(const char *text, uint32_t bytes, uint32_t length);

/* The character at a code point as a string; undefined past the end. */
rt_value_t rt_string_at(rt_value_t string, uint32_t code_point);

/* One code point of UTF-8: returns its bytes, 0 when it is not well-formed. */
uint32_t rt_utf8_decode(const char *text, uint32_t bytes, uint32_t *code);
/* Writes a code point (bad ones as U+FFFD), returns its bytes; room for 4. */
uint32_t rt_utf8_encode(char *text, uint32_t code);

/* FNV-1a of bytes; never 0. */
uint32_t rt_string_hash(const char *text, uint32_t bytes);

/* The key of a string value if anything is called so, else RT_NO_KEY (with an error pending only if
 * the first lookup of all had no memory for its table). */
rt_key_t rt_name_lookup(rt_value_t string);

#endif
