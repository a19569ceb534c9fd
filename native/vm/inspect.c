/*
 * Values as the console prints them. Walks arrays and objects without recursion and without
 * allocating: the path from the outermost container to the one being printed is kept in a table,
 * which every level of must have put at least a bracket into the text.
 */
#include "vm/abi.h"
#include "vm/role.h"
#include "vm/text.h"

/* Text that is cut keeps 97 bytes and gets three dots. */
#define KEPT_BYTES (RT_INSPECT_BYTES - 3u)
#define LEVELS (KEPT_BYTES + 1u)
#define BUFFER_BYTES_SHOWN 32u

/* ---- Names ---- */

static void add_string(rt_text_t *text, rt_value_t string) {
  uint32_t bytes;
  const char *bytes_of = rt_string_text(string, &bytes);
  if (bytes_of != 0) {
    rt_text_add(text, bytes_of, bytes);
  } else {
    rt_text_add(text, "???", 3);
  }
}

static void add_image_string(rt_text_t *text, uint16_t string) {
  uint32_t bytes;
  const char *name = rt_image_string(string, &bytes);
  rt_text_add(text, name, bytes);
}

static void add_builtin_string(rt_text_t *text, uint8_t string) {
  add_image_string(text, (uint16_t)RT_STR(string));
}

static void add_function_name(rt_text_t *text, uint32_t function) {
  if (function < RT_NATIVE_FIRST) {
    if (function < rt_image.functions) add_image_string(text, rt_image.function[function].name);
    return;
  }
  const rt_native_entry_t *native = &rt_natives[function - RT_NATIVE_FIRST];
  add_builtin_string(text, native->name != 0 ? native->name : rt_builtins[native->object].name);
}

static void add_bound_name(rt_text_t *text, rt_value_t function) {
  rt_closure_t *closure = rt_object_of(function, RT_KIND_CLOSURE);
  if (closure != 0) {
    add_function_name(text, closure->header.extra);
  } else if (RT_TAG(function) == RT_TAG_FUNCTION) {
    add_function_name(text, RT_PAYLOAD(function));
  } else {
    rt_text_add(text, "???", 3);
  }
}

static int is_name(const char *text, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) {
    char c = text[i], letter = (char)(c | 0x20);
    int is_letter = (letter >= 'a' && letter <= 'z') || c == '_';
    if (!is_letter && (i == 0 || c < '0' || c > '9')) return 0;
  }
  return 1;
}

static void add_key(rt_text_t *text, rt_key_t key) {
  uint32_t bytes;
  const char *name = rt_string_text(rt_name_string(key), &bytes);
  if (name == 0) return;
  if (is_name(name, bytes)) {
    rt_text_add(text, name, bytes);
  } else {
    rt_text_add_quoted_ascii(text, name, bytes);
  }
  rt_text_add_char(text, ':');
}

/* ---- Values without parts ---- */

static void add_special(rt_text_t *text, rt_value_t value) {
  static const char *const words[] = {"undefined", "null", "false", "true"};
  rt_text_add_words(text, words[RT_PAYLOAD(value) & 3u]);
}

static void add_buffer(rt_text_t *text, rt_value_t value) {
  uint32_t size = 0, writable;
  const uint8_t *bytes = rt_bytes_of(value, &size, &writable);
  rt_text_add_words(text, "[Buffer[");
  rt_text_add_int(text, (int32_t)size);
  rt_text_add_words(text, "] ");
  for (uint32_t i = 0; i < size && i < BUFFER_BYTES_SHOWN; i++)
    rt_text_add_hex_byte(text, bytes[i]);
  rt_text_add_words(text, size > BUFFER_BYTES_SHOWN ? "...]" : "]");
}

static void add_packet(rt_text_t *text, const rt_packet_object_t *packet) {
  const rt_object_t *payload = packet->payload != 0 ? RT_POINTER(packet->payload) : 0;
  rt_text_add_words(text, "[Packet: ");
  if (RT_TAG(packet->role) == RT_TAG_ROLE) {
    add_string(text, rt_role_name(packet->role));
  } else {
    rt_text_add_words(text, "???");
  }
  rt_text_add_words(text, " cmd=0x");
  rt_text_add_hex(text, packet->command);
  rt_text_add_words(text, " sz=");
  rt_text_add_int(text, payload != 0 ? (int32_t)payload->extra : 0);
  rt_text_add_char(text, ']');
}

