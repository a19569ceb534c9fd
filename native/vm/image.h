/*
 * A program image (.devs) in place: read-only, 4-aligned, checked once. The format is
 * DeviceScript's "Bytecode format"; numbers are in vm/abi.h, generated from
 * native/vm/devicescript-abi.json.
 */
#ifndef RT_VM_IMAGE_H
#define RT_VM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"
#include "vm/value.h"

typedef struct {
  uint32_t start, bytes; /* of the code, in the image */
  uint16_t slots;        /* parameters and locals */
  uint8_t parameters;
  uint8_t flags; /* RT_FUNCTION_… in abi.h */
  uint16_t name; /* string index */
  uint8_t try_frames;
  uint8_t reserved;
} rt_image_function_t;

typedef struct {
  uint16_t name, flags;
  uint32_t service_class;
  uint16_t packets;       /* count */
  uint16_t packet_offset; /* 32-bit words from the start of the section */
  uint32_t reserved;
} rt_image_service_t;

typedef struct {
  uint16_t name, code, flags, format;
} rt_image_packet_t;

typedef struct {
  uint16_t name;
  uint8_t format, flags;
} rt_image_field_t;

typedef struct {
  const uint8_t *bytes;
  uint32_t size;
  uint16_t globals, functions, floats, ascii_strings, utf8_strings, buffers, services;
  const rt_image_function_t *function;
  const uint8_t *float_literals; /* 8 bytes each, 4-aligned */
  const uint16_t *ascii;
  const uint32_t *utf8;
  const uint32_t *buffer; /* start, length pairs */
  const char *strings;
  const rt_image_service_t *service;
  const uint8_t *service_section;
  uint32_t service_section_bytes;
  const uint8_t *configuration; /* dcfg section */
  uint32_t configuration_bytes;
} rt_image_t;

/* What a rejected image suffers from, for the one clear error. */
typedef struct {
  const char *what; /* static text */
  uint32_t offset;  /* byte of the image where it was noticed */
} rt_image_fault_t;

/*
 * Checks all of an image: header, sections, tables, strings, specs, and every opcode of every
 * function (operands in range, stack depth, jumps on instruction boundaries inside the function,
 * statements with an empty stack, try frames in range). A program that passes cannot make the
 * interpreter read or write outside the image, the heap and the VM's own tables. Needs no memory
 * beyond `image` and a bitmap on the caller's side: `scratch` of at least 8 KB (one bit a code
 * byte, functions lie in the first 64 KiB).
 */
rt_status_t rt_image_check(rt_image_t *image, const uint8_t *bytes, size_t size, uint8_t *scratch,
                           size_t scratch_bytes, rt_image_fault_t *fault);

/* Text of a string index (type << 14 | index), any type but buffers NUL-terminated in flash. */
const char *rt_image_string(uint16_t string, uint32_t *bytes);

#endif
