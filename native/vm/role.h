/*
 * Roles: what a script calls a service (`new ds.Button()`), bound to one on the bus. Their members
 * (registers, events, commands), the packets they get, and the specs of the image as values.
 *
 * RT_TAG_ROLE: payload is the role's number. RT_TAG_ROLE_MEMBER: role << 16 | packet spec, counted
 * in 32-bit words from the start of the image's spec section. RT_TAG_SERVICE_SPEC: number of the
 * service spec. RT_TAG_PACKET_SPEC: packet spec, in words from the start of the section.
 */
#ifndef RT_VM_ROLE_H
#define RT_VM_ROLE_H

#include "bus/bus.h"
#include "vm/image.h"
#include "vm/object.h"
#include "vm/pin.h"

/* The loaded program's image; the VM's. */
extern rt_image_t rt_image;

/* ---- Life: for the VM ---- */

/* Forgets all roles and listens to the bus. After heap and names, before the first fiber. */
rt_status_t rt_roles_init(void);
/* The program ends: no packet reaches it any more. */
void rt_roles_stop(void);
/* Marks role tables, caches and the fibers that wait for a packet. Called by rt_vm_mark_roots. */
void rt_roles_mark(void);
/* Binds roles, asks again for registers that were not answered: at the start of rt_vm_run. */
void rt_roles_run(uint64_t now_us);
/* When rt_roles_run wants to be called next, asked at the end of rt_vm_run; 0: at once. */
uint64_t rt_roles_deadline(void);
/* A fiber was terminated: nothing will resume it. */
void rt_roles_forget(rt_ref_t fiber);

/* ---- Members: for rt_field_get ---- */

/*
 * What role.key is: own property, property of its spec's prototype, packet of its spec or of the
 * specs that this derives from. 1 and `*member`, or 0: go on at DsRole.prototype.
 */
int rt_role_find(rt_value_t role, rt_key_t key, rt_value_t *member);
/* The builtin prototype of a role member: RT_BUILTIN_DsRegister_prototype and so on. */
uint8_t rt_role_member_prototype(rt_value_t member);
/* Whether the member can be called (a command): then rt_native_command_call with it as `this`.
 */
int rt_role_member_is_command(rt_value_t member);
/* Where the map of a role's own properties is kept (0: none yet), for rt_attached_map. */
rt_ref_t *rt_role_map(rt_value_t role);
/* The prototype of a service spec (`ds.Button.prototype`, opcode static_spec_proto): a map, made
 * when first asked for; its prototype is DsRole.prototype. RT_UNDEFINED with an error pending. */
rt_value_t rt_spec_prototype(uint32_t spec);

/* ---- Names, for the console ---- */

/* String value: "btn", or the spec's name when the role was given none. */
rt_value_t rt_role_name(rt_value_t role);
/* Name of a service spec, packet spec or role member (the packet's). */
rt_value_t rt_spec_name(rt_value_t spec);
/* Spec value of a role: RT_TAG_SERVICE_SPEC, or undefined. */
rt_value_t rt_role_spec(rt_value_t role);

/* ---- Specs: RT_TAG_SERVICE_SPEC and RT_TAG_PACKET_SPEC ---- */

/* The service spec that a packet spec stands in. */
rt_value_t rt_spec_parent(rt_value_t packet_spec);

/* ---- Packets ---- */

/* RT_KIND_PACKET. The collector marks `payload` and `properties_map`; the rest has no references.
 */
typedef struct {
  rt_object_t header;
  rt_ref_t payload; /* RT_KIND_BUFFER */
  rt_ref_t properties_map;
  uint32_t device_low, device_high;
  rt_value_t role; /* RT_TAG_ROLE or undefined */
  rt_value_t spec; /* RT_TAG_PACKET_SPEC or undefined */
  uint16_t command;
  uint8_t flags; /* RT_FRAME_… */
  uint8_t service_index;
  uint32_t reserved;
} rt_packet_object_t;

#endif
