"""Reads recordings in the format of the audio data: <speaker>.s16 and <speaker>.csv."""
import csv
import glob
import os

import numpy as np


def speakers_in(folder):
    return sorted(os.path.basename(f)[:-4] for f in glob.glob(os.path.join(folder, "*.csv"))
                  if os.path.exists(f[:-4] + ".s16"))


def read(folder, name):
    """-> list of (label, take, int16 samples), in the order of the index."""
    pcm = np.fromfile(os.path.join(folder, name + ".s16"), "<i2")
    clips = []
    with open(os.path.join(folder, name + ".csv")) as index:
        for row in csv.DictReader(index):
            at, n = int(row["offset_samples"]), int(row["length_samples"])
            clips.append((row["label"], int(row["take"]), pcm[at:at + n]))
    return clips


def read_digits(folder, name):
    return [(int(label), take, pcm) for label, take, pcm in read(folder, name) if label.isdigit()]
