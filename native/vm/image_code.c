/*
 * Verifier of opcodes. What holds for a program that passes, and what the interpreter relies on:
 * - every opcode exists, its immediate is whole, and an index in it is in range;
 * - the stack never holds less than an opcode takes nor more than RT_STACK_DEPTH values, and is
 *   empty before the first opcode of each statement;
 * - jumps, also those of try blocks, lead to the first opcode of a statement in the same function;
 * - a try block's handler begins with catch or finally;
 * - no function runs over its end.
 * What depends on values is checked when it runs: depth of try blocks, levels of closures.
 *
 * A jump may lead forward, so statements are marked in a first walk and jumps checked in a second.
 */
#include "vm/abi.h"
#include "vm/image_check.h"

typedef struct {
  uint32_t at;   /* of the opcode */
  uint32_t next; /* of the one after */
  uint8_t op;
  int32_t operand;
} instruction_t;

/* What is known while walking through a function. */
typedef struct {
  const rt_image_t *image;
  const rt_image_function_t *function;
  uint8_t *statements; /* bitmap */
  rt_image_fault_t *fault;
} walk_t;

static void mark(uint8_t *bitmap, uint32_t at) {
  bitmap[at >> 3] = (uint8_t)(bitmap[at >> 3] | 1u << (at & 7u));
}

static int is_marked(const uint8_t *bitmap, uint32_t at) {
  return bitmap[at >> 3] >> (at & 7u) & 1;
}

const uint8_t *rt_immediate_read(const uint8_t *code, int32_t *value) {
  const uint32_t first = *code++;
  if (first < RT_IMMEDIATE_MULTIBYTE) {
    *value = (int32_t)first;
    return code;
  }
  uint32_t number = 0;
  for (uint32_t left = (first & 3u) + 1u; left > 0; left--) number = number << 8 | *code++;
  *value = (int32_t)(first & 4u ? 0u - number : number);
  return code;
}

static uint32_t immediate_bytes(uint8_t first) {
  return first < RT_IMMEDIATE_MULTIBYTE ? 1u : 2u + (first & 3u);
}

/* Reads the instruction at `at`; 0 when it is none or is cut off at `end`. */
static int read_instruction(const rt_image_t *image, uint32_t at, uint32_t end,
                            instruction_t *instruction) {
  const uint8_t *code = image->bytes;
  const uint8_t op = code[at];
  *instruction = (instruction_t){.at = at, .next = at + 1u, .op = op, .operand = 0};
  if (op >= RT_OP_DIRECT) return 1;
  if (op > RT_OP_LAST || rt_ops[op].flags == RT_OP_INVALID) return 0;
  if (rt_ops[op].operand == RT_OPERAND_NONE) return 1;
  if (at + 1u >= end || immediate_bytes(code[at + 1u]) > end - at - 1u) return 0;
  instruction->next = (uint32_t)(rt_immediate_read(code + at + 1u, &instruction->operand) - code);
  return 1;
}

enum { NO_LIMIT = 0x7fffffff };

/* How many there are of what an operand counts. */
static uint32_t operand_limit(const walk_t *walk, uint8_t operand) {
  const rt_image_t *image = walk->image;
  switch (operand) {
    case RT_OPERAND_BUILTIN_OBJECT:
      return RT_BUILTINS;
    case RT_OPERAND_BUILTIN:
      return RT_BUILTIN_STRINGS;
    case RT_OPERAND_ASCII:
      return image->ascii_strings;
    case RT_OPERAND_UTF8:
      return image->utf8_strings;
    case RT_OPERAND_BUFFER:
      return image->buffers;
    case RT_OPERAND_FUNCTION:
      return image->functions;
    case RT_OPERAND_F64:
      return image->floats;
    case RT_OPERAND_LOCAL:
      return walk->function->slots;
    case RT_OPERAND_GLOBAL:
      return image->globals;
    case RT_OPERAND_SPEC:
      return image->services;
    default: /* jumps, literals, closures: looked at elsewhere, or any will do */
      return NO_LIMIT;
  }
}

