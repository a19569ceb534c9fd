/*
 * The script's heap. Blocks lie one after the other without gaps, so that the sweep can walk them;
 * free ones of up to CLASSES sizes hang in a list a size, larger ones in one list by address.
 * Neighbouring free blocks are joined by the sweep only: giving back a frame and taking the next
 * one of its size is then a pop and a push.
 *
 * Marking keeps what is still to be looked at on a stack of fixed size. When that is full, a block
 * is left marked and grey, and the heap is walked for grey blocks once the stack has run empty.
 */
#include <string.h>

#include "vm/heap_internal.h"
#include "vm/picture.h"
#include "vm/vm_internal.h"

#define UNIT 8u
#define SMALLEST 2u /* units: header and the link of a free block */
#define CLASSES 32u /* free lists of exactly SMALLEST .. SMALLEST + CLASSES - 1 units */
#define GREY_STACK 48u
#define CHUNK 8u /* values of a long block that are looked at before the rest is put aside */
#define MAX_UNITS 0xffffu
#define POISON 0xdd

/* Set while a block is marked but its references are not: never outside of a collection. */
#define RT_FLAG_GREY 0x80u

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
void __asan_poison_memory_region(void const volatile *address, size_t bytes);
void __asan_unpoison_memory_region(void const volatile *address, size_t bytes);
#define HIDE(address, bytes) __asan_poison_memory_region((address), (bytes))
#define SHOW(address, bytes) __asan_unpoison_memory_region((address), (bytes))
#else
#define HIDE(address, bytes) ((void)0)
#define SHOW(address, bytes) ((void)0)
#endif

/* A free block: header.extra is its size in units (header.units has too few bits). */
typedef struct {
  rt_object_t header;
  rt_ref_t next;
  uint32_t reserved;
} rt_free_t;

typedef struct {
  rt_ref_t block;
  uint32_t next; /* first value of it that is still to be looked at */
} rt_grey_t;

static struct {
  uint8_t *begin, *end;
  rt_ref_t free[CLASSES];
  uint32_t filled; /* bit c: free[c] is not empty */
  rt_ref_t large;
  uint32_t used_units, peak_units;
  uint32_t collections, allocations;
  uint32_t fail_at;
  uint32_t greys;
  uint32_t overflowed; /* a grey block is not on the stack */
  rt_grey_t grey[GREY_STACK];
} heap;

struct rt_heap_roots rt_heap_roots;

#if UINTPTR_MAX != 0xffffffffu
uint8_t *rt_heap_base;
#endif

static uint32_t units_of(const rt_object_t *block) {
  return block->kind == RT_KIND_FREE ? block->extra : block->units;
}

static rt_object_t *after(const rt_object_t *block) {
  return (rt_object_t *)((uint8_t *)(uintptr_t)block + (size_t)units_of(block) * UNIT);
}

/* ---- Free lists ---- */

static void fill(void *block, uint32_t units) {
#if defined(RT_HEAP_STRESS) || defined(ASAN)
  uint8_t *rest = (uint8_t *)block + sizeof(rt_free_t);
  size_t bytes = (size_t)units * UNIT - sizeof(rt_free_t);
  SHOW(rest, bytes);
  memset(rest, POISON, bytes);
  HIDE(rest, bytes);
#else
  (void)block;
  (void)units;
#endif
}

static void put_free(void *memory, uint32_t units) {
  rt_free_t *block = (rt_free_t *)memory;
  block->header.kind = RT_KIND_FREE;
  block->header.flags = 0;
  block->header.units = 0;
  block->header.extra = units;
  uint32_t class = units - SMALLEST;
  if (class < CLASSES) {
    block->next = heap.free[class];
    heap.free[class] = RT_REF(block);
    heap.filled |= 1u << class;
  } else {
    block->next = heap.large;
    heap.large = RT_REF(block);
  }
  fill(block, units);
}

static void *take_class(uint32_t class) {
  rt_free_t *block = (rt_free_t *)RT_POINTER(heap.free[class]);
  heap.free[class] = block->next;
  if (block->next == 0) heap.filled &= ~(1u << class);
  return block;
}

static uint32_t lowest_bit(uint32_t bits) {
  uint32_t n = 0;
  while ((bits & 1u) == 0) {
    bits >>= 1;
    n++;
  }
  return n;
}

