/* Repeats of this device's events on the links: 20 and 70 ms after the first time. */
#ifndef RT_BUS_REPEAT_H
#define RT_BUS_REPEAT_H

#include "bus/bus.h"

void rt_repeat_init(void);
/* Plans the repeats of an event that was just sent; nothing when no link is open. */
void rt_repeat_add(const rt_packet_t *event, uint64_t now_us);
/* Sends what is due; returns when the next is. */
uint64_t rt_repeat_poll(uint64_t now_us, void (*send)(const rt_packet_t *packet));

#endif
