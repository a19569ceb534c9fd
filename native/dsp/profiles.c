#include <stddef.h>

#include "mfcc.h"

const rt_dsp_profile_t *rt_dsp_profile(uint32_t id) {
  switch (id) {
    case RT_DSP_PROFILE_DIGITS:
      return &rt_dsp_profile_digits;
    case RT_DSP_PROFILE_MLPERF_KWS:
      return &rt_dsp_profile_mlperf_kws;
    default:
      return NULL;
  }
}
