/*
 * Loader: finds the tables of an image and checks each of them. Opcodes are image_code.c's.
 */
#include "vm/image.h"

#include "vm/abi.h"
#include "vm/image_check.h"
#include "vm/vm_internal.h"

typedef struct {
  uint32_t start, bytes;
} section_t;

enum {
  SECTION_FUNCTIONS,
  SECTION_CODE,
  SECTION_FLOATS,
  SECTION_ROLES,
  SECTION_ASCII,
  SECTION_UTF8,
  SECTION_BUFFERS,
  SECTION_STRINGS,
  SECTION_SERVICES,
  SECTION_CONFIGURATION,
};

/* Byte offsets within the header. */
enum { HEADER_VERSION = 8, HEADER_GLOBALS = 12, HEADER_SERVICES = 14 };

/* A frame holds its slots in one heap block; more than this no compiler emits. */
enum { MOST_SLOTS = 4096 };

static uint32_t read16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

static uint32_t read32(const uint8_t *bytes) { return read16(bytes) | read16(bytes + 2) << 16; }

rt_status_t rt_image_fail(rt_image_fault_t *fault, const char *what, uint32_t offset) {
  fault->what = what;
  fault->offset = offset;
  return RT_ERROR_ARGUMENT;
}

static rt_status_t check_header(const uint8_t *bytes, size_t size, rt_image_fault_t *fault) {
  if (((uintptr_t)bytes & 3u) != 0) return rt_image_fail(fault, "image is not 4-aligned", 0);
  if (size < RT_IMAGE_HEADER_BYTES + 8u * RT_IMAGE_SECTIONS) {
    return rt_image_fail(fault, "image is too short", (uint32_t)size);
  }
  if (size >= 0x1000000u) return rt_image_fail(fault, "image is too long", 0);
  if (read32(bytes) != RT_IMAGE_MAGIC0 || read32(bytes + 4) != RT_IMAGE_MAGIC1) {
    return rt_image_fail(fault, "not a DeviceScript image", 0);
  }
  const uint32_t version = read32(bytes + HEADER_VERSION);
  const uint32_t minor = version >> 16 & 0xffu;
  if (version >> 24 != RT_IMAGE_MAJOR || minor < RT_IMAGE_MINOR_FIRST ||
      minor > RT_IMAGE_MINOR_LAST) {
    return rt_image_fail(fault, "image of another DeviceScript version", HEADER_VERSION);
  }
  return RT_OK;
}

static rt_status_t read_sections(const uint8_t *bytes, size_t size, section_t *sections,
                                 rt_image_fault_t *fault) {
  uint32_t end = RT_IMAGE_HEADER_BYTES + 8u * RT_IMAGE_SECTIONS;
  for (uint32_t i = 0; i < RT_IMAGE_SECTIONS; i++) {
    const uint32_t at = RT_IMAGE_HEADER_BYTES + 8u * i;
    section_t *section = &sections[i];
    section->start = read32(bytes + at);
    section->bytes = read32(bytes + at + 4);
    if (section->start != end || (section->start & 3u) || (section->bytes & 3u)) {
      return rt_image_fail(fault, "sections are not contiguous or not aligned", at);
    }
    if (section->bytes > size || section->start > size - section->bytes) {
      return rt_image_fail(fault, "section ends behind the image", at);
    }
    end += section->bytes;
  }
  return RT_OK;
}

/* The terminator belongs to the section, so that C may read the text as a string. */
static int is_terminated(const section_t *strings, const uint8_t *bytes, uint32_t start) {
  for (uint32_t i = start; i < strings->bytes; i++) {
    if (bytes[strings->start + i] == 0) return 1;
  }
  return 0;
}

static rt_status_t check_ascii(const rt_image_t *image, const section_t *sections,
                               rt_image_fault_t *fault) {
  const section_t *strings = &sections[SECTION_STRINGS];
  for (uint32_t i = 0; i < image->ascii_strings; i++) {
    const uint32_t at = sections[SECTION_ASCII].start + 2u * i;
    const uint32_t start = image->ascii[i];
    if (!is_terminated(strings, image->bytes, start)) {
      return rt_image_fail(fault, "string outside its section", at);
    }
    const uint8_t *text = image->bytes + strings->start + start;
    for (uint32_t k = 0; text[k] != 0; k++) {
      if (text[k] >= 0x80u) return rt_image_fail(fault, "ASCII string with other bytes", at);
    }
  }
  return RT_OK;
}

