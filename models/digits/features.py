"""MFCC of the 'digits' profile, vectorised, with the hooks that augmentation needs.

8 kHz, 49 frames of 320 samples every 160, symmetric Hann, FFT 512, power, 20 triangular
mel filters 60..3800 Hz, ln(x + 1e-5), orthonormal DCT-II, the first 10 coefficients.
The same numbers as native/dsp computes in fixed point, without the normalisation.
"""
import numpy as np
import scipy.fft

RATE, WINDOW, HOP, FFT, FRAMES, MELS, COEFFS = 8000, 320, 160, 512, 49, 20, 10
CLIP = FRAMES * HOP + WINDOW - HOP  # samples that one input sees
LOW_HZ, HIGH_HZ, FLOOR = 60.0, 3800.0, 1e-5
HANN = np.hanning(WINDOW).astype(np.float32)


def mel_filterbank(warp=1.0):
    """[MELS, FFT/2+1]; warp > 1 reads higher frequencies, as if the vocal tract were shorter."""
    to_hz = lambda m: 700 * (10 ** (m / 2595) - 1)
    to_mel = lambda h: 2595 * np.log10(1 + h / 700)
    hz = to_hz(np.linspace(to_mel(LOW_HZ), to_mel(HIGH_HZ), MELS + 2))
    if warp != 1.0:  # piecewise linear (Jaitly and Hinton 2013): the upper edge stays in place
        knee = HIGH_HZ * 0.85 * min(warp, 1.0) / warp
        upper = HIGH_HZ - (HIGH_HZ - knee * warp) / (HIGH_HZ - knee) * (HIGH_HZ - hz)
        hz = np.where(hz <= knee, hz * warp, upper)
    edges = np.floor((FFT + 1) * hz / RATE).astype(int)
    bank = np.zeros((MELS, FFT // 2 + 1), np.float32)
    for i in range(MELS):
        a, b, c = edges[i:i + 3]
        bank[i, a:b] = (np.arange(a, b) - a) / max(1, b - a)
        bank[i, b:c] = (c - np.arange(b, c)) / max(1, c - b)
    return bank


BANK = mel_filterbank()


def centre(pcm, length=CLIP):
    """Cuts at the centre or pads with zeros on both sides."""
    n = len(pcm)
    if n < length:
        pad = length - n
        return np.pad(pcm, (pad // 2, pad - pad // 2))
    start = (n - length) // 2
    return pcm[start:start + length]


def power_frames(x, tempo=1.0):
    """float [>= CLIP] in -1..1 -> power [FRAMES, FFT/2+1]; tempo stretches the hop, not the pitch."""
    middle = len(x) / 2
    starts = np.arange(FRAMES) * HOP if len(x) == CLIP and tempo == 1.0 else \
        np.round(middle - WINDOW / 2 + (np.arange(FRAMES) - (FRAMES - 1) / 2) * HOP * tempo).astype(int)
    starts = np.clip(starts, 0, len(x) - WINDOW)
    frames = x[starts[:, None] + np.arange(WINDOW)[None]] * HANN
    spectrum = scipy.fft.rfft(frames.astype(np.float32), FFT, axis=1)
    return spectrum.real ** 2 + spectrum.imag ** 2


def cepstrum(power, bank=BANK):
    logs = np.log(power @ bank.T + FLOOR)
    return scipy.fft.dct(logs, type=2, axis=1, norm="ortho")[:, :COEFFS].astype(np.float32)


def mfcc(pcm):
    """int16 PCM of any length -> float32 [FRAMES, COEFFS]."""
    return cepstrum(power_frames(centre(pcm.astype(np.float32) / 32768)))
