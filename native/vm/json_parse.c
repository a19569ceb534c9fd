/*
 * JSON.parse. Containers that are still open lie in an array of the heap, with the name of the
 * property that is being read above an object: that is the parser's stack, and keeps all alive.
 */
#include <string.h>

#include "vm/abi.h"
#include "vm/json.h"

typedef struct {
  const char *text;
  uint32_t bytes, at;
  rt_array_t *open; /* containers, and names above maps */
} parser_t;

/* What a step of the parser came to. */
typedef enum {
  STEP_FAILED = 0, /* an exception is pending */
  STEP_VALUE = 1,  /* a whole value */
  STEP_OPENED = 2, /* a container, or the next part of one: a value has to follow */
} step_t;

/* ---- Errors ---- */

/* The character at `position` is not what should be there; past the end: there is none. */
static step_t unexpected(const parser_t *parser, uint32_t position) {
  char token[5];
  uint32_t size = 0;
  if (position >= parser->bytes) {
    rt_throw_syntax_error("Unexpected end of JSON input");
    return STEP_FAILED;
  }
  do {
    token[size] = parser->text[position + size];
    size++;
  } while (size < 4u && position + size < parser->bytes &&
           ((uint8_t)parser->text[position + size] & 0xc0u) == 0x80u);
  token[size] = 0;
  rt_throw_syntax_error("Unexpected token '%s' in JSON at position %d", token, (int)position);
  return STEP_FAILED;
}

/* ---- Characters ---- */

/* The next character that is no space, 0 at the end. */
static char next_character(parser_t *parser) {
  while (parser->at < parser->bytes) {
    char c = parser->text[parser->at];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
    parser->at++;
  }
  return 0;
}

static uint32_t hex_digit(char c) {
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
  uint32_t letter = (uint32_t)(c | 0x20) - 'a';
  return letter < 6u ? letter + 10u : 16u;
}

/* Four digits at `at`. 0: an error is pending. */
static int read_code_unit(const parser_t *parser, uint32_t at, uint32_t *unit) {
  *unit = 0;
  if (at + 4u > parser->bytes) {
    unexpected(parser, parser->bytes);
    return 0;
  }
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t digit = hex_digit(parser->text[at + i]);
    if (digit > 15u) {
      unexpected(parser, at + 3u);
      return 0;
    }
    *unit = *unit << 4 | digit;
  }
  return 1;
}

/* "uXXXX" at *at, two of them for characters beyond 16 bits. */
static int read_unicode(const parser_t *parser, uint32_t *at, uint32_t *point) {
  uint32_t low;
  if (!read_code_unit(parser, *at + 1u, point)) return 0;
  *at += 5u;
  if (*point >> 11 != 0x1bu) return 1;
  if (*point >= 0xdc00u) return unexpected(parser, *at - 1u) != STEP_FAILED;
  for (uint32_t i = 0; i < 2; i++) {
    if (*at + i >= parser->bytes || parser->text[*at + i] != "\\u"[i]) {
      return unexpected(parser, *at + i) != STEP_FAILED;
    }
  }
  if (!read_code_unit(parser, *at + 2u, &low)) return 0;
  *at += 6u;
  if (low >> 10 != 0x37u) {
    return unexpected(parser, low >> 11 == 0x1bu ? *at - 1u : *at) != STEP_FAILED;
  }
  *point = 0x10000u + ((*point & 0x3ffu) << 10) + (low & 0x3ffu);
  return 1;
}

static uint32_t encode(char *bytes, uint32_t point) {
  if (point < 0x80u) {
    bytes[0] = (char)point;
    return 1;
  }
  uint32_t size = point < 0x800u ? 2u : point < 0x10000u ? 3u : 4u;
  for (uint32_t i = size - 1u; i > 0; i--, point >>= 6) bytes[i] = (char)(0x80u | (point & 0x3fu));
  bytes[0] = (char)((0xf00u >> size & 0xf0u) | point);
  return size;
}

/* ---- Strings ---- */