/* Bytes of the UTF-8 sequence at `text`, 0 when it is not well-formed. */
static uint32_t sequence_bytes(const uint8_t *text, uint32_t room) {
  const uint8_t first = text[0];
  if (first < 0x80u) return 1;
  const uint32_t bytes = first >= 0xf0u ? 4u : first >= 0xe0u ? 3u : 2u;
  if (first < 0xc2u || first > 0xf4u || bytes > room) return 0;
  for (uint32_t i = 1; i < bytes; i++) {
    if ((text[i] & 0xc0u) != 0x80u) return 0;
  }
  if (first == 0xe0u && text[1] < 0xa0u) return 0;
  if (first == 0xf0u && text[1] < 0x90u) return 0;
  if (first == 0xf4u && text[1] > 0x8fu) return 0;
  return bytes;
}

/* How many entries the jump table of a utf8 string of `length` code points has. */
static uint32_t jump_count(uint32_t length) { return length >> RT_IMAGE_UTF8_SHIFT; }

/* Whether the jump table says that code point `seen` lies at `offset`, if it is one it tells of. */
static int agrees_with_jump(const uint8_t *bytes, uint32_t seen, uint32_t offset, uint32_t jumps) {
  const uint32_t entry = seen >> RT_IMAGE_UTF8_SHIFT;
  if (seen == 0 || entry << RT_IMAGE_UTF8_SHIFT != seen) return 1;
  return entry <= jumps && read16(bytes + 2u + 2u * entry) == offset;
}

/* One utf8 string: size, code points, where each 16th code point lies, the bytes, a NUL. */
static int is_utf8_string(const uint8_t *bytes, uint32_t room) {
  if (room < 4u) return 0;
  const uint32_t size = read16(bytes);
  const uint32_t length = read16(bytes + 2);
  if (length > size) return 0;
  const uint32_t jumps = jump_count(length);
  const uint32_t header = 4u + 2u * jumps;
  if (room < header || room - header < size + 1u) return 0;
  const uint8_t *text = bytes + header;
  uint32_t offset = 0;
  uint32_t seen = 0;
  while (offset < size) {
    if (!agrees_with_jump(bytes, seen, offset, jumps)) return 0;
    const uint32_t step = sequence_bytes(text + offset, size - offset);
    if (step == 0) return 0;
    offset += step;
    seen += 1;
  }
  return seen == length && text[size] == 0 && agrees_with_jump(bytes, seen, offset, jumps);
}

static rt_status_t check_utf8(const rt_image_t *image, const section_t *sections,
                              rt_image_fault_t *fault) {
  const section_t *strings = &sections[SECTION_STRINGS];
  for (uint32_t i = 0; i < image->utf8_strings; i++) {
    const uint32_t at = sections[SECTION_UTF8].start + 4u * i;
    const uint32_t start = image->utf8[i];
    if (start >= strings->bytes || (start & 1u) != 0 ||
        !is_utf8_string(image->bytes + strings->start + start, strings->bytes - start)) {
      return rt_image_fail(fault, "damaged UTF-8 string", at);
    }
  }
  return RT_OK;
}

static rt_status_t check_buffers(const rt_image_t *image, const section_t *sections,
                                 rt_image_fault_t *fault) {
  const uint32_t room = sections[SECTION_STRINGS].bytes;
  for (uint32_t i = 0; i < image->buffers; i++) {
    const uint32_t start = image->buffer[2 * i];
    const uint32_t bytes = image->buffer[2 * i + 1];
    if (bytes > room || start > room - bytes) {
      return rt_image_fail(fault, "buffer outside its section",
                           sections[SECTION_BUFFERS].start + 8u * i);
    }
  }
  return RT_OK;
}

int rt_image_has_string(const rt_image_t *image, uint32_t string) {
  const uint32_t index = string & ((1u << RT_STRING_SHIFT) - 1u);
  switch (string >> RT_STRING_SHIFT) {
    case RT_STRING_TYPE_BUILTIN:
      return index < RT_BUILTIN_STRINGS;
    case RT_STRING_TYPE_ASCII:
      return index < image->ascii_strings;
    case RT_STRING_TYPE_UTF8:
      return index < image->utf8_strings;
    default:
      return 0;
  }
}