/* The first large block that is big enough, out of its list; NULL: none. */
static rt_object_t *take_large(uint32_t units) {
  rt_ref_t *link = &heap.large;
  while (*link != 0) {
    rt_free_t *block = (rt_free_t *)RT_POINTER(*link);
    if (block->header.extra >= units) {
      *link = block->next;
      return &block->header;
    }
    link = &block->next;
  }
  return NULL;
}

/* From the end of the first large block, if that stays large: no list changes. NULL: it does not.
 */
static rt_object_t *carve(uint32_t units) {
  if (heap.large == 0) return NULL;
  rt_free_t *first = (rt_free_t *)RT_POINTER(heap.large);
  if (first->header.extra < units + SMALLEST + CLASSES) return NULL;
  first->header.extra -= units;
  return (rt_object_t *)(void *)((uint8_t *)first + (size_t)first->header.extra * UNIT);
}

/* The smallest free block with room for `units`, out of its list. */
static rt_object_t *take_fitting(uint32_t units) {
  uint32_t class = units - SMALLEST;
  if (class >= CLASSES) return take_large(units);
  /* The next size would leave a rest too small for a block: it is the last choice. */
  uint32_t larger = class + SMALLEST < CLASSES ? heap.filled >> (class + SMALLEST) : 0;
  if (larger != 0) return (rt_object_t *)take_class(class + SMALLEST + lowest_bit(larger));
  rt_object_t *block = take_large(units);
  if (block == NULL && class + 1u < CLASSES && heap.free[class + 1u] != 0) {
    block = (rt_object_t *)take_class(class + 1u);
  }
  return block;
}

/* A block of `units`, or one more where a rest would be too small. */
static rt_object_t *take(uint32_t *units) {
  uint32_t class = *units - SMALLEST;
  if (class < CLASSES && heap.free[class] != 0) return (rt_object_t *)take_class(class);
  rt_object_t *block = carve(*units);
  if (block != NULL) return block;
  block = take_fitting(*units);
  if (block == NULL) return NULL;
  uint32_t rest = block->extra - *units;
  if (rest >= SMALLEST) {
    void *tail = (uint8_t *)block + (size_t)*units * UNIT;
    SHOW(tail, sizeof(rt_free_t));
    put_free(tail, rest);
  } else {
    *units += rest;
  }
  return block;
}

/* ---- Allocation ---- */

void rt_heap_init(void *memory, size_t bytes) {
  /* A test asks for it before the program starts, and with it the heap. */
  const uint32_t fail_at = heap.fail_at;
  memset(&heap, 0, sizeof heap);
  rt_heap_roots.count = 0;
  heap.fail_at = fail_at;
  heap.begin = (uint8_t *)memory;
  heap.end = heap.begin + bytes / UNIT * UNIT;
#if UINTPTR_MAX != 0xffffffffu
  rt_heap_base = heap.begin - UNIT;
#endif
  SHOW(memory, bytes);
  put_free(heap.begin, (uint32_t)(bytes / UNIT));
}

void rt_heap_close(void) {
  if (heap.begin != NULL) SHOW(heap.begin, (size_t)(heap.end - heap.begin));
  heap.begin = NULL;
  heap.end = NULL;
}

static rt_object_t *find_room(uint32_t *units) {
  if (heap.fail_at != 0 && --heap.fail_at == 0) return NULL;
#ifdef RT_HEAP_STRESS
  rt_heap_collect();
#endif
  rt_object_t *block = take(units);
  if (block != NULL) return block;
  rt_heap_collect();
  return take(units);
}

void *rt_heap_allocate_raw(rt_kind_t kind, size_t bytes) {
  uint32_t units = (uint32_t)((bytes + sizeof(rt_object_t) + UNIT - 1u) / UNIT);
  if (units < SMALLEST) units = SMALLEST;
  rt_object_t *block =
      bytes < (size_t)MAX_UNITS * UNIT && units < MAX_UNITS ? find_room(&units) : NULL;
  if (block == NULL) {
    (void)rt_throw_out_of_memory();
    return NULL;
  }
  SHOW(block, (size_t)units * UNIT);
  block->units = (uint16_t)units;
  block->kind = (uint8_t)kind;
  block->flags = 0;
  block->extra = 0;
  heap.used_units += units;
  heap.allocations++;
  return block;
}

