/* Properties of what is no map: see attached.c. rt_attached_map is in object.h. */
#ifndef RT_VM_ATTACHED_H
#define RT_VM_ATTACHED_H

#include "vm/object.h"

/* The maps attached to builtin objects, 0: none. */
extern rt_ref_t rt_attached_builtin[];
/* The object that instances of an image function have as prototype; made when first asked for. NULL
 * with an error pending. */
rt_map_t *rt_attached_prototype(uint32_t function);

#endif