/* Fields of a packet with more than one: up to the end that an empty name marks. */
static int are_fields(const rt_image_t *image, uint32_t word) {
  const uint32_t words = image->service_section_bytes / 4u;
  for (; word < words; word++) {
    const uint8_t *field = image->service_section + 4u * word;
    const uint32_t name = read16(field);
    if (name == 0) return 1;
    if (!rt_image_has_string(image, name)) return 0;
  }
  return 0;
}

static int are_packets(const rt_image_t *image, const rt_image_service_t *service) {
  const uint32_t words = image->service_section_bytes / 4u;
  for (uint32_t i = 0; i < service->packets; i++) {
    const uint32_t word = service->packet_offset + 2u * i;
    if (word + 2u > words) return 0;
    const uint8_t *packet = image->service_section + 4u * word;
    if (!rt_image_has_string(image, read16(packet))) return 0;
    const uint32_t flags = read16(packet + 4);
    if ((flags & RT_PACKET_FLAG_MULTI_FIELD) && !are_fields(image, read16(packet + 6))) return 0;
  }
  return 1;
}

static rt_status_t check_services(const rt_image_t *image, const section_t *sections,
                                  rt_image_fault_t *fault) {
  const section_t *section = &sections[SECTION_SERVICES];
  if (section->bytes / sizeof(rt_image_service_t) < image->services) {
    return rt_image_fail(fault, "service specs outside their section", HEADER_SERVICES);
  }
  for (uint32_t i = 0; i < image->services; i++) {
    if (!rt_image_has_string(image, image->service[i].name) ||
        !are_packets(image, &image->service[i])) {
      return rt_image_fail(fault, "damaged service spec", section->start + 16u * i);
    }
  }
  return RT_OK;
}

/* Functions lie in their section one behind the other, so that a byte of code belongs to one. */
static rt_status_t check_functions(const rt_image_t *image, const section_t *sections,
                                   rt_image_fault_t *fault) {
  const section_t *code = &sections[SECTION_CODE];
  const uint32_t end = code->start + code->bytes;
  uint32_t last = code->start;
  if (end > 0x10000u) return rt_image_fail(fault, "code beyond 64 KiB", code->start);
  if (image->functions == 0) return rt_image_fail(fault, "image without functions", 0);
  for (uint32_t i = 0; i < image->functions; i++) {
    const rt_image_function_t *function = &image->function[i];
    const uint32_t at = sections[SECTION_FUNCTIONS].start + 16u * i;
    if (function->start < last || function->start >= end || function->bytes == 0 ||
        function->bytes > end - function->start) {
      return rt_image_fail(fault, "function outside the code, or over another", at);
    }
    last = function->start + function->bytes;
    if (function->slots > MOST_SLOTS || function->parameters > function->slots) {
      return rt_image_fail(fault, "function with odd slots", at);
    }
    const uint32_t needs = (function->flags & RT_FUNCTION_NEEDS_THIS ? 1u : 0u) +
                           (function->flags & RT_FUNCTION_HAS_REST_ARG ? 1u : 0u);
    if (function->parameters < needs ||
        ((function->flags & RT_FUNCTION_IS_CTOR) && !(function->flags & RT_FUNCTION_NEEDS_THIS))) {
      return rt_image_fail(fault, "function lacks a parameter for this or rest", at);
    }
    if (!rt_image_has_string(image, function->name)) {
      return rt_image_fail(fault, "function with an odd name", at);
    }
  }
  return RT_OK;
}

