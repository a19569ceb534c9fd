"""Augmented copies of a clip, from the waveform to the MFCC.

What differs between a training voice and the next user: vocal tract and pitch (resampling and
mel warping), tempo, microphone and room (equaliser, reverberation), distance (level over 40 dB,
with the noise of 16-bit rounding), background noise, and where the word lies in the window.
"""
import os

import numpy as np
import scipy.fft
import scipy.signal

import corpus
from features import CLIP, FFT, FRAMES, RATE, cepstrum, mel_filterbank, power_frames

LONG = CLIP + 6000  # room for tempo and shift
WARPS = np.linspace(0.80, 1.24, 23)
BANKS = [mel_filterbank(w) for w in WARPS]
NOISE_CLASSES = ("rain", "sea_waves", "fire_crackling", "helicopter", "clock_tick", "chainsaw")


def load_noise(folder):
    """Long stretches of background noise, float, each of unit power; none without the folder."""
    if not os.path.isdir(folder):
        return []
    clips = [pcm.astype(np.float32) for name in NOISE_CLASSES for _, _, pcm in corpus.read(folder, name)]
    return [c / c.std() for c in clips if len(c) > 2 * LONG and (c[:LONG].std() > 50)]


def resample(x, ratio):
    n = scipy.fft.next_fast_len(len(x), real=True)
    m = max(2, int(round(n / ratio)))
    spectrum = scipy.fft.rfft(np.pad(x, (0, n - len(x))))
    keep = min(len(spectrum), m // 2 + 1)
    out = np.zeros(m // 2 + 1, np.complex64)
    out[:keep] = spectrum[:keep]
    return (scipy.fft.irfft(out, m) * (m / n))[:int(len(x) / ratio)].astype(np.float32)


def coloured_noise(rng, n):
    """Noise with a spectrum that falls by 0..9 dB per octave."""
    f = np.maximum(np.fft.rfftfreq(n), 1e-3)
    spectrum = (rng.standard_normal(len(f)) + 1j * rng.standard_normal(len(f))) * f ** -rng.uniform(0, 0.75)
    x = scipy.fft.irfft(spectrum, n).astype(np.float32)
    return x / x.std()


def reverberate(rng, x):
    n = int(RATE * rng.uniform(0.05, 0.35))
    tail = rng.standard_normal(n).astype(np.float32) * np.exp(-6.9 * np.arange(n, dtype=np.float32) / n)
    tail *= rng.uniform(0.1, 0.7) / np.sqrt((tail ** 2).sum())
    tail[0] += 1
    return scipy.signal.fftconvolve(x, tail).astype(np.float32)


def equaliser(rng):
    """Power gain of every FFT bin: a random smooth curve, and often a high-pass or low-pass slope."""
    f = np.arange(FFT // 2 + 1) * RATE / FFT
    knots = np.array([0, 250, 500, 1000, 1700, 2500, 3300, 4000])
    db = np.interp(f, knots, rng.standard_normal(len(knots)) * rng.uniform(0, 6))
    if rng.random() < 0.4:
        db -= 10 * np.log10(1 + (rng.uniform(60, 400) / np.maximum(f, 20)) ** 2)
    if rng.random() < 0.3:
        db -= 10 * np.log10(1 + (f / rng.uniform(2200, 5000)) ** 4)
    return (10 ** (db / 10)).astype(np.float32)


def erode(rng, x):
    """Cuts both ends where the level is below a random share of the peak, as a careless trimmer or a
    voice trigger does; weak fricatives and endings are lost."""
    step = 80
    n = len(x) // step
    if n < 8:
        return x
    level = np.sqrt((x[:n * step].reshape(n, step) ** 2).mean(1))
    loud = np.where(level >= level.max() * 10 ** (-rng.uniform(8, 40) / 20))[0]
    first, last = int(loud[0]) * step, (int(loud[-1]) + 1) * step
    spare = [int(v) for v in rng.integers(0, 400, 2)]
    return x[max(0, first - spare[0]):last + spare[1]]


def one(rng, pcm, noises):
    """int16 clip -> float32 [FRAMES, 10]."""
    x = pcm.astype(np.float32) / 32768
    if rng.random() < 0.5:
        x = erode(rng, x)
    if rng.random() < 0.8:
        x = resample(x, np.exp(np.clip(rng.normal(0, 0.1), -0.22, 0.22)))
    if rng.random() < 0.25:
        x = reverberate(rng, x)
    fade = min(len(x) // 4, 80)  # the cut ends of a clip must not click
    x[:fade] *= np.linspace(0, 1, fade)
    x[len(x) - fade:] *= np.linspace(1, 0, fade)
    x = x[:LONG]
    level = np.sqrt((x ** 2).mean()) + 1e-9
    shift = int(np.clip(rng.normal(0, 700), -2000, 2000)) if rng.random() < 0.7 else 0
    at = int(np.clip((LONG - len(x)) // 2 + shift, 0, LONG - len(x)))
    y = np.zeros(LONG, np.float32)
    if rng.random() < 0.6:  # noise in the whole window; otherwise digital silence around the word
        snr = rng.uniform(3, 45)
        noise = coloured_noise(rng, LONG)
        if noises and rng.random() < 0.5:
            source = noises[rng.integers(len(noises))]
            start = rng.integers(len(source) - LONG)
            noise = source[start:start + LONG]
        y += noise * level * 10 ** (-snr / 20)
    y[at:at + len(x)] += x
    target = 0.1 * 10 ** (rng.uniform(-34, 6) / 20)  # level of the word, of full scale
    y = np.clip(np.round(y * (target / level) * 32768), -32768, 32767) / 32768
    tempo = np.exp(np.clip(rng.normal(0, 0.12), -0.28, 0.28)) if rng.random() < 0.8 else 1.0
    power = power_frames(y, tempo)
    if rng.random() < 0.8:
        power = power * equaliser(rng)
    bank = BANKS[rng.integers(len(BANKS))] if rng.random() < 0.7 else BANKS[int(np.argmin(abs(WARPS - 1)))]
    return cepstrum(power, bank)


def copies(pcm_clips, count, noises, seed):
    """-> float32 [count, clips, FRAMES, 10]; the seed fixes every draw."""
    out = np.empty((count, len(pcm_clips), FRAMES, 10), np.float32)
    for k, pcm in enumerate(pcm_clips):
        rng = np.random.default_rng([seed, k])
        for c in range(count):
            out[c, k] = one(rng, pcm, noises)
    return out
