/* What the files about roles, packets and specs share. */
#ifndef RT_VM_ROLE_INTERNAL_H
#define RT_VM_ROLE_INTERNAL_H

#include "vm/abi.h"
#include "vm/role.h"

/* ---- Specs: spec.c. A packet spec is its offset in the section in words, 0: none. ---- */

#define RT_NO_SPEC 0xffffu

/* Another image is loaded. */
void rt_specs_reset(void);
const rt_image_packet_t *rt_spec_packet(uint32_t offset);
const rt_image_field_t *rt_spec_fields(const rt_image_packet_t *packet);
/* Number of the spec with this class, RT_NO_SPEC: the image has none. */
uint32_t rt_spec_of_class(uint32_t service_class);
/* The spec that `spec` derives from, RT_NO_SPEC: none. */
uint32_t rt_spec_base(uint32_t spec);
/* Packet by name or by code, in `spec` or what it derives from. */
uint32_t rt_spec_by_name(uint32_t spec, rt_key_t name);
uint32_t rt_spec_by_code(uint32_t spec, uint32_t code);
/* The spec of a packet on the bus: registers read and written, events, commands and reports. */
uint32_t rt_spec_of_packet(uint32_t spec, uint32_t command, uint32_t is_command);
/* The code under which a packet of this spec goes over the bus. */
uint16_t rt_spec_bus_code(const rt_image_packet_t *packet);
/* RT_TAG_PACKET_SPEC, or undefined for 0. */
rt_value_t rt_spec_value(uint32_t offset);

/* ---- Roles: role.c ---- */

typedef struct {
  uint64_t device_id;
  rt_value_t name; /* string */
  uint32_t service_class;
  rt_ref_t map;   /* own properties, 0: none */
  rt_ref_t cache; /* first of the registers read, 0: none */
  uint16_t spec;  /* of its class */
  uint8_t index;  /* of the service it is bound to, 0: unbound */
  uint8_t reserved;
} rt_role_t;

/* Role of a value; throws and returns NULL when it is none. */
rt_role_t *rt_role_of(rt_value_t value);
rt_role_t *rt_role_at(uint32_t number);
uint32_t rt_role_count(void);
#define RT_MEMBER_ROLE(member) (RT_PAYLOAD(member) >> 16)
#define RT_MEMBER_SPEC(member) (RT_PAYLOAD(member) & 0xffffu)
/* A new unbound role; undefined with an error pending. */
rt_value_t rt_role_new(uint32_t service_class, rt_value_t name);
/* The counter (7 bits) of the next event of the script's servers. */
uint8_t rt_role_next_event(void);
/* Tells the script of a packet for a role (undefined: its binding changed) by a fiber of its own.
 */
void rt_role_notify(uint32_t role, rt_value_t packet);

/* ---- Waiting and caches: role_wait.c ---- */

void rt_waits_init(void);
void rt_waits_mark(void);
void rt_waits_forget(rt_ref_t fiber);
/* The role's binding changed: what waits for it goes on. */
void rt_waits_bound(uint32_t role);
/* A report for the role: keeps register values, wakes who waits for them; 1: somebody did. */
uint32_t rt_waits_report(uint32_t role, const rt_packet_t *packet);
/* Repeats what is due. */
void rt_waits_run(uint64_t now_us);
/* When the next is due. */
uint64_t rt_waits_deadline(void);

/* Reads a register for the running fiber: from the cache, or by waiting. */
rt_value_t rt_role_read(uint32_t role, uint32_t packet_spec);
/* Sends a command for the running fiber, which waits while the role is unbound or the bus is full;
 * only then `bytes` is copied to the heap. Drops the cache of a register that is written. */
rt_value_t rt_role_send(uint32_t role, uint16_t command, const uint8_t *bytes, uint32_t size);
/* The same for a packet object that a server of the script sends. */
rt_value_t rt_server_send(uint8_t service_index, const rt_packet_object_t *packet);

/* ---- Packets: packet.c ---- */

/* A packet object with this payload (copied, may lie in a queue of the bus). NULL: out of memory.
 */
rt_packet_object_t *rt_packet_new(const rt_packet_t *packet, rt_value_t role, rt_value_t spec);
/* Packet of a value; throws and returns NULL when it is none. */
rt_packet_object_t *rt_packet_of(rt_value_t value);
uint8_t *rt_packet_bytes(const rt_packet_object_t *packet, uint32_t *bytes);
/* "aabbccddeeff0011" of an identifier, as a string value. */
rt_value_t rt_device_id_string(uint64_t device_id);

/* ---- Pack: pack.c ---- */

/*
 * Bytes for the packet's fields; returns how many, at most RT_BUS_MAX_PAYLOAD_BYTES, or -1 with an
 * error pending. `bytes` has room for RT_BUS_MAX_PAYLOAD_BYTES. A single array stands for its
 * elements. Several values for one field are an error when `is_strict`, else nothing is packed.
 */
int32_t rt_pack(uint8_t *bytes, const rt_image_packet_t *spec, const rt_value_t *values,
                uint32_t count, uint32_t is_strict);
/* The value (or array of values) of a payload; undefined where it is too short. */
rt_value_t rt_unpack(const rt_image_packet_t *spec, const uint8_t *bytes, uint32_t size);

#endif