static void fill_tables(rt_image_t *image, const uint8_t *bytes, size_t size,
                        const section_t *sections) {
  const uint8_t *at[RT_IMAGE_SECTIONS];
  for (uint32_t i = 0; i < RT_IMAGE_SECTIONS; i++) at[i] = bytes + sections[i].start;
  /* Sections are 4-aligned and so is the image, as checked. */
  image->bytes = bytes;
  image->size = (uint32_t)size;
  image->globals = (uint16_t)read16(bytes + HEADER_GLOBALS);
  image->services = (uint16_t)read16(bytes + HEADER_SERVICES);
  image->functions = (uint16_t)(sections[SECTION_FUNCTIONS].bytes / 16u);
  image->floats = (uint16_t)(sections[SECTION_FLOATS].bytes / 8u);
  image->ascii_strings = (uint16_t)(sections[SECTION_ASCII].bytes / 2u);
  image->utf8_strings = (uint16_t)(sections[SECTION_UTF8].bytes / 4u);
  image->buffers = (uint16_t)(sections[SECTION_BUFFERS].bytes / 8u);
  image->function = (const rt_image_function_t *)(const void *)at[SECTION_FUNCTIONS];
  image->float_literals = at[SECTION_FLOATS];
  image->ascii = (const uint16_t *)(const void *)at[SECTION_ASCII];
  image->utf8 = (const uint32_t *)(const void *)at[SECTION_UTF8];
  image->buffer = (const uint32_t *)(const void *)at[SECTION_BUFFERS];
  image->strings = (const char *)at[SECTION_STRINGS];
  image->service = (const rt_image_service_t *)(const void *)at[SECTION_SERVICES];
  image->service_section = at[SECTION_SERVICES];
  image->service_section_bytes = sections[SECTION_SERVICES].bytes;
  image->configuration = at[SECTION_CONFIGURATION];
  image->configuration_bytes = sections[SECTION_CONFIGURATION].bytes;
}

/* Table sizes fit their 16-bit counts, and indices fit what the language gives them. */
static rt_status_t check_counts(const section_t *sections, rt_image_fault_t *fault) {
  if (sections[SECTION_FUNCTIONS].bytes / 16u >= RT_NATIVE_FIRST ||
      sections[SECTION_FUNCTIONS].bytes % 16u != 0 || sections[SECTION_FLOATS].bytes % 8u != 0 ||
      sections[SECTION_FLOATS].bytes / 8u > 0xffffu || sections[SECTION_ASCII].bytes > 0x8000u ||
      sections[SECTION_UTF8].bytes > 0x10000u || sections[SECTION_BUFFERS].bytes > 0x20000u ||
      sections[SECTION_BUFFERS].bytes % 8u != 0) {
    return rt_image_fail(fault, "table of an odd size", RT_IMAGE_HEADER_BYTES);
  }
  return RT_OK;
}

rt_status_t rt_image_check(rt_image_t *image, const uint8_t *bytes, size_t size, uint8_t *scratch,
                           size_t scratch_bytes, rt_image_fault_t *fault) {
  section_t sections[RT_IMAGE_SECTIONS];
  fault->what = NULL;
  fault->offset = 0;
  if (scratch_bytes < RT_IMAGE_SCRATCH_BYTES) {
    return rt_image_fail(fault, "too little memory to check an image", 0);
  }
  rt_status_t status = check_header(bytes, size, fault);
  if (status == RT_OK) status = read_sections(bytes, size, sections, fault);
  if (status == RT_OK) status = check_counts(sections, fault);
  if (status != RT_OK) return status;
  fill_tables(image, bytes, size, sections);
  status = check_ascii(image, sections, fault);
  if (status == RT_OK) status = check_utf8(image, sections, fault);
  if (status == RT_OK) status = check_buffers(image, sections, fault);
  if (status == RT_OK) status = check_services(image, sections, fault);
  if (status == RT_OK) status = check_functions(image, sections, fault);
  if (status == RT_OK) status = rt_image_check_code(image, scratch, fault);
  return status;
}

const char *rt_image_string(uint16_t string, uint32_t *bytes) {
  const uint32_t index = string & ((1u << RT_STRING_SHIFT) - 1u);
  const char *text;
  uint32_t size = 0;
  switch (string >> RT_STRING_SHIFT) {
    case RT_STRING_TYPE_BUILTIN:
      text = rt_builtin_text + rt_builtin_text_offset[index];
      size = rt_builtin_text_offset[index + 1u] - rt_builtin_text_offset[index] - 1u;
      break;
    case RT_STRING_TYPE_UTF8: {
      const uint8_t *header = (const uint8_t *)rt_image.strings + rt_image.utf8[index];
      const uint32_t length = read16(header + 2);
      size = read16(header);
      text = (const char *)header + 4u + 2u * jump_count(length);
      break;
    }
    default:
      text = rt_image.strings + rt_image.ascii[index];
      if (bytes != NULL) {
        while (text[size] != 0) size++;
      }
      break;
  }
  if (bytes != NULL) *bytes = size;
  return text;
}
