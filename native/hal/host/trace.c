/* Counts what programs use, in builds with RT_VM_TRACE: proof that the suite reaches all of it. */
#include "hal/host/trace.h"

static uint32_t opcodes[RT_TRACE_OPCODES], natives[RT_TRACE_NATIVES];

void rt_vm_trace_opcode(uint32_t code) {
  if (code < RT_TRACE_OPCODES) opcodes[code]++;
}

void rt_vm_trace_native(uint32_t index) {
  if (index < RT_TRACE_NATIVES) natives[index]++;
}

static int write_counts(FILE *file, const char *kind, const uint32_t *counts, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (counts[i] != 0 && fprintf(file, "%s %u %u\n", kind, i, counts[i]) < 0) return -1;
  }
  return 0;
}

int rt_trace_write(FILE *file) {
  if (write_counts(file, "opcode", opcodes, RT_TRACE_OPCODES) != 0) return -1;
  return write_counts(file, "native", natives, RT_TRACE_NATIVES);
}
