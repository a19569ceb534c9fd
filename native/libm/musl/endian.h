/* For musl's libm.h: all our targets are little-endian. */
#ifndef RT_LIBM_MUSL_ENDIAN_H
#define RT_LIBM_MUSL_ENDIAN_H

#define __LITTLE_ENDIAN 1234
#define __BIG_ENDIAN 4321
#define __BYTE_ORDER __LITTLE_ENDIAN

#endif
