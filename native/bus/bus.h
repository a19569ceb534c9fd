/*
 * The Jacdac bus of one device: frames in and out over the links, packets among the services and
 * the script of this firmware (local loopback), announcements, and who is out there.
 *
 * Local packets go through a queue of their own: no throttle, no frame, no checksum. They are
 * dispatched by rt_bus_process, never from inside rt_bus_send, so that a reply cannot arrive before
 * the asking fiber has suspended. Reports and events of local services also go to open links.
 *
 * Memory: static buffers of bus.c and link.c; sizes below. One bus in a firmware.
 */
#ifndef RT_BUS_BUS_H
#define RT_BUS_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"

#define RT_BUS_MAX_PAYLOAD_BYTES 236u

/* Frame flags. */
#define RT_FRAME_COMMAND 0x01u
#define RT_FRAME_ACK_WANTED 0x02u
#define RT_FRAME_BROADCAST 0x04u /* the device identifier is a service class */
#define RT_FRAME_LOOPBACK 0x40u
/* Ours, never on a link: the packet came from outside. */
#define RT_FRAME_FROM_LINK 0x20u

/* Service indices with a meaning of their own. */
#define RT_SERVICE_CONTROL 0u
#define RT_SERVICE_PIPE 0x3eu
#define RT_SERVICE_ACK 0x3fu

/* Commands: register get 0x1000 | r, set 0x2000 | r, event 0x8000 | counter << 8 | event. */
#define RT_COMMAND_GET 0x1000u
#define RT_COMMAND_SET 0x2000u
#define RT_COMMAND_EVENT 0x8000u

/* One packet. `payload` belongs to the caller and is good during the call only. */
typedef struct {
  uint64_t device_id; /* of the sender for reports, of the receiver for commands */
  uint16_t command;
  uint8_t flags; /* RT_FRAME_… */
  uint8_t service_index;
  uint8_t size; /* bytes of payload, at most RT_BUS_MAX_PAYLOAD_BYTES */
  const uint8_t *payload;
} rt_packet_t;

/* Empties queues, forgets devices, announces at once. `device_id` is this device's. */
void rt_bus_init(uint64_t device_id);

uint64_t rt_bus_device_id(void);

/* The counter (7 bits) of this device's next event; counts one on. */
uint8_t rt_bus_next_event(void);

/* Answers a command to this device with "not implemented". */
void rt_bus_not_implemented(const rt_packet_t *command);

/*
 * Whether the command came over a link to a locked board (store/trust.h): what changes something is
 * refused then unless it is signed, a command with rt_bus_not_implemented, a write of a register
 * without a word.
 */
uint32_t rt_bus_is_locked_out(const rt_packet_t *command);

/*
 * Queues a packet. A command to this device (flags with RT_FRAME_COMMAND, own device_id) reaches
 * the local service `service_index` (and, for whoever watches, goes out); other commands go out;
 * reports and events (no RT_FRAME_COMMAND, own device_id) reach the script here and go out as well.
 * RT_ERROR_FULL: no room, nothing sent; try again after rt_bus_process.
 */
rt_status_t rt_bus_send(const rt_packet_t *packet);

/*
 * Reads the links, dispatches queued packets, sends announcements and due repeats of events.
 * Returns the time (microseconds) at which it wants to be called again at the latest.
 */
uint64_t rt_bus_process(uint64_t now_us);

/* Queues an event of the local service: sent at once and again after 20 and 70 ms, same counter. */
rt_status_t rt_bus_send_event(uint8_t service_index, uint8_t event, const void *payload,
                              uint8_t size);

/* Whether packets wait that rt_bus_process can deal with at once. */
uint32_t rt_bus_is_pending(void);

/*
 * While a fiber was interrupted between sending and waiting (1), reports and events stay queued:
 * their listener would find nobody waiting. Commands to services of this device go on.
 */
void rt_bus_hold_reports(uint32_t hold);

/*
 * The services that the script serves live on a device of their own on the same bus, as upstream:
 * its identifier, and whether it is there (it is from its first announcement on, until
 * rt_bus_drop_script_services). Packets sent with it as device_id are the script's.
 */
uint64_t rt_bus_server_id(void);

/*
 * The script's ear (native/vm registers it): gets reports and events of all devices, this one too,
 * and commands to services that the script serves. Called from rt_bus_process only. Returns 1 when
 * that woke the script: then the next packet waits for the next turn, so that handlers, which keep
 * only the newest of what comes while they run, see one after the other.
 */
typedef uint32_t (*rt_bus_listener_t)(const rt_packet_t *packet);
void rt_bus_listen(rt_bus_listener_t listener);

/*
 * Devices and their services, this one first. `device` counts from 0; RT_ERROR_ARGUMENT past the
 * last. `*classes` points at `*count` service classes, index 0 is the control service. The table
 * changes only inside rt_bus_process; `rt_bus_generation` grows with each change.
 */
rt_status_t rt_bus_device(uint32_t device, uint64_t *device_id, const uint32_t **classes,
                          uint32_t *count);
uint32_t rt_bus_generation(void);

/*
 * Adds a service of this device (a C module's); returns its index, 0 when there is no room. Those
 * that the script serves come with the announcements it sends as rt_bus_server_id.
 */
#define RT_BUS_MAX_SERVICES 24u
uint8_t rt_bus_add_service(uint32_t service_class);
/* Drops the device of the script's services (when it restarts). */
void rt_bus_drop_script_services(void);

/*
 * A line of text for whoever watches: between frames on every open link, kept in a ring of
 * RT_BUS_LOG_BYTES for a link that opens later. `text` need not end with a newline.
 */
#define RT_BUS_LOG_BYTES 1024u
void rt_bus_log(char level, const char *text, size_t bytes);

/* Also calls `tap` with each whole line, at once and uncut, whatever becomes of the ring; NULL: no
 * more. For runners that must not lose a line. */
typedef void (*rt_bus_tap_t)(char level, const char *text, size_t bytes);
void rt_bus_tap_log(rt_bus_tap_t tap);

/* Bytes of log that some open link has not had yet; a script that prints faster than its link can
 * wait for less. */
uint32_t rt_bus_log_waiting(void);

#endif
