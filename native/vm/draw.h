/* What natives_image.c and natives_draw.c share. */
#ifndef RT_VM_DRAW_H
#define RT_VM_DRAW_H

#include "vm/native.h"
#include "vm/picture.h"

/* The image that a value is; NULL with an error pending. */
rt_picture_t *rt_picture_of(rt_value_t value);
/* The same with pixels in RAM: copies them when they lie in the program. */
rt_picture_t *rt_picture_writable(rt_value_t value);

#endif
