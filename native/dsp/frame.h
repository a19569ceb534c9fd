// One frame of native/dsp: from samples to log-mel, and from log-mel to coefficients.
#ifndef RT_DSP_FRAME_H
#define RT_DSP_FRAME_H

#include <stdint.h>

#include "mfcc.h"

// ring [in]:     samples; the frame is ring[(start + n) & ring_mask], n < window_samples.
// work [out]:    scratch of RT_DSP_FFT_POINTS words.
// log_mel [out]: [mels], log2 of each band in Q10, in units of the profile but before the floor is
//                added and the peak divided by. RT_DSP_LOG2_ZERO where nothing was heard.
// Returns the largest sample of the frame, or 0 if all are negative.
int32_t rt_dsp_frame_log_mel(const rt_dsp_profile_t *profile, const int16_t *ring,
                             uint32_t ring_mask, uint32_t start, int32_t *work, int16_t *log_mel);

// log_mel [in]:   of one frame, or NULL for silence.
// peak_log2 [in]: log2 of the peak that samples are divided by, Q10 (0 if by none).
// out [out]:      coefficients in Q16.
void rt_dsp_frame_coefficients(const rt_dsp_profile_t *profile, const int16_t *log_mel,
                               int32_t peak_log2, int32_t out[RT_DSP_COEFFS]);

#endif