static void add_role_member(rt_text_t *text, rt_value_t member) {
  rt_text_add_words(text, "[Role: ");
  add_string(text, rt_role_name(RT_MAKE(RT_TAG_ROLE, RT_PAYLOAD(member) >> 16)));
  rt_text_add_char(text, '.');
  add_string(text, rt_spec_name(member));
  rt_text_add_char(text, ']');
}

static void add_packet_spec(rt_text_t *text, rt_value_t spec) {
  rt_call_t call = {spec, 0, 0};
  rt_text_add_words(text, "[PacketSpec: ");
  add_string(text, rt_spec_name(rt_native_packet_spec_parent(&call)));
  rt_text_add_char(text, '.');
  add_string(text, rt_spec_name(spec));
  rt_text_add_char(text, ']');
}

static void add_bracketed(rt_text_t *text, const char *kind, rt_value_t name) {
  rt_text_add_words(text, kind);
  add_string(text, name);
  rt_text_add_char(text, ']');
}

static void add_function(rt_text_t *text, uint32_t function) {
  rt_text_add_words(text, "[Function: ");
  add_function_name(text, function);
  rt_text_add_char(text, ']');
}

static void add_heap_object(rt_text_t *text, rt_value_t value) {
  const rt_object_t *object = RT_POINTER(RT_PAYLOAD(value));
  switch (object->kind) {
    case RT_KIND_BUFFER:
      add_buffer(text, value);
      break;
    case RT_KIND_CLOSURE:
      rt_text_add_words(text, "[Closure: ");
      add_function_name(text, object->extra);
      rt_text_add_char(text, ']');
      break;
    case RT_KIND_BOUND:
      rt_text_add_words(text, "[Method: ");
      add_bound_name(text, ((const rt_bound_t *)object)->function);
      rt_text_add_char(text, ']');
      break;
    case RT_KIND_FIBER:
      rt_text_add_words(text, "[Fiber: 0x");
      rt_text_add_hex(text, object->extra);
      rt_text_add_char(text, ']');
      break;
    case RT_KIND_PACKET:
      add_packet(text, (const rt_packet_object_t *)object);
      break;
    default:
      rt_text_add_words(text, "???");
      break;
  }
}

/* The natives of a builtin object. */
static void add_builtin(rt_text_t *text, uint32_t builtin) {
  rt_text_add_char(text, '{');
  for (uint32_t i = rt_builtins[builtin].first; i < rt_builtins[builtin + 1u].first; i++) {
    add_builtin_string(text,
                       rt_natives[i].name != 0 ? rt_natives[i].name : RT_STR___func__ & 0xffu);
    rt_text_add_char(text, ':');
    add_function(text, RT_NATIVE_FIRST + i);
    rt_text_add_char(text, ',');
  }
  rt_text_add_char(text, '}');
}

static void add_leaf(rt_text_t *text, rt_value_t value) {
  char digits[32];
  if (RT_IS_NUMBER(value)) {
    rt_text_add(text, digits, rt_number_print(digits, value));
    return;
  }
  switch (RT_TAG(value)) {
    case RT_TAG_SPECIAL:
      add_special(text, value);
      break;
    case RT_TAG_OBJECT:
      add_heap_object(text, value);
      break;
    case RT_TAG_FUNCTION:
      add_function(text, RT_PAYLOAD(value));
      break;
    case RT_TAG_BUFFER:
      add_buffer(text, value);
      break;
    case RT_TAG_BUILTIN:
      add_builtin(text, RT_PAYLOAD(value));
      break;
    case RT_TAG_ROLE:
      add_bracketed(text, "[Role: ", rt_role_name(value));
      break;
    case RT_TAG_ROLE_MEMBER:
      add_role_member(text, value);
      break;
    case RT_TAG_SERVICE_SPEC:
      add_bracketed(text, "[ServiceSpec: ", rt_spec_name(value));
      break;
    case RT_TAG_PACKET_SPEC:
      add_packet_spec(text, value);
      break;
    case RT_TAG_PIN:
      rt_text_add_words(text, "[Pin: ");
      rt_text_add_words(text, rt_pin_name(value));
      rt_text_add_char(text, ']');
      break;
    default:
      rt_text_add_words(text, "???");
      break;
  }
}

