#!/usr/bin/env python3
"""Golden MFCC coefficients from the float reference scripts: writes mfcc.json beside this file.

    python3 make-golden.py REFERENCE_FOLDER AUDIO_FOLDER

REFERENCE_FOLDER holds fp32_adapters.py and fp32_mlperf_kws.py (they need numpy, scipy, torch),
AUDIO_FOLDER holds fsdd/ and speech_commands/. Recordings are named, not copied; the noise clips
are made again from their seed by the tests.
"""
import csv, json, os, sys
import numpy as np

sys.path.insert(0, sys.argv[1])
import fp32_adapters, fp32_mlperf_kws

MFCC = {"digits": fp32_adapters.mfcc, "mlperf-kws": fp32_mlperf_kws.mfcc}


def noise(seed, amplitude, length):
    """Numerical Recipes' generator, upper 16 bits, scaled: the same in test/dsp/signals.ts."""
    out, x = [], seed
    for _ in range(length):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(((x >> 16) - 32768) * amplitude >> 15)
    return np.array(out, np.int16)


def recording(folder, speaker, label, take):
    path = os.path.join(sys.argv[2], folder, speaker)
    for row in csv.DictReader(open(path + ".csv")):
        if row["label"] == label and int(row["take"]) == take:
            at, n = int(row["offset_samples"]), int(row["length_samples"])
            return np.fromfile(path + ".s16", "<i2")[at:at + n]
    raise SystemExit(f"no take {take} of {label} by {speaker}")


RECORDINGS = [
    ("digits", "fsdd", "theo", "3", 0),
    ("digits", "fsdd", "george", "7", 12),
    ("digits", "fsdd", "jackson", "6", 4),
    ("mlperf-kws", "speech_commands", "5e3dde6b", "yes", 0),
    ("mlperf-kws", "speech_commands", "37dca74f", "stop", 0),
    ("mlperf-kws", "speech_commands", "_silence_", "_silence_", 2),
]
NOISES = [
    ("digits", 1, 32767, 8000), ("digits", 2, 200, 3001), ("digits", 3, 5, 9002),
    ("mlperf-kws", 4, 32767, 16000), ("mlperf-kws", 5, 200, 12345), ("mlperf-kws", 6, 5, 17000),
]

clips = []
for profile, folder, speaker, label, take in RECORDINGS:
    x = MFCC[profile](recording(folder, speaker, label, take))
    clips.append({"profile": profile, "recording": {"folder": folder, "speaker": speaker, "label": label, "take": take}, "x": x})
for profile, seed, amplitude, length in NOISES:
    x = MFCC[profile](noise(seed, amplitude, length))
    clips.append({"profile": profile, "noise": {"seed": seed, "amplitude": amplitude, "length": length}, "x": x})
for clip in clips:
    clip["coefficients"] = [round(float(v), 5) for v in clip.pop("x").ravel()]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mfcc.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in clips) + "\n]\n")
