#ifndef RT_HAL_HOST_TRACE_H
#define RT_HAL_HOST_TRACE_H

#include <stdint.h>
#include <stdio.h>

#define RT_TRACE_OPCODES 256u
#define RT_TRACE_NATIVES 256u

/* The interpreter calls these at every instruction and every call of a native. */
void rt_vm_trace_opcode(uint32_t code);
void rt_vm_trace_native(uint32_t index);

/* Lines `opcode CODE COUNT` and `native INDEX COUNT`. 0 on success. */
int rt_trace_write(FILE *file);

#endif
