/* Settings that the compiler put into the image (its dcfg section) and those of the board. */
#ifndef RT_VM_DCFG_H
#define RT_VM_DCFG_H

#include <stdint.h>

#include "vm/value.h"

/*
 * A text setting of the loaded program, else of the board ("devName", "archId"), as a string value;
 * undefined when there is none. May allocate.
 */
rt_value_t rt_dcfg_string(const char *key, uint32_t bytes);

#endif
