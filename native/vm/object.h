/*
 * Objects, arrays, buffers, strings and names.
 *
 * Property keys are interned: the key of a name is one 32-bit word, so that looking up a field
 * compares words. A name that the image or the table of builtin strings has is its string index
 * (below 0x10000); any other name is the complement of the reference to the one heap string with
 * these bytes (complement: references may be small numbers, their complements are not).
 */
#ifndef RT_VM_OBJECT_H
#define RT_VM_OBJECT_H

#include "engine/status.h"
#include "vm/heap.h"

typedef uint32_t rt_key_t;
#define RT_NO_KEY 0xffffffffu
#define RT_KEY_IS_REF(key) ((key) >= 0x10000u)
#define RT_KEY_REF(key) (~(key))

/* ---- Layouts ---- */

/* RT_KIND_MAP; `header.extra` unused. */
typedef struct {
  rt_object_t header;
  rt_value_t prototype; /* map, builtin, or RT_NULL */
  rt_ref_t properties;  /* RT_KIND_PROPERTIES block, 0 while empty */
  uint16_t count, room;
} rt_map_t;

/* RT_KIND_PROPERTIES: `room` keys (an even number), then `room` values; in order of insertion, what
 * is not in use is 0. header.extra: room. */

/* RT_KIND_ARRAY */
typedef struct {
  rt_object_t header;
  rt_ref_t values; /* RT_KIND_VALUES block, 0 while empty */
  uint32_t length, room;
  rt_ref_t properties_map; /* own named properties (rare), 0: none */
} rt_array_t;

/* RT_KIND_BUFFER: header.extra bytes follow the header in place. */
typedef struct {
  rt_object_t header;
  rt_ref_t properties_map;
  uint32_t reserved;
  uint8_t bytes[];
} rt_buffer_t;

/* RT_KIND_STRING: header.extra bytes of UTF-8 and a NUL follow. */
typedef struct {
  rt_object_t header;
  uint32_t length; /* code points */
  uint32_t hash;   /* 0: not computed */
  char bytes[];
} rt_string_t;

typedef struct {
  rt_object_t header; /* extra: function index */
  rt_ref_t frame;     /* closed over */
  rt_ref_t properties_map;
} rt_closure_t;

typedef struct {
  rt_object_t header;
  rt_value_t function, receiver;
} rt_bound_t;

/* ---- Names ---- */

/* Builds the table of names of the loaded image, in the heap. */
rt_status_t rt_names_init(void);
/* The key of a string value; interns it. RT_NO_KEY with a pending error: not a string, no memory.
 */
rt_key_t rt_name_key(rt_value_t string);
/* The key of a string if anything is called so, else RT_NO_KEY; allocates nothing. */
rt_key_t rt_name_find(const char *text, uint32_t bytes);
/* The string value of a key. */
rt_value_t rt_name_string(rt_key_t key);
void rt_names_mark(void); /* keeps what the table itself needs; unused names are dropped in sweep */
void rt_names_sweep(void); /* called between mark and sweep */

/* ---- Kinds ---- */

/* The heap object of `kind` that `value` is, or NULL. */
void *rt_object_of(rt_value_t value, rt_kind_t kind);
#define RT_AS_MAP(value) ((rt_map_t *)rt_object_of(value, RT_KIND_MAP))
#define RT_AS_ARRAY(value) ((rt_array_t *)rt_object_of(value, RT_KIND_ARRAY))

/* ---- Maps ---- */

/* A map or builtin object as prototype; anything else counts as none. */
rt_map_t *rt_map_new(rt_value_t prototype);
/* Own property; NULL: none. The pointer is good until the next allocation. */
rt_value_t *rt_map_find(const rt_map_t *map, rt_key_t key);
/* 0 on success, -1 with an error pending. */
int rt_map_set(rt_map_t *map, rt_key_t key, rt_value_t value);
void rt_map_delete(rt_map_t *map, rt_key_t key);
/* nth property in insertion order; returns 0 past the end. */
int rt_map_at(const rt_map_t *map, uint32_t nth, rt_key_t *key, rt_value_t *value);

/* ---- Any value ---- */

/*
 * value.key as the language reads it: own properties, prototypes, builtin members (length,
 * methods). Methods come unbound: the interpreter binds. Throws on null and undefined.
 */
