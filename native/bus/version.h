/* Versions that the firmware tells its tools. */
#ifndef RT_BUS_VERSION_H
#define RT_BUS_VERSION_H

/* Of the firmware; the build may give another. */
#ifndef RT_VERSION
#define RT_VERSION "retune 0.1.0"
#endif

/* Of DeviceScript's runtime that this one stands in for: what the compiler's tools compare. */
#define RT_RUNTIME_MAJOR 2u
#define RT_RUNTIME_MINOR 16u
#define RT_RUNTIME_PATCH 4u

#endif
