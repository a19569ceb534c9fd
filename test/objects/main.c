/*
 * Heap, names, maps, strings and numbers in buffers against plain models of them, with random work
 * from a fixed seed. `main DIVISOR` does a part of it. Prints how much was checked; exit status 1
 * when something was wrong.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/abi.h"
#include "vm/heap_internal.h"
#include "world.h"

#define HEAP_BYTES 65536u

static uint8_t *memory;
/* Of the number of turns: builds that collect at every allocation are slow. */
static unsigned divisor = 1;
static unsigned checks, failures;

#define CHECK(condition) check((condition) != 0, #condition, __LINE__)

static void check(int passed, const char *what, int line) {
  checks++;
  if (!passed && failures++ < 20) fprintf(stderr, "main.c:%d: failed: %s\n", line, what);
}

static uint32_t state = 0x2545f491u;
static uint32_t random_below(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % n;
}

static void fresh(void) {
  rt_heap_close();
  rt_heap_init(memory, HEAP_BYTES);
  rt_names_init();
  for (unsigned i = 0; i < TABLE; i++) table[i] = RT_UNDEFINED;
  thrown = 0;
}

static rt_heap_stats_t stats(void) {
  rt_heap_stats_t now;
  rt_heap_stats(&now);
  return now;
}

/* ---- Heap ---- */

static void fill(uint8_t *bytes, uint32_t count, uint8_t with) { memset(bytes, with, count); }

static int is_filled(const uint8_t *bytes, uint32_t count, uint8_t with) {
  for (uint32_t i = 0; i < count; i++) {
    if (bytes[i] != with) return 0;
  }
  return 1;
}

/* Blocks of any size come, go by hand or are forgotten; what is alive keeps its bytes. */
static void test_blocks(void) {
  static uint32_t size[TABLE];
  fresh();
  for (unsigned turn = 0; turn < 60000u / divisor; turn++) {
    uint32_t i = random_below(TABLE);
    rt_buffer_t *old = rt_object_of(table[i], RT_KIND_BUFFER);
    if (old != NULL) {
      CHECK(old->header.extra == size[i]);
      CHECK(is_filled(old->bytes, size[i], (uint8_t)(i + size[i])));
      table[i] = RT_UNDEFINED;
      if (random_below(2)) rt_heap_free(old);
    }
    uint32_t bytes = random_below(8) ? random_below(80) : random_below(3000);
    rt_buffer_t *block = rt_buffer_new(bytes);
    if (block == NULL) {
      thrown = 0; /* it may be full */
      continue;
    }
    CHECK(is_filled(block->bytes, bytes, 0));
    fill(block->bytes, bytes, (uint8_t)(i + bytes));
    table[i] = RT_OBJECT(block);
    size[i] = bytes;
  }
  CHECK(stats().collections > 10);
  for (unsigned i = 0; i < TABLE; i++) table[i] = RT_UNDEFINED;
  rt_heap_collect();
  CHECK(stats().used_bytes == 0);
  CHECK(stats().largest_free_bytes == HEAP_BYTES);
}