/* ---- Containers ---- */

typedef struct {
  rt_ref_t container; /* map or array */
  uint32_t next;      /* part to print next */
} level_t;

typedef struct {
  uint32_t depth;
  level_t level[LEVELS];
} path_t;

static rt_ref_t container_of(rt_value_t value) {
  if (RT_TAG(value) != RT_TAG_OBJECT) return 0;
  const rt_object_t *object = RT_POINTER(RT_PAYLOAD(value));
  return object->kind == RT_KIND_MAP || object->kind == RT_KIND_ARRAY ? RT_PAYLOAD(value) : 0;
}

/* Prints a value, or opens it: then it returns the container. */
static rt_ref_t add_part(rt_text_t *text, rt_value_t value, const path_t *path) {
  uint32_t bytes;
  rt_ref_t container = container_of(value);
  const char *string = rt_string_text(value, &bytes);
  for (uint32_t i = 0; container != 0 && i < path->depth; i++) {
    if (path->level[i].container == container) {
      rt_text_add_words(text, "[Circular]");
      return 0;
    }
  }
  if (container != 0) {
    rt_text_add_char(text, RT_AS_ARRAY(value) ? '[' : '{');
  } else if (string != 0) {
    rt_text_add_quoted_ascii(text, string, bytes);
  } else {
    add_leaf(text, value);
  }
  return container;
}

/* The next part of a container, with what stands before it; 0: there is none, it is closed. */
static int next_part(rt_text_t *text, level_t *level, rt_value_t *value) {
  uint32_t at = level->next++;
  const rt_object_t *object = RT_POINTER(level->container);
  if (object->kind == RT_KIND_ARRAY) {
    const rt_array_t *array = (const rt_array_t *)object;
    if (at >= array->length) {
      rt_text_add_char(text, ']');
      return 0;
    }
    if (at > 0) rt_text_add_char(text, ',');
    *value = rt_array_values(array)[at];
    return 1;
  }
  rt_key_t key;
  if (at > 0) rt_text_add_char(text, ','); /* maps end with a comma, too */
  if (!rt_map_at((const rt_map_t *)object, at, &key, value)) {
    rt_text_add_char(text, '}');
    return 0;
  }
  add_key(text, key);
  return 1;
}

/* Each level has put a bracket into the text, and the walk ends when that is full. */
static void add_tree(rt_text_t *text, rt_value_t value) {
  path_t path;
  path.depth = 0;
  rt_ref_t opened = add_part(text, value, &path);
  do {
    if (opened != 0 && path.depth < LEVELS) path.level[path.depth++] = (level_t){opened, 0};
    if (path.depth == 0 || text->length > text->room) return;
    opened = 0;
    if (next_part(text, &path.level[path.depth - 1u], &value)) {
      opened = add_part(text, value, &path);
    } else {
      path.depth--;
    }
  } while (path.depth > 0);
}

void rt_text_add_inspected(rt_text_t *text, rt_value_t value) {
  char bytes[KEPT_BYTES];
  rt_text_t part = {bytes, KEPT_BYTES, 0};
  add_tree(&part, value);
  rt_text_add(text, bytes, part.length < KEPT_BYTES ? part.length : KEPT_BYTES);
  if (part.length > KEPT_BYTES) rt_text_add_words(text, "...");
}

void rt_text_add_value(rt_text_t *text, rt_value_t value) {
  uint32_t bytes;
  const char *string = rt_string_text(value, &bytes);
  if (string != 0) {
    rt_text_add(text, string, bytes);
  } else if (container_of(value) != 0 || RT_TAG(value) == RT_TAG_BUILTIN) {
    rt_text_add_inspected(text, value);
  } else {
    add_leaf(text, value);
  }
}
