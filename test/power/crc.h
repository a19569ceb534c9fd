/*
 * CRC-32 (ISO-HDLC) eight bytes at a time. The store's own takes four bits at a time, to be small;
 * it is most of what a mount costs, so the harness runs a copy of the store that calls this one.
 */
#ifndef RT_POWER_CRC_H
#define RT_POWER_CRC_H

#include <stdint.h>

/* As rt_store_crc32. */
uint32_t rt_power_crc32(uint32_t crc, const void *bytes, uint32_t count);

/* Makes the tables, and ends the program if rt_store_crc32 gives anything else than the definition.
 */
void rt_power_crc_begin(void);

#endif