/* The escape at *at, after its backslash, as UTF-8: 1 to 4 bytes; 0: an error is pending. */
static uint32_t read_escape(const parser_t *parser, uint32_t *at, char *bytes) {
  static const char pairs[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  if (*at >= parser->bytes) {
    unexpected(parser, *at);
    return 0;
  }
  char c = parser->text[*at];
  if (c == 'u') {
    uint32_t point;
    return read_unicode(parser, at, &point) ? encode(bytes, point) : 0;
  }
  for (const char *pair = pairs; *pair != 0; pair += 2) {
    if (*pair != c) continue;
    bytes[0] = pair[1];
    *at += 1u;
    return 1;
  }
  unexpected(parser, *at);
  return 0;
}

/* Copies a string's content to `to` (NULL: only measures), from `at` to its closing quote. */
static int decode(const parser_t *parser, uint32_t at, char *to, uint32_t *size) {
  *size = 0;
  for (;;) {
    uint32_t start = at;
    while (at < parser->bytes && parser->text[at] != '"' && parser->text[at] != '\\') at++;
    if (to != NULL) memcpy(to + *size, parser->text + start, at - start);
    *size += at - start;
    if (at >= parser->bytes) return unexpected(parser, at) != STEP_FAILED;
    if (parser->text[at++] == '"') return 1;
    char bytes[4];
    uint32_t count = read_escape(parser, &at, bytes);
    if (count == 0) return 0;
    if (to != NULL) memcpy(to + *size, bytes, count);
    *size += count;
  }
}

/* Where a string ends whose content starts at `at`: its closing quote, past any escaped one. */
static uint32_t closing_quote(const parser_t *parser, uint32_t at, int *has_escapes) {
  *has_escapes = 0;
  for (; at < parser->bytes && parser->text[at] != '"'; at++) {
    if (parser->text[at] == '\\') {
      *has_escapes = 1;
      at++;
    }
  }
  return at;
}

static step_t read_string(parser_t *parser, rt_value_t *value) {
  int has_escapes;
  uint32_t start = parser->at + 1u, size;
  uint32_t end = closing_quote(parser, start, &has_escapes);
  if (!has_escapes && end < parser->bytes) {
    *value = rt_string_new(parser->text + start, end - start);
  } else {
    if (!decode(parser, start, NULL, &size)) return STEP_FAILED;
    rt_string_t *string = rt_string_reserve(size);
    if (string == NULL) return STEP_FAILED;
    decode(parser, start, string->bytes, &size);
    *value = rt_string_finish(string);
  }
  parser->at = end + 1u;
  return rt_is_throwing() ? STEP_FAILED : STEP_VALUE;
}

/* ---- Other values ---- */

static step_t read_word(parser_t *parser, const char *word, uint32_t size, rt_value_t result,
                        rt_value_t *value) {
  if (parser->bytes - parser->at < size || memcmp(parser->text + parser->at, word, size) != 0) {
    return unexpected(parser, parser->at);
  }
  parser->at += size;
  *value = result;
  return STEP_VALUE;
}

static step_t read_number(parser_t *parser, rt_value_t *value) {
  uint32_t used;
  double number = rt_number_parse(parser->text + parser->at, parser->bytes - parser->at, &used);
  if (used == 0) return unexpected(parser, parser->at);
  parser->at += used;
  *value = rt_value_number(number);
  return STEP_VALUE;
}

/* ---- Containers ---- */

static step_t open_container(parser_t *parser, rt_value_t container) {
  rt_heap_root(container);
  parser->at++;
  return rt_array_push(parser->open, container) == 0 ? STEP_OPENED : STEP_FAILED;
}

static void close_container(parser_t *parser, rt_value_t *value) {
  *value = rt_array_values(parser->open)[--parser->open->length];
  parser->at++;
}

/* A property's name and colon. */
static step_t read_name(parser_t *parser) {
  rt_value_t name;
  char c = next_character(parser);
  if (c != '"') return unexpected(parser, parser->at);
  if (read_string(parser, &name) == STEP_FAILED) return STEP_FAILED;
  rt_heap_root(name);
  if (next_character(parser) != ':') return unexpected(parser, parser->at);
  parser->at++;
  return rt_array_push(parser->open, name) == 0 ? STEP_OPENED : STEP_FAILED;
}

static step_t read_array(parser_t *parser, rt_value_t *value) {
  rt_array_t *array = rt_array_new(0);
  if (array == NULL || !open_container(parser, RT_OBJECT(array))) return STEP_FAILED;
  if (next_character(parser) != ']') return STEP_OPENED;
  close_container(parser, value);
  return STEP_VALUE;
}

static step_t read_map(parser_t *parser, rt_value_t *value) {
  rt_map_t *map = rt_map_new(RT_MAKE(RT_TAG_BUILTIN, RT_BUILTIN_Object_prototype));
  if (map == NULL || !open_container(parser, RT_OBJECT(map))) return STEP_FAILED;
  if (next_character(parser) != '}') return read_name(parser);
  close_container(parser, value);
  return STEP_VALUE;
}

static step_t read_value(parser_t *parser, rt_value_t *value) {
  char c = next_character(parser);
  switch (c) {
    case '[':
      return read_array(parser, value);
    case '{':
      return read_map(parser, value);
    case '"':
      return read_string(parser, value);
    case 't':
      return read_word(parser, "true", 4, RT_TRUE, value);
    case 'f':
      return read_word(parser, "false", 5, RT_FALSE, value);
    case 'n':
      return read_word(parser, "null", 4, RT_NULL, value);
    default:
      break;
  }
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(parser, value);
  return unexpected(parser, parser->at);
}

/* Puts a value into the innermost open container and looks at what follows. */
static step_t add_value(parser_t *parser, rt_value_t *value) {
  rt_value_t *top = rt_array_values(parser->open) + parser->open->length - 1u;
  rt_array_t *array = RT_AS_ARRAY(*top);
  rt_heap_root(*value);
  if (array != NULL) {
    if (rt_array_push(array, *value) != 0) return STEP_FAILED;
  } else {
    rt_key_t key = rt_name_key(*top);
    if (key == RT_NO_KEY || rt_map_set(RT_AS_MAP(top[-1]), key, *value) != 0) return STEP_FAILED;
    parser->open->length--;
  }
  char c = next_character(parser);
  if (c == ',') {
    parser->at++;
    return array != NULL ? STEP_OPENED : read_name(parser);
  }
  if (c != (array != NULL ? ']' : '}')) return unexpected(parser, parser->at);
  close_container(parser, value);
  return STEP_VALUE;
}

rt_value_t rt_json_parse(rt_value_t string) {
  parser_t parser = {.at = 0};
  rt_value_t value = RT_UNDEFINED;
  rt_heap_root(string);
  parser.text = rt_string_text(string, &parser.bytes);
  parser.open = rt_array_new(0);
  if (parser.open == NULL) return RT_UNDEFINED;
  rt_heap_root(RT_OBJECT(parser.open));
  uint32_t level = rt_heap_root_level();
  step_t step;
  do {
    step = read_value(&parser, &value);
    while (step == STEP_VALUE && parser.open->length > 0) step = add_value(&parser, &value);
    rt_heap_unroot(level);
  } while (step == STEP_OPENED);
  if (step == STEP_FAILED) return RT_UNDEFINED;
  next_character(&parser);
  if (parser.at < parser.bytes) {
    unexpected(&parser, parser.at);
    return RT_UNDEFINED;
  }
  return value;
}