void *rt_heap_allocate(rt_kind_t kind, size_t bytes) {
  rt_object_t *block = (rt_object_t *)rt_heap_allocate_raw(kind, bytes);
  if (block == NULL) return NULL;
  uint32_t *word = (uint32_t *)(void *)(block + 1);
  uint32_t *end = (uint32_t *)(void *)((uint8_t *)block + (size_t)block->units * UNIT);
  while (word < end) {
    word[0] = 0;
    word[1] = 0;
    word += 2;
  }
  return block;
}

static void note_peak(void) {
  if (heap.used_units > heap.peak_units) heap.peak_units = heap.used_units;
}

void rt_heap_free(void *block) {
  uint32_t units = ((rt_object_t *)block)->units;
  note_peak();
  heap.used_units -= units;
  put_free(block, units);
}

/* ---- Mark ---- */

static void push_grey(rt_object_t *block, uint32_t next) {
  if (heap.greys < GREY_STACK) {
    heap.grey[heap.greys].block = RT_REF(block);
    heap.grey[heap.greys].next = next;
    heap.greys++;
  } else {
    block->flags |= RT_FLAG_GREY;
    heap.overflowed = 1;
  }
}

void rt_heap_mark_ref(rt_ref_t ref) {
  if (ref == 0) return;
  rt_object_t *block = (rt_object_t *)RT_POINTER(ref);
  if (block->flags & RT_FLAG_MARKED) return;
  block->flags |= RT_FLAG_MARKED;
  if (block->kind == RT_KIND_STRING || block->kind == RT_KIND_BYTES) return;
  push_grey(block, 0);
}

void rt_heap_mark_value(rt_value_t value) {
  if (RT_TAG(value) == RT_TAG_OBJECT) rt_heap_mark_ref(RT_PAYLOAD(value));
}

/* Some values of a block from `next` on; the rest waits on the stack. */
static void mark_values(rt_object_t *block, const rt_value_t *values, uint32_t count,
                        uint32_t next) {
  uint32_t end = count;
  if (count - next > CHUNK) {
    end = next + CHUNK;
    push_grey(block, end);
  }
  for (uint32_t i = next; i < end; i++) rt_heap_mark_value(values[i]);
}

static void mark_properties(rt_object_t *block, uint32_t next) {
  uint32_t room = block->extra;
  const rt_key_t *keys = rt_property_keys(block);
  uint32_t end = room - next > CHUNK ? next + CHUNK : room;
  for (uint32_t i = next; i < end; i++) {
    if (RT_KEY_IS_REF(keys[i])) rt_heap_mark_ref(RT_KEY_REF(keys[i]));
  }
  mark_values(block, rt_property_values(block, room), room, next);
}

static void mark_fields(rt_object_t *block, uint32_t next) {
  switch (block->kind) {
    case RT_KIND_MAP: {
      const rt_map_t *map = (const rt_map_t *)block;
      rt_heap_mark_ref(map->properties);
      rt_heap_mark_value(map->prototype);
      break;
    }
    case RT_KIND_ARRAY: {
      const rt_array_t *array = (const rt_array_t *)block;
      rt_heap_mark_ref(array->values);
      rt_heap_mark_ref(array->properties_map);
      break;
    }
    case RT_KIND_BUFFER:
      rt_heap_mark_ref(((const rt_buffer_t *)block)->properties_map);
      break;
    case RT_KIND_CLOSURE: {
      const rt_closure_t *closure = (const rt_closure_t *)block;
      rt_heap_mark_ref(closure->frame);
      rt_heap_mark_ref(closure->properties_map);
      break;
    }
    case RT_KIND_BOUND: {
      const rt_bound_t *bound = (const rt_bound_t *)block;
      rt_heap_mark_value(bound->function);
      rt_heap_mark_value(bound->receiver);
      break;
    }
    case RT_KIND_IMAGE:
      rt_heap_mark_value(((const rt_picture_t *)block)->buffer);
      break;
    case RT_KIND_VALUES:
      mark_values(block, (const rt_value_t *)(void *)(block + 1), block->extra, next);
      break;
    case RT_KIND_PROPERTIES:
      mark_properties(block, next);
      break;
    case RT_KIND_FRAME:
      rt_frame_mark(block);
      break;
    case RT_KIND_FIBER:
      rt_fiber_mark(block);
      break;
    case RT_KIND_PACKET: {
      const rt_packet_object_t *packet = (const rt_packet_object_t *)block;
      rt_heap_mark_ref(packet->payload);
      rt_heap_mark_ref(packet->properties_map);
      break;
    }
    default:
      break;
  }
}

