/*
 * What musl's mathematics expects of its C library's <features.h>. The files are compiled where npm
 * puts them (tools/native/musl.mjs), for every target alike. Names get a prefix, so that nothing of
 * a computer's own library is taken or replaced.
 */
#ifndef RT_LIBM_MUSL_FEATURES_H
#define RT_LIBM_MUSL_FEATURES_H

#define hidden __attribute__((__visibility__("hidden")))

#define pow rt_libm_pow
#define __exp_data rt_libm_exp_data
#define __pow_log_data rt_libm_pow_log_data
#define __math_invalid rt_libm_invalid
#define __math_oflow rt_libm_oflow
#define __math_uflow rt_libm_uflow
#define __math_xflow rt_libm_xflow

#endif
