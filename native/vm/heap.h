/*
 * The script's heap: one block of fixed size, objects never move, mark and sweep, precise.
 *
 * Rooting. The collector runs only inside rt_heap_allocate. It finds objects from globals, fibers
 * and their frames, the evaluation stack, roles, the interned names and the temporary roots. C code
 * that holds a fresh object while it allocates again pushes it with rt_heap_root; the interpreter
 * takes temporary roots off when a native returns, so natives push and forget. A loop that roots
 * on every turn takes rt_heap_root_level before and rt_heap_unroot back to it.
 *
 * Arguments of natives lie on the evaluation stack or in a rooted array and need no root.
 * Allocation returns NULL when memory is out even after a collection, with a pending panic
 * 60004-like RangeError ("out of memory") set: natives return RT_UNDEFINED at once.
 */
#ifndef RT_VM_HEAP_H
#define RT_VM_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "vm/value.h"

typedef enum {
  RT_KIND_FREE = 0,
  RT_KIND_MAP = 1,
  RT_KIND_ARRAY = 2,
  RT_KIND_BUFFER = 3,
  RT_KIND_STRING = 4,
  RT_KIND_CLOSURE = 5, /* function and the frame it closes over */
  RT_KIND_BOUND = 6,   /* function value and its `this` */
  RT_KIND_FRAME = 7,   /* activation: slots, and where to go on */
  RT_KIND_FIBER = 8,
  RT_KIND_PACKET = 9,
  RT_KIND_VALUES = 10,     /* backing store: `length` values, all marked */
  RT_KIND_BYTES = 11,      /* backing store without references */
  RT_KIND_PROPERTIES = 12, /* backing store of a map: see object.h */
  RT_KIND_IMAGE = 13,      /* of the graphics library: see picture.h */
} rt_kind_t;

/* Every block starts with this; 8 bytes, blocks are 8-aligned. */
typedef struct {
  uint16_t units; /* size of the block with header, in 8 bytes: at most 512 KB */
  uint8_t kind;   /* rt_kind_t */
  uint8_t flags;  /* RT_FLAG_… */
  uint32_t extra; /* the kind's own: a length, a reference */
} rt_object_t;

#define RT_FLAG_MARKED 0x01u
#define RT_FLAG_PINNED 0x02u   /* kept although nothing points at it */
#define RT_FLAG_CAPTURED 0x04u /* frame: a closure points at it */
#define RT_FLAG_INTERNED 0x08u /* string: serves as a property key */
#define RT_FLAG_USER 0x10u     /* first flag free for a kind's own use */

/* A reference in 32 bits, as payloads and object fields hold it; 0 is none. */
typedef uint32_t rt_ref_t;

#if UINTPTR_MAX == 0xffffffffu
#define RT_POINTER(ref) ((void *)(uintptr_t)(ref))
#define RT_REF(pointer) ((rt_ref_t)(uintptr_t)(pointer))
#else
/* 64-bit hosts: the offset from a base 8 bytes before the heap, so that 0 stays free. */
extern uint8_t *rt_heap_base;
#define RT_POINTER(ref) ((void *)(rt_heap_base + (ref)))
#define RT_REF(pointer) ((rt_ref_t)((uint8_t *)(pointer)-rt_heap_base))
#endif

#define RT_OBJECT(pointer) RT_MAKE(RT_TAG_OBJECT, RT_REF(pointer))

/* Takes over `bytes` bytes of 8-aligned `memory`. */
void rt_heap_init(void *memory, size_t bytes);
/* The memory is the caller's again. (Sanitized builds hide free blocks, even from him.) */
void rt_heap_close(void);

/*
 * A block of `kind` with room for `bytes` bytes after the header, all zero. Collects when it must
 * (in a stress build, always). NULL with the out-of-memory error pending when there is no room.
 */
void *rt_heap_allocate(rt_kind_t kind, size_t bytes);

/* The same without clearing: the caller fills in every reference before it allocates again. */
void *rt_heap_allocate_raw(rt_kind_t kind, size_t bytes);

/* Gives back a block that nothing points at any more. Frames that no closure captured use this. */
void rt_heap_free(void *block);

/* Keeps a value alive until the running native returns, or rt_heap_unroot. There is room for 64 at
 * a time; while there are more nothing is collected, and memory may run out early. */
#define RT_HEAP_ROOTS 64u
extern struct rt_heap_roots {
  uint32_t count; /* may exceed the room: then nothing can be collected */
  rt_value_t value[RT_HEAP_ROOTS];
} rt_heap_roots;

static inline void rt_heap_root(rt_value_t value) {
  if (rt_heap_roots.count < RT_HEAP_ROOTS) rt_heap_roots.value[rt_heap_roots.count] = value;
  rt_heap_roots.count++;
}

static inline uint32_t rt_heap_root_level(void) { return rt_heap_roots.count; }

static inline void rt_heap_unroot(uint32_t level) { rt_heap_roots.count = level; }

/* Collects now. */
void rt_heap_collect(void);

/* Provided by the VM: marks all that the program can reach but this file does not know of. (It also
 * provides rt_frame_mark and rt_fiber_mark for the fields of those kinds.) */
void rt_vm_mark_roots(void);

/* For rt_vm_mark_roots and kinds that mark their own fields: they put the object on a list and
 * return, so nothing recurses. */
void rt_heap_mark_value(rt_value_t value);
void rt_heap_mark_ref(rt_ref_t ref);

typedef struct {
  uint32_t total_bytes, used_bytes, peak_bytes, largest_free_bytes;
  uint32_t collections, allocations;
} rt_heap_stats_t;
void rt_heap_stats(rt_heap_stats_t *stats);

/* Tests: the `nth` allocation from now on fails (1: the next), 0: none. */
void rt_heap_fail_at(uint32_t nth);

#endif