static void drain(void) {
  while (heap.greys > 0) {
    rt_grey_t grey = heap.grey[--heap.greys];
    mark_fields((rt_object_t *)RT_POINTER(grey.block), grey.next);
  }
}

/* A grey block that did not fit the stack starts again from its first field: marks are kept. */
static void drain_overflow(void) {
  while (heap.overflowed) {
    heap.overflowed = 0;
    rt_object_t *end = (rt_object_t *)(void *)heap.end;
    for (rt_object_t *block = (rt_object_t *)(void *)heap.begin; block < end;
         block = after(block)) {
      if ((block->flags & RT_FLAG_GREY) == 0) continue;
      block->flags &= (uint8_t)~RT_FLAG_GREY;
      push_grey(block, 0);
      drain();
    }
  }
}

static void mark_pinned(void) {
  rt_object_t *end = (rt_object_t *)(void *)heap.end;
  for (rt_object_t *block = (rt_object_t *)(void *)heap.begin; block < end; block = after(block)) {
    if ((block->flags & (RT_FLAG_PINNED | RT_FLAG_MARKED)) != RT_FLAG_PINNED) continue;
    rt_heap_mark_ref(RT_REF(block));
    drain();
  }
}

static void mark(void) {
  heap.greys = 0;
  heap.overflowed = 0;
  for (uint32_t i = 0; i < rt_heap_roots.count; i++) {
    rt_heap_mark_value(rt_heap_roots.value[i]);
    drain();
  }
  rt_names_mark();
  rt_attached_mark();
  rt_vm_mark_roots();
  drain();
  mark_pinned();
  drain_overflow();
}

/* ---- Sweep ---- */

static void sweep(void) {
  memset(heap.free, 0, sizeof heap.free);
  heap.filled = 0;
  heap.large = 0;
  heap.used_units = 0;
  rt_object_t *end = (rt_object_t *)(void *)heap.end;
  rt_object_t *block = (rt_object_t *)(void *)heap.begin;
  rt_ref_t *last_large = &heap.large;
  while (block < end) {
    if (block->flags & RT_FLAG_MARKED) {
      block->flags &= (uint8_t)~RT_FLAG_MARKED;
      heap.used_units += block->units;
      block = after(block);
      continue;
    }
    rt_object_t *run = block;
    uint32_t units = 0;
    do {
      units += units_of(block);
      block = after(block);
    } while (block < end && (block->flags & RT_FLAG_MARKED) == 0);
    put_free(run, units);
    /* Large blocks stay in the order of addresses: room grows at one end. */
    if (units - SMALLEST >= CLASSES) {
      rt_free_t *large = (rt_free_t *)run;
      heap.large = large->next;
      large->next = 0;
      *last_large = RT_REF(large);
      last_large = &large->next;
    }
  }
}

void rt_heap_collect(void) {
  if (rt_heap_roots.count > RT_HEAP_ROOTS)
    return; /* a root is not known: nothing can be said to be garbage */
  note_peak();
  heap.collections++;
  mark();
  rt_names_sweep();
  rt_map_forget();
  rt_string_forget();
  sweep();
}

int rt_heap_is_too_big(uint32_t bytes) {
  uint32_t total = (uint32_t)(heap.end - heap.begin);
  uint32_t most = total - total / 8u;
  return bytes > most || bytes > (MAX_UNITS - SMALLEST) * UNIT;
}

/* ---- For tests and figures ---- */

void rt_heap_stats(rt_heap_stats_t *stats) {
  note_peak();
  uint32_t largest = 0;
  rt_object_t *end = (rt_object_t *)(void *)heap.end;
  for (rt_object_t *block = (rt_object_t *)(void *)heap.begin; block < end; block = after(block)) {
    if (block->kind == RT_KIND_FREE && block->extra > largest) largest = block->extra;
  }
  stats->total_bytes = (uint32_t)(heap.end - heap.begin);
  stats->used_bytes = heap.used_units * UNIT;
  stats->peak_bytes = heap.peak_units * UNIT;
  stats->largest_free_bytes = largest * UNIT;
  stats->collections = heap.collections;
  stats->allocations = heap.allocations;
}

void rt_heap_fail_at(uint32_t nth) { heap.fail_at = nth; }
