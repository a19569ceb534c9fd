#ifndef RT_TEST_OBJECTS_WORLD_H
#define RT_TEST_OBJECTS_WORLD_H

#include "vm/object.h"

/* Values that are alive. */
#define TABLE 256u
extern rt_value_t table[TABLE];
/* Errors so far. */
extern unsigned thrown;

#endif
