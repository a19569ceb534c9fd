/*
 * JSON.stringify. The text is measured first and written then. Open containers lie in an array of
 * the heap, three values each: the container, the number of the part to look at next, and whether
 * one has been printed.
 */
#include "vm/abi.h"
#include "vm/json.h"
#include "vm/text.h"

#define LEVEL_VALUES 3u
/* No block of the heap is larger; objects that share parts could make text without end. */
#define MOST_BYTES 0x80000u
#define MOST_INDENT 255u

typedef struct {
  rt_text_t text;
  rt_array_t *open;
  uint32_t indent;
} writer_t;

typedef enum { WRITE_FAILED = 0, WRITE_DONE = 1, WRITE_OPENED = 2 } write_t;

static int is_function(rt_value_t value) {
  return RT_TAG(value) == RT_TAG_FUNCTION || rt_object_of(value, RT_KIND_CLOSURE) != NULL ||
         rt_object_of(value, RT_KIND_BOUND) != NULL;
}

static void add_line_break(writer_t *writer) {
  if (writer->indent == 0) return;
  rt_text_add_char(&writer->text, '\n');
  uint32_t spaces = writer->open->length / LEVEL_VALUES * writer->indent;
  for (uint32_t i = 0; i < spaces; i++) rt_text_add_char(&writer->text, ' ');
}

static write_t open_container(writer_t *writer, rt_value_t container, char bracket) {
  rt_value_t *values = rt_array_values(writer->open);
  for (uint32_t i = 0; i < writer->open->length; i += LEVEL_VALUES) {
    if (values[i] != container) continue;
    rt_throw_type_error("Converting circular structure to JSON");
    return WRITE_FAILED;
  }
  if (rt_array_push(writer->open, container) != 0 || rt_array_push(writer->open, RT_INT(0)) != 0 ||
      rt_array_push(writer->open, RT_FALSE) != 0) {
    return WRITE_FAILED;
  }
  rt_text_add_char(&writer->text, bracket);
  return WRITE_OPENED;
}

static write_t add_value(writer_t *writer, rt_value_t value) {
  char digits[32];
  uint32_t bytes;
  const char *string = rt_string_text(value, &bytes);
  if (string != NULL) {
    rt_text_add_quoted(&writer->text, string, bytes);
  } else if (RT_AS_ARRAY(value) != NULL) {
    return open_container(writer, value, '[');
  } else if (RT_AS_MAP(value) != NULL) {
    return open_container(writer, value, '{');
  } else if (RT_IS_NUMBER(value)) {
    double number = RT_IS_INT(value) ? 0 : rt_value_double(value);
    uint32_t size = rt_number_print(digits, number - number == 0 ? value : RT_INT(0));
    if (number - number != 0) {
      rt_text_add(&writer->text, "null", 4);
    } else {
      rt_text_add(&writer->text, digits, size);
    }
  } else if (RT_TAG(value) == RT_TAG_SPECIAL) {
    rt_text_add_value(&writer->text, value);
  } else {
    rt_text_add(&writer->text, "{}", 2);
  }
  return WRITE_DONE;
}

/* The next part of the innermost container that is to be printed, and its name in a map. */
static int next_part(rt_value_t *level, rt_value_t *part, rt_key_t *key) {
  uint32_t at = RT_PAYLOAD(level[1]);
  const rt_array_t *array = RT_AS_ARRAY(level[0]);
  if (array != NULL) {
    level[1] = RT_INT(at + 1u);
    if (at >= array->length) return 0;
    *part = rt_array_values(array)[at];
    if (*part == RT_UNDEFINED) *part = RT_NULL;
    return 1;
  }
  while (rt_map_at(RT_AS_MAP(level[0]), at++, key, part)) {
    level[1] = RT_INT(at);
    if (*part != RT_UNDEFINED && !is_function(*part)) return 1;
  }
  return 0;
}

static write_t add_part(writer_t *writer) {
  rt_value_t part = RT_UNDEFINED;
  rt_key_t key = RT_NO_KEY;
  rt_value_t *level = rt_array_values(writer->open) + writer->open->length - LEVEL_VALUES;
  int is_array = RT_AS_ARRAY(level[0]) != NULL, is_first = level[2] == RT_FALSE;
  if (!next_part(level, &part, &key)) {
    writer->open->length -= LEVEL_VALUES;
    if (!is_first) add_line_break(writer);
    rt_text_add_char(&writer->text, is_array ? ']' : '}');
    return WRITE_DONE;
  }
  level[2] = RT_TRUE;
  if (!is_first) rt_text_add_char(&writer->text, ',');
  add_line_break(writer);
  if (!is_array) {
    uint32_t bytes;
    const char *name = rt_string_text(rt_name_string(key), &bytes);
    rt_text_add_quoted(&writer->text, name, bytes);
    rt_text_add(&writer->text, ": ", writer->indent == 0 ? 1 : 2);
  }
  return add_value(writer, part);
}

static int add_tree(writer_t *writer, rt_value_t value) {
  write_t result = add_value(writer, value);
  while (result != WRITE_FAILED && writer->open->length > 0) {
    if (writer->text.length > MOST_BYTES) {
      rt_throw_out_of_memory();
      return 0;
    }
    result = add_part(writer);
  }
  return result != WRITE_FAILED;
}

rt_value_t rt_json_stringify(rt_value_t value, uint32_t indent) {
  writer_t writer = {.text = {NULL, 0, 0},
                     .open = rt_array_new(0),
                     .indent = indent < MOST_INDENT ? indent : MOST_INDENT};
  if (writer.open == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(writer.open));
  if (!add_tree(&writer, value)) return RT_UNDEFINED;
  uint32_t bytes = writer.text.length;
  rt_string_t *string = rt_string_reserve(bytes);
  if (string == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(string));
  /* the array has had this room already: nothing is allocated from here on */
  writer.text = (rt_text_t){string->bytes, bytes, 0};
  add_tree(&writer, value);
  return rt_string_finish(string);
}