/* Chains, wide and branching things: more to look at than the collector's stack has room for. */
static void test_marking(void) {
  for (int first = 0; first < 2; first++) {
    fresh();
    for (unsigned i = 0; i < 600; i++) {
      rt_array_t *node = rt_array_new(3);
      rt_array_values(node)[first ? 0 : 2] = table[0];
      table[0] = RT_OBJECT(node);
      rt_array_values(node)[1] = RT_OBJECT(rt_buffer_new(1));
    }
    rt_heap_collect();
    unsigned length = 0;
    for (rt_value_t at = table[0]; at != RT_UNDEFINED; length++) {
      const rt_array_t *node = RT_AS_ARRAY(at);
      CHECK(node != NULL && node->length == 3);
      if (node == NULL) break;
      CHECK(rt_object_of(rt_array_values(node)[1], RT_KIND_BUFFER) != NULL);
      at = rt_array_values(node)[first ? 0 : 2];
    }
    CHECK(length == 600);
  }
  fresh();
  rt_array_t *wide = rt_array_new(400);
  table[0] = RT_OBJECT(wide);
  for (unsigned i = 0; i < 400; i++) {
    rt_array_t *part = rt_array_new(2);
    rt_array_values(wide)[i] = RT_OBJECT(part);
    rt_array_values(part)[0] = RT_OBJECT(rt_array_new(0));
    rt_array_values(part)[1] = RT_OBJECT(rt_map_new(RT_NULL));
  }
  uint32_t used = stats().used_bytes;
  rt_heap_collect();
  CHECK(stats().used_bytes == used);
  for (unsigned i = 0; i < 400; i++) {
    const rt_array_t *part = RT_AS_ARRAY(rt_array_values(wide)[i]);
    CHECK(part != NULL && RT_AS_MAP(rt_array_values(part)[1]) != NULL);
  }
}

static void test_limits(void) {
  fresh();
  CHECK(rt_buffer_new(60000) == NULL && thrown == 1); /* never fits: the script's fault */
  thrown = 0;
  rt_heap_fail_at(2);
  CHECK(rt_buffer_new(8) != NULL);
  CHECK(rt_buffer_new(8) == NULL && thrown == 1);
  CHECK(rt_buffer_new(8) != NULL);
  /* More roots than there is room for: nothing may be lost, so nothing is collected. */
  fresh();
  rt_value_t known[2 * RT_HEAP_ROOTS];
  for (unsigned i = 0; i < 2 * RT_HEAP_ROOTS; i++) {
    rt_buffer_t *buffer = rt_buffer_new(4);
    fill(buffer->bytes, 4, (uint8_t)i);
    known[i] = RT_OBJECT(buffer);
    rt_heap_root(known[i]);
  }
  while (rt_buffer_new(1000) != NULL) continue;
  CHECK(thrown == 1);
  for (unsigned i = 0; i < 2 * RT_HEAP_ROOTS; i++) {
    const rt_buffer_t *buffer = rt_object_of(known[i], RT_KIND_BUFFER);
    CHECK(buffer != NULL && is_filled(buffer->bytes, 4, (uint8_t)i));
  }
  rt_heap_unroot(0);
  CHECK(rt_buffer_new(1000) != NULL);
}

/* ---- Names and maps ---- */

static rt_value_t text_value(const char *text) {
  return rt_string_new(text, (uint32_t)strlen(text));
}

static rt_key_t key_of(unsigned n) {
  char text[16];
  snprintf(text, sizeof text, "name%u", n);
  rt_value_t string = text_value(text);
  rt_heap_root(string);
  rt_key_t key = rt_name_key(string);
  rt_heap_unroot(0);
  return key;
}

static void test_names(void) {
  fresh();
  CHECK(rt_name_key(text_value("length")) == RT_STR_length);
  CHECK(rt_name_key(text_value("byCode")) == RT_STR_byCode);
  rt_key_t a = key_of(1);
  table[0] = rt_name_string(a);
  CHECK(RT_KEY_IS_REF(a) && key_of(1) == a && key_of(2) != a);
  CHECK(rt_name_find("name1", 5) == a);
  CHECK(rt_name_find("none", 4) == RT_NO_KEY);
  /* Names that nothing has any more make room. */
  for (unsigned i = 0; i < 20000u / divisor; i++) CHECK(key_of(100 + i) != RT_NO_KEY);
  CHECK(key_of(1) == a);
  rt_heap_collect();
  CHECK(stats().used_bytes < 8192);
}

#define KEYS 60u