rt_value_t rt_field_get(rt_value_t object, rt_key_t key);
int rt_field_set(rt_value_t object, rt_key_t key, rt_value_t value);
/* value[index]: arrays, buffers, strings by number; else by name. */
rt_value_t rt_index_get(rt_value_t object, rt_value_t index);
int rt_index_set(rt_value_t object, rt_value_t index, rt_value_t value);
int rt_index_delete(rt_value_t object, rt_value_t index);
rt_value_t rt_prototype_of(rt_value_t value);
/* The map of the properties that scripts put on a value: a map is its own; arrays, buffers,
 * functions, builtin objects, roles and packets have one attached, made if `create`. NULL without
 * (or with an error pending), and of values that can have none. */
rt_map_t *rt_attached_map(rt_value_t value, int create);

/* ---- Arrays ---- */

rt_array_t *rt_array_new(uint32_t length);   /* filled with undefined */
rt_array_t *rt_array_reserve(uint32_t room); /* empty, with room to push that many */
int rt_array_insert(rt_array_t *array, uint32_t at, uint32_t count); /* makes room */
void rt_array_remove(rt_array_t *array, uint32_t at, uint32_t count);
int rt_array_push(rt_array_t *array, rt_value_t value);
static inline rt_value_t *rt_array_values(const rt_array_t *array) {
  return array->values ? (rt_value_t *)((rt_object_t *)RT_POINTER(array->values) + 1) : 0;
}

/* ---- Buffers ---- */

rt_buffer_t *rt_buffer_new(uint32_t bytes); /* zeroed */
/* The bytes of a buffer value (heap or image) or of a string; NULL when it is neither.
 * `*writable` is cleared for what lies in flash. */
uint8_t *rt_bytes_of(rt_value_t value, uint32_t *bytes, uint32_t *writable);

/* Reads and writes a number at a byte offset; `format` as the image's numfmt. Out of range throws.
 */
rt_value_t rt_buffer_load(rt_value_t buffer, uint32_t format, int32_t offset);
int rt_buffer_store(rt_value_t buffer, uint32_t format, int32_t offset, rt_value_t value);

/* The same on memory, without checks: bytes that a number of this format takes (0: no number), its
 * value, and storing (rounded to the nearest, held within what the format can have). */
uint32_t rt_number_bytes(uint32_t format);
rt_value_t rt_number_load(const uint8_t *bytes, uint32_t format);
void rt_number_store(uint8_t *bytes, uint32_t format, rt_value_t value);

/* ---- Strings ---- */

/* A new string of these bytes (which may lie in another string of the heap). Bad UTF-8 becomes
 * U+FFFD. Short ones may be names of the image. 0 bytes gives the empty builtin string. */
rt_value_t rt_string_new(const char *text, uint32_t bytes);
/* A string with `bytes` bytes to be filled in by the caller, then rt_string_finish'ed. */
rt_string_t *rt_string_reserve(uint32_t bytes);
rt_value_t rt_string_finish(rt_string_t *string);
int rt_is_string(rt_value_t value);
/* Bytes of a string value; NULL when it is none. */
const char *rt_string_text(rt_value_t string, uint32_t *bytes);
uint32_t rt_string_length(rt_value_t string); /* code points */
/* Byte offset of a code point; the string's size past the end. */
uint32_t rt_string_offset(rt_value_t string, uint32_t code_point);
int rt_string_equals(rt_value_t a, rt_value_t b);
rt_value_t rt_string_concat(rt_value_t a, rt_value_t b); /* of any values */
/* What `"" + value` gives. */
rt_value_t rt_to_string(rt_value_t value);

/* ---- Conversions ---- */

int rt_to_bool(rt_value_t value);
double rt_to_double(rt_value_t value);
int32_t rt_to_int32(rt_value_t value); /* modulo 2^32, as bit operators do */
int rt_strict_equals(rt_value_t a, rt_value_t b);
int rt_approx_equals(rt_value_t a, rt_value_t b); /* == */
/* Index of the builtin string that typeof gives. */
uint16_t rt_typeof_name(rt_value_t value);
uint8_t rt_typeof_code(rt_value_t value); /* Object_Type */

/* Digits of a number as the language prints it: 7 significant. Returns the length; room for 32. */
uint32_t rt_number_print(char *text, rt_value_t number);
/* Parses the whole of a decimal number (leading and trailing space allowed); *used bytes read. */
double rt_number_parse(const char *text, uint32_t bytes, uint32_t *used);

#endif
