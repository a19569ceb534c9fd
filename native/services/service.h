/*
 * How native code joins a script: a service server in C. docs/modules.md explains by example;
 * native/services/template.c is the smallest module that works.
 *
 * A module is one `const rt_service_module_t`. The build lists the modules that devicescript.json
 * names in one generated table, rt_service_modules. All functions of a module are called from the
 * firmware's main loop, never from an interrupt and never from inside each other.
 */
#ifndef RT_SERVICES_SERVICE_H
#define RT_SERVICES_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "engine/status.h"

typedef struct rt_service rt_service_t;

/* Modules that one firmware can offer. */
#define RT_SERVICE_LIMIT 16u

/* A register that the server keeps for the module: answered and, if writable, stored by itself. */
typedef struct {
  uint16_t code;  /* as in the spec, for example 0x101 reading, 0x80 or 0x180 */
  uint8_t size;   /* bytes; 0: a string, `value` points at its bytes and is NUL-terminated */
  uint8_t access; /* RT_REGISTER_… */
  void *value;    /* little-endian, `size` bytes, 1-aligned; owned by the module */
} rt_service_register_t;

#define RT_REGISTER_READ 0u
#define RT_REGISTER_WRITE 1u

typedef struct {
  uint32_t service_class;
  const char *name;
  const rt_service_register_t *registers;
  uint16_t register_count;
  /* 1: takes commands that came over a link also on a locked board, because it looks at signatures
   * itself. Those of all other modules are then refused, and writes of registers but the two of
   * streaming. */
  uint8_t guards_itself;

  /* Once, at boot, after the HAL. A module that does not return RT_OK is not offered: for a pin or
   * a model that this board lacks. May be NULL. */
  rt_status_t (*init)(rt_service_t *service);
  /* The script ended or restarts: settings back to their defaults. May be NULL. */
  void (*reset)(rt_service_t *service);
  /* A command, or the read of a register that is not in the table. May be NULL. */
  void (*command)(rt_service_t *service, const rt_packet_t *packet);
  /* Just before register `code` is answered: bring its value up to date. May be NULL. */
  void (*reading)(rt_service_t *service, uint16_t code);
  /* Just after register `code` was written: take it over, or set it back. May be NULL. */
  void (*written)(rt_service_t *service, uint16_t code);
  /*
   * Work. Called when due or when something happened; returns when it wants to be called again
   * (microseconds since boot; UINT64_MAX: only when something happens). Must return within some
   * 20 ms, a single inference excepted. May be NULL.
   */
  uint64_t (*poll)(rt_service_t *service, uint64_t now_us);
} rt_service_module_t;

struct rt_service {
  const rt_service_module_t *module;
  uint8_t index; /* on the bus */
};

/* The generated table. */
extern const rt_service_module_t *const rt_service_modules[];
extern const uint16_t rt_service_module_count;

/*
 * Asks for a call of the module's poll as soon as possible: from another module, for example. Every
 * packet to the service does it too.
 */
void rt_service_wake(const rt_service_t *service);

/* Answers `packet` (a command) with a report of the same code. */
rt_status_t rt_service_reply(rt_service_t *service, const rt_packet_t *packet, const void *data,
                             uint8_t size);
/* The same later, when the packet is gone: `command` is the packet's. */
rt_status_t rt_service_report(rt_service_t *service, uint16_t command, const void *data,
                              uint8_t size);
/* Sends an event with its repeats. */
rt_status_t rt_service_event(rt_service_t *service, uint8_t event, const void *data, uint8_t size);
/* Sends the value of a register as a report, for streaming sensors. */
rt_status_t rt_service_report_register(rt_service_t *service, uint16_t code);

/*
 * Streaming of a sensor's reading: clients write how many samples they want and how often. A module
 * has one of these in its registers RT_REGISTER_STREAMING_SAMPLES (1 byte, written by clients) and
 * RT_REGISTER_STREAMING_INTERVAL (4 bytes, milliseconds), and calls rt_service_stream_poll from its
 * poll, which sends the register when it is due and returns when that is next (UINT64_MAX: nobody
 * listens).
 */
typedef struct {
  uint8_t samples;      /* still to be sent */
  uint32_t interval_ms; /* at least RT_SERVICE_STREAM_MIN_MS */
  uint64_t due_us;
} rt_service_stream_t;

#define RT_REGISTER_STREAMING_SAMPLES 0x003u
#define RT_REGISTER_STREAMING_INTERVAL 0x004u
#define RT_SERVICE_STREAM_MIN_MS 20u

uint64_t rt_service_stream_poll(rt_service_t *service, rt_service_stream_t *stream,
                                uint16_t register_code, uint64_t now_us);

/* For the firmware's main loop. */
rt_status_t rt_services_init(void);
void rt_services_reset(void);
/* Packet to local service `index`; called by the bus. */
void rt_services_dispatch(const rt_packet_t *packet);
/* Lets modules work; returns when one of them wants to be called again. */
uint64_t rt_services_poll(uint64_t now_us);

#endif