/* Sets, deletes and looks up at random; order is that of insertion. */
static void test_map(void) {
  fresh();
  rt_map_t *map = rt_map_new(RT_NULL);
  table[0] = RT_OBJECT(map);
  rt_array_t *alive = rt_array_new(0);
  table[1] = RT_OBJECT(alive);
  rt_key_t keys[KEYS], order[KEYS];
  int32_t values[KEYS];
  unsigned count = 0;
  for (unsigned i = 0; i < KEYS; i++) {
    keys[i] = i % 3 ? key_of(i) : (rt_key_t)RT_STR(i + 1u);
    rt_array_push(alive, rt_name_string(keys[i]));
  }
  for (unsigned turn = 0; turn < 40000u / divisor; turn++) {
    uint32_t limit = turn / 4000 % 2 ? KEYS : 7; /* few, many */
    rt_key_t key = keys[random_below(limit)];
    unsigned at = 0;
    while (at < count && order[at] != key) at++;
    const rt_value_t *found = rt_map_find(map, key);
    CHECK((found != NULL) == (at < count));
    if (found != NULL) CHECK(*found == RT_INT(values[at]));
    if (random_below(3)) {
      int32_t value = (int32_t)random_below(1000);
      CHECK(rt_map_set(map, key, RT_INT(value)) == 0);
      order[at] = key;
      values[at] = value;
      if (at == count) count++;
    } else {
      rt_map_delete(map, key);
      if (at < count) {
        count--;
        memmove(&order[at], &order[at + 1], (count - at) * sizeof order[0]);
        memmove(&values[at], &values[at + 1], (count - at) * sizeof values[0]);
      }
    }
    if (turn % 500 == 0) rt_heap_collect();
  }
  rt_key_t key;
  rt_value_t value;
  for (unsigned i = 0; i < count; i++) {
    CHECK(rt_map_at(map, i, &key, &value) && key == order[i] && value == RT_INT(values[i]));
  }
  CHECK(!rt_map_at(map, count, &key, &value));
}

/* ---- Strings ---- */

static void test_strings(void) {
  static const uint32_t kinds[] = {0x7f, 0x7ff, 0xffff, 0x10ffff};
  fresh();
  for (unsigned turn = 0; turn < 2000u / divisor; turn++) {
    char text[400];
    uint32_t codes[100], offsets[100], bytes = 0;
    uint32_t count = random_below(100), kind = 1u + random_below(4);
    for (uint32_t i = 0; i < count; i++) {
      codes[i] = random_below(kinds[random_below(kind)] + 1u);
      if ((codes[i] & 0xfffff800u) == 0xd800u) codes[i] = 0xfffd;
      offsets[i] = bytes;
      bytes += rt_utf8_encode(text + bytes, codes[i]);
    }
    rt_value_t string = rt_string_new(text, bytes);
    table[0] = string;
    CHECK(rt_string_length(string) == count);
    for (unsigned k = 0; k < 20 && count > 0; k++) {
      uint32_t i = random_below(count), code, size;
      CHECK(rt_string_offset(string, i) == offsets[i]);
      const char *character = rt_string_text(rt_string_at(string, i), &size);
      CHECK(rt_utf8_decode(character, size, &code) == size && code == codes[i]);
      if (k == 10) rt_heap_collect();
    }
    CHECK(rt_string_offset(string, count) == bytes);
    CHECK(rt_string_at(string, count) == RT_UNDEFINED);
  }
}

/* Whatever the bytes, a string is well-formed and has as many code points as it says. */
static void test_bad_text(void) {
  fresh();
  for (unsigned turn = 0; turn < 5000u / divisor; turn++) {
    char text[40];
    uint32_t bytes = random_below(40), size, code, count = 0;
    for (uint32_t i = 0; i < bytes; i++) {
      text[i] = (char)(random_below(3) ? 0x80u + random_below(128) : random_below(128));
    }
    rt_value_t string = rt_string_new(text, bytes);
    const char *good = rt_string_text(string, &size);
    for (uint32_t i = 0; i < size; count++) {
      uint32_t step = rt_utf8_decode(good + i, size - i, &code);
      CHECK(step != 0);
      if (step == 0) break;
      i += step;
    }
    CHECK(rt_string_length(string) == count);
  }
  uint32_t size;
  CHECK(strcmp(rt_string_text(text_value("a\xff"
                                         "b\xe2\x82"),
                              &size),
               "a\xef\xbf\xbd"
               "b\xef\xbf\xbd") == 0);
}

