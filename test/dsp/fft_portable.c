// The portable twins of native/dsp/fft_thumb.c under other names, for the same image.
#undef __ARM_ARCH_6M__
#define rt_dsp_fft_pass portable_pass
#define rt_dsp_fft_split portable_split
#define rt_dsp_fft_powers portable_powers
#define rt_dsp_fft_magnitudes portable_magnitudes
#define rt_dsp_fft_bins portable_bins
#include "dsp/fft.c"
