/* Pins of the board as values: RT_TAG_PIN, payload an index into the board's list. */
#ifndef RT_VM_PIN_H
#define RT_VM_PIN_H

#include "vm/object.h"

/* A program starts: no pin has a mode yet. */
void rt_pins_reset(void);
uint32_t rt_pin_count(void);
/* GPIO.<key>: RT_TAG_PIN, or RT_UNDEFINED when the board has no such pin. */
rt_value_t rt_pin_find(rt_key_t key);
/* The board's name of a pin. */
const char *rt_pin_name(rt_value_t pin);
/* What a pin has besides the members of GPIO.prototype: `gpio`, `label`. 1 and `*value`, or 0. */
int rt_pin_field(rt_value_t pin, rt_key_t key, rt_value_t *value);

#endif