/* ---- Numbers ---- */

static void test_int32(void) {
  for (unsigned turn = 0; turn < 100000u / divisor; turn++) {
    uint64_t bits = (uint64_t)random_below(0xffffffffu) << 32 | random_below(0xffffffffu);
    bits = (bits & 0x800fffffffffffffu) | (uint64_t)(1000u + random_below(110)) << 52;
    double number;
    memcpy(&number, &bits, sizeof number);
    double rest = fmod(trunc(number), 4294967296.0);
    if (rest < 0) rest += 4294967296.0;
    CHECK(rt_to_int32(bits) == (int32_t)(uint32_t)rest);
  }
  CHECK(rt_to_int32(RT_NAN) == 0);
}

static void test_formats(void) {
  for (uint32_t type = RT_NUMFMT_U8; type <= RT_NUMFMT_I32; type++) {
    uint32_t bytes = rt_number_bytes(type);
    if (bytes == 8) continue;
    int is_signed = type >= RT_NUMFMT_I8;
    double low = is_signed ? -ldexp(1, (int)(8 * bytes - 1)) : 0;
    double high = ldexp(1, (int)(8 * bytes - (is_signed ? 1 : 0))) - 1;
    for (unsigned turn = 0; turn < 3000u / divisor; turn++) {
      uint32_t shift = random_below(3) ? 0 : random_below(8 * bytes);
      double scale = ldexp(1, (int)shift);
      double number = (double)(int32_t)random_below(0xffffffffu) / (double)(1u << random_below(31));
      uint8_t memory_bytes[8] = {0};
      rt_number_store(memory_bytes, type | shift << 4, rt_value_number(number));
      CHECK(is_filled(memory_bytes + bytes, 8u - bytes, 0));
      double loaded = rt_to_double(rt_number_load(memory_bytes, type | shift << 4)) * scale;
      /* As upstream: whole numbers as they are, of others a half is added and the rest cut off. */
      int is_whole = shift == 0 && number == trunc(number);
      double expected = is_whole ? number : trunc(number * scale + 0.5);
      if (expected < low) expected = low;
      if (expected > high) expected = high;
      CHECK(loaded == expected);
    }
  }
  static const double wholes[] = {-1e10, 1e10, -1, 4503599627370497.0, -4503599627370497.0};
  for (uint32_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
    uint8_t memory_bytes[8];
    rt_number_store(memory_bytes, RT_NUMFMT_I64, rt_value_number(wholes[i]));
    CHECK(rt_to_double(rt_number_load(memory_bytes, RT_NUMFMT_I64)) == wholes[i]);
    rt_number_store(memory_bytes, RT_NUMFMT_F64, rt_value_number(wholes[i]));
    CHECK(rt_to_double(rt_number_load(memory_bytes, RT_NUMFMT_F64)) == wholes[i]);
  }
  CHECK(rt_number_bytes(RT_NUMFMT_F8) == 0 && rt_number_bytes(RT_NUMFMT_SPECIAL) == 0);
}

int main(int count, char **arguments) {
  if (count > 1) divisor = (unsigned)strtoul(arguments[1], NULL, 10);
  memory = malloc(HEAP_BYTES); /* as aligned as anything needs */
  if (memory == NULL) return 2;
  test_blocks();
  test_marking();
  test_limits();
  test_names();
  test_map();
  test_strings();
  test_bad_text();
  test_int32();
  test_formats();
  rt_heap_close();
  free(memory);
  printf("%u checks, %u failed\n", checks, failures);
  return failures > 0;
}
