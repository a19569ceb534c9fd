/* Packets of the input's making, for the targets that speak with services. */
#ifndef RT_TEST_FUZZ_PACKETS_H
#define RT_TEST_FUZZ_PACKETS_H

#include "fuzz.h"

/*
 * Sends one packet in a frame with a right checksum: device, command, flags, service and payload
 * are the input's, mostly out of lists of what a firmware knows. Takes 6 bytes and the payload.
 */
void fuzz_send_packet(fuzz_input_t *input);

/* An announcement of some device with services that programs look for. */
void fuzz_send_announcement(fuzz_input_t *input);

#endif