static rt_status_t fail(const walk_t *walk, const char *what, uint32_t at) {
  return rt_image_fail(walk->fault, what, at);
}

/* First walk: instructions, operands, stack; marks where statements begin. */
static rt_status_t check_statements(walk_t *walk) {
  const uint32_t end = walk->function->start + walk->function->bytes;
  uint32_t depth = 0;
  int is_final = 0;
  for (uint32_t at = walk->function->start; at < end;) {
    instruction_t instruction;
    /* Functions are padded with zeros: after a final statement, zeros end the code. */
    if (is_final && depth == 0 && walk->image->bytes[at] == 0) {
      for (; at < end; at++) {
        if (walk->image->bytes[at] != 0) return fail(walk, "code behind padding", at);
      }
      break;
    }
    if (!read_instruction(walk->image, at, end, &instruction)) {
      return fail(walk, "no such opcode", at);
    }
    if (depth == 0) mark(walk->statements, at);
    at = instruction.next;
    is_final = 0;
    if (instruction.op >= RT_OP_DIRECT) {
      depth += 1;
    } else {
      const rt_op_t op = rt_ops[instruction.op];
      const uint32_t limit = operand_limit(walk, op.operand);
      if (limit != NO_LIMIT && (uint32_t)instruction.operand >= limit) {
        return fail(walk, "operand out of range", instruction.at);
      }
      if (depth < (op.flags & RT_OP_POPS)) return fail(walk, "stack underflow", instruction.at);
      depth -= op.flags & RT_OP_POPS;
      if (!(op.flags & RT_OP_STATEMENT)) {
        depth += 1;
      } else if (depth != 0) {
        return fail(walk, "statement leaves values on the stack", instruction.at);
      }
      is_final = (op.flags & RT_OP_FINAL) != 0 && instruction.op != RT_OP_RE_THROW;
    }
    if (depth > RT_STACK_DEPTH) return fail(walk, "stack overflow", instruction.at);
  }
  if (depth != 0 || !is_final) return fail(walk, "function without an end", end);
  return RT_OK;
}

static rt_status_t check_jump(const walk_t *walk, const instruction_t *instruction) {
  const uint32_t target = instruction->at + (uint32_t)instruction->operand;
  if (target - walk->function->start >= walk->function->bytes ||
      !is_marked(walk->statements, target)) {
    return fail(walk, "jump into nowhere", instruction->at);
  }
  const uint8_t op = walk->image->bytes[target];
  const int is_handler = op == RT_OP_CATCH || op == RT_OP_FINALLY;
  if (instruction->op == RT_OP_TRY && !is_handler) {
    return fail(walk, "try without catch or finally", instruction->at);
  }
  return RT_OK;
}

/* Second walk: jumps. Instructions are known to be good. */
static rt_status_t check_jumps(const walk_t *walk) {
  const uint32_t end = walk->function->start + walk->function->bytes;
  instruction_t instruction;
  for (uint32_t at = walk->function->start; at < end; at = instruction.next) {
    /* Padding, which the first walk has seen to be nothing else. */
    if (!read_instruction(walk->image, at, end, &instruction)) return RT_OK;
    if (instruction.op >= RT_OP_DIRECT) continue;
    if (rt_ops[instruction.op].operand != RT_OPERAND_JUMP) continue;
    rt_status_t status = check_jump(walk, &instruction);
    if (status != RT_OK) return status;
  }
  return RT_OK;
}

rt_status_t rt_image_check_code(const rt_image_t *image, uint8_t *scratch,
                                rt_image_fault_t *fault) {
  walk_t walk = {.image = image, .statements = scratch, .fault = fault};
  for (uint32_t i = 0; i < RT_IMAGE_SCRATCH_BYTES; i++) scratch[i] = 0;
  for (uint32_t i = 0; i < image->functions; i++) {
    walk.function = &image->function[i];
    rt_status_t status = check_statements(&walk);
    if (status == RT_OK) status = check_jumps(&walk);
    if (status != RT_OK) return status;
  }
  return RT_OK;
}
