/* What the files of native/bus share; nobody else includes this. */
#ifndef RT_BUS_INTERNAL_H
#define RT_BUS_INTERNAL_H

#include "bus/bus.h"
#include "hal/hal.h"

/* ---- Bytes ---- */

void rt_bus_copy(void *to, const void *from, size_t bytes);
uint32_t rt_bus_load16(const uint8_t *bytes);
uint32_t rt_bus_load32(const uint8_t *bytes);
uint64_t rt_bus_load64(const uint8_t *bytes);
void rt_bus_store16(uint8_t *bytes, uint32_t number);
void rt_bus_store32(uint8_t *bytes, uint32_t number);
void rt_bus_store64(uint8_t *bytes, uint64_t number);
size_t rt_bus_text_bytes(const char *text);

/* ---- Frames ---- */

#define RT_FRAME_HEADER_BYTES 12u
#define RT_FRAME_PACKET_HEADER_BYTES 4u
#define RT_FRAME_MAX_BYTES (RT_FRAME_HEADER_BYTES + 4u + 236u)

/* CRC-CCITT (polynomial 0x1021, start 0xffff) of a frame's bytes from 2 on. */
uint16_t rt_frame_crc(const uint8_t *bytes, size_t size);
/* Writes a frame with one packet; returns its bytes, at most RT_FRAME_MAX_BYTES. */
size_t rt_frame_write(uint8_t *frame, const rt_packet_t *packet);
/* RT_OK: the checksum and the sizes are right. */
rt_status_t rt_frame_check(const uint8_t *frame, size_t size);

/* ---- Queue of packets: a ring of whole records, oldest first ---- */

typedef struct {
  uint8_t *bytes; /* 8-aligned */
  uint16_t size;  /* multiple of 8 */
  uint16_t head, tail;
  uint16_t wrap; /* where the records end before the ring goes on at 0; 0: they do not wrap */
} rt_queue_t;

/* Bytes that a record takes of the ring. */
#define RT_QUEUE_RECORD_BYTES(payload) ((16u + (payload) + 7u) & ~7u)

void rt_queue_init(rt_queue_t *queue, void *bytes, size_t size);
/* Whether a packet with a payload of `size` bytes fits. */
uint32_t rt_queue_has_room(const rt_queue_t *queue, size_t size);
rt_status_t rt_queue_push(rt_queue_t *queue, const rt_packet_t *packet);
uint32_t rt_queue_is_empty(const rt_queue_t *queue);
/* The oldest packet, its payload inside the ring until the next rt_queue_pop; 0: none. */
uint32_t rt_queue_peek(const rt_queue_t *queue, rt_packet_t *packet);
void rt_queue_pop(rt_queue_t *queue);

/* ---- Links ---- */

typedef void (*rt_link_frame_t)(const uint8_t *frame, size_t size);

void rt_links_init(rt_link_frame_t on_frame);
/* Takes received bytes, hands whole frames on; sends what waits. */
void rt_links_poll(void);
/* Whether any link is open. */
uint32_t rt_links_open(void);
/* Whether a link has opened since the last call. */
uint32_t rt_links_take_opened(void);
/* Queues a frame on every open link. RT_ERROR_FULL: no open link had room. */
rt_status_t rt_links_send(const uint8_t *frame, size_t size);
/* Whether bytes wait to be sent on an open link. */
uint32_t rt_links_have_output(void);

/* Log text that a link has not had yet, from position `*at` on (moved to what is still there);
 * copies up to `capacity` bytes and returns how many. */
size_t rt_log_read(uint32_t *at, uint8_t *bytes, size_t capacity);
/* How many bytes that would be. */
uint32_t rt_log_unread(uint32_t from);
void rt_log_init(void);

/* ---- Devices ---- */

/* This one, the script's, and others. Each takes 80 bytes. */
#define RT_BUS_MAX_DEVICES 8u
#define RT_BUS_REMOTE_SERVICES 16u
#define RT_BUS_DEVICE_LOST_US 2000000u

void rt_devices_init(uint64_t own_id);
/* An announcement of another device, or of the script's. */
void rt_devices_announced(const rt_packet_t *packet, uint64_t now_us);
/* Any packet of another device: it is still there. */
void rt_devices_heard(uint64_t device_id, uint64_t now_us);
/* 1 when the event is a repeat of one that was seen. */
uint32_t rt_devices_is_repeat(const rt_packet_t *event);
/* Forgets devices that were silent too long; returns when the next one may be. */
uint64_t rt_devices_expire(uint64_t now_us);
void rt_devices_drop(uint64_t device_id);
/* Classes of this device. */
const uint32_t *rt_devices_own(uint32_t *count);

/* ---- Control service ---- */

void rt_control_init(void);
void rt_control_command(const rt_packet_t *packet);
/* Sends the announcement. */
void rt_control_announce(void);
/* Identify blinks, resets that are due. Returns when to be called next. */
uint64_t rt_control_poll(uint64_t now_us);

/* The board starts again as soon as an answer has gone out. */
void rt_control_reset_soon(void);

/* The bus's present time: that of the last rt_bus_process. */
uint64_t rt_bus_now_us(void);

#endif
