#!/usr/bin/env python3
"""Trains, quantises and writes the spoken-digit models; prints and stores their accuracy.

    node models/digits/synthesise.mjs CACHE/synth           (once; see README.md)
    python3 models/digits/train.py --data DATA --cache CACHE [--only NAME,...] [--seed N]

DATA is the folder that holds audio/fsdd and audio/esc10. NAME is 'digits' (all speakers) or
'without-SPEAKER' (everything of that speaker is kept out: weights, normalisation, calibration).
Needs numpy, scipy and torch (Debian: python3-torch python3-numpy python3-scipy).
"""
import argparse
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import augment
import corpus
import tflite_writer
from dscnn import CLASSES, DSCNN, describe
from features import COEFFS, FRAMES, mfcc
from quantise import QuantisedNet

HERE = os.path.dirname(os.path.abspath(__file__))
LABELS = [str(i) for i in range(CLASSES)]
COPIES = {"fsdd": 24, "flite": 24, "espeak": 6}
RECORDED_SHARE = 0.7  # of every batch; the rest is synthesised
STEPS, BATCH, RATE_MAX, SMOOTHING, AVERAGE = 1200, 128, 6e-3, 0.1, 0.995
AUXILIARY = 0.5  # weight of the loss of the training-only output
with open(os.path.join(HERE, "voices.json")) as f:
    WORDS = LABELS + json.load(f)["extraWords"]  # the synthetic voices say more words than the digits


def cached_copies(cache, group, name, clips, noises, seed):
    """Augmented copies of one voice, float16 [count, clips, FRAMES, COEFFS], made once."""
    count = COPIES[group]
    path = os.path.join(cache, "copies", f"{group}-{name}-{count}-{seed}.npy")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        made = augment.copies([pcm for _, _, pcm in clips], count, noises, seed + sum(map(ord, name)))
        np.save(path, made.astype(np.float16))
    return np.load(path)


class Voices:
    """All recordings and synthesised voices, plain and augmented."""

    def __init__(self, data, cache, seed):
        noises = augment.load_noise(os.path.join(data, "audio", "esc10"))
        self.voices = {}
        folders = [("fsdd", os.path.join(data, "audio", "fsdd")), (None, os.path.join(cache, "synth"))]
        for group, folder in folders:
            for name in corpus.speakers_in(folder):
                clips = [(WORDS.index(label), take, pcm) for label, take, pcm in corpus.read(folder, name)]
                kind = group or name.split("-")[0]
                self.voices[name] = dict(
                    recorded=group is not None, labels=np.array([c[0] for c in clips]),
                    plain=np.stack([mfcc(c[2]) for c in clips]), copies=cached_copies(cache, kind, name, clips, noises, seed))

    def recorded(self):
        return [n for n, v in self.voices.items() if v["recorded"]]

    def training_set(self, left_out):
        """-> features [n, FRAMES, COEFFS], labels [n], recorded [n]; nothing of left_out in any of them."""
        xs, ys, real = [], [], []
        for name, v in self.voices.items():
            if name == left_out:
                continue
            x = np.concatenate([v["plain"][None].astype(np.float16), v["copies"]]).reshape(-1, FRAMES, COEFFS)
            xs.append(x)
            ys.append(np.tile(v["labels"], len(x) // len(v["labels"])))
            real.append(np.full(len(x), v["recorded"]))
        return np.concatenate(xs), np.concatenate(ys), np.concatenate(real)


def disturb(x):
    """Cheap changes of normalised features, fresh in every batch."""
    n = len(x)
    x = x * (1 + 0.10 * torch.randn(n, 1, 1, COEFFS)) + 0.20 * torch.randn(n, 1, 1, COEFFS)
    at, width = np.random.randint(0, FRAMES - 8), np.random.randint(0, 8)
    x[::2, :, at:at + width] = 0
    return x + np.random.uniform(0, 0.15) * torch.randn_like(x)


def train(features, labels, recorded, seed, log=print):
    """-> (model with averaged weights, mean[10], std[10])."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    sample = features[::29].astype(np.float32)
    mean, std = sample.mean((0, 1)), sample.std((0, 1))
    groups = [np.where(recorded)[0], np.where(~recorded)[0]]
    extra = len(WORDS) - CLASSES
    model, average = DSCNN(extra=extra), DSCNN(extra=extra)
    opt = torch.optim.AdamW(model.parameters(), RATE_MAX, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, RATE_MAX, total_steps=STEPS)
    average.load_state_dict(model.state_dict())
    model = model.to(memory_format=torch.channels_last)
    y_all, begun, seen = torch.tensor(labels), time.time(), 0.0
    many = int(BATCH * RECORDED_SHARE)
    for step in range(STEPS):
        model.train()
        rows = np.concatenate([np.random.choice(groups[0], many), np.random.choice(groups[1], BATCH - many)])
        x = torch.tensor((features[rows].astype(np.float32) - mean) / std)[:, None]
        y = y_all[rows]
        digit = y < CLASSES
        logits, words = model.both(disturb(x).contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits[digit], y[digit], label_smoothing=SMOOTHING) \
            + AUXILIARY * F.cross_entropy(words, y, label_smoothing=SMOOTHING)
        opt.zero_grad()
        loss.backward()
        opt.step()
        plan.step()
        keep = min(AVERAGE, (step + 1) / (step + 10))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), model.state_dict().values()):
                a.copy_(b if a.dtype == torch.long else a * keep + b * (1 - keep))
        seen += loss.item()
        if step % 250 == 249:
            log(f"  step {step + 1} loss {seen / 250:.3f} {time.time() - begun:.0f} s")
            seen = 0.0
    return average.eval(), mean, std


def float_logits(model, x):
    with torch.no_grad():
        return torch.cat([model(torch.tensor(x[i:i + 256])[:, None]) for i in range(0, len(x), 256)]).numpy()


def accuracy(model, net, voice):
    """Float and INT8 accuracy on the clips of one voice, without augmentation."""
    x, y = voice["plain"], voice["labels"]
    normal = ((x - net.mean) / net.std).astype(np.float32)
    logits = np.concatenate([net.run(net.quantise_input(x[i:i + 250])) for i in range(0, len(x), 250)])
    return dict(clips=len(y), float=round(float((float_logits(model, normal).argmax(1) == y).mean()), 4),
                int8=round(float((logits.argmax(1) == y).mean()), 4))


def build(voices, name, cache, out, seed):
    left_out = name[len("without-"):] if name.startswith("without-") else None
    print(f"{name}: training without {left_out}" if left_out else f"{name}: training on every voice", flush=True)
    features, labels, recorded = voices.training_set(left_out)
    model, mean, std = train(features, labels, recorded, seed, lambda s: print(s, flush=True))
    rng = np.random.default_rng(seed)
    calibration = features[rng.choice(np.where(recorded)[0], 1000)].astype(np.float32)
    net = QuantisedNet(model, (calibration - mean) / std, (mean, std))
    raw = tflite_writer.write(net, LABELS, f"Retune spoken digits, {name}")
    with open(os.path.join(out, name + ".tflite"), "wb") as f:
        f.write(raw)
    torch.save(dict(state=model.state_dict(), mean=mean, std=std), os.path.join(cache, name + ".pt"))
    tested = [left_out] if left_out else voices.recorded()
    row = dict(bytes=len(raw), seed=seed, accuracy={s: accuracy(model, net, voices.voices[s]) for s in tested})
    print(name, json.dumps(row), flush=True)
    return row


def summary(report):
    rows = [(n, r) for n, r in report["models"].items() if n.startswith("without-")]
    print(f"{'left-out speaker':20} {'float':>7} {'INT8':>7}")
    for name, r in rows:
        (speaker, a), = r["accuracy"].items()
        print(f"{speaker:20} {a['float']:7.4f} {a['int8']:7.4f}")
    mean = lambda k: float(np.mean([a[k] for _, r in rows for a in r["accuracy"].values()]))
    if rows:
        report["mean"] = dict(float=round(mean("float"), 4), int8=round(mean("int8"), 4))
        print(f"{'mean':20} {mean('float'):7.4f} {mean('int8'):7.4f}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default="../shared/data")
    p.add_argument("--cache", default=os.path.join(HERE, ".cache"))
    p.add_argument("--out", default=HERE)
    p.add_argument("--only", default="")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    begun = time.time()
    voices = Voices(a.data, a.cache, a.seed)
    print(f"{len(voices.voices)} voices, {time.time() - begun:.0f} s", flush=True)
    names = a.only.split(",") if a.only else ["digits"] + [f"without-{s}" for s in voices.recorded()]
    path = os.path.join(a.out, "report.json")
    report = json.load(open(path)) if os.path.exists(path) else {"models": {}}
    for name in names:
        report["models"][name] = build(voices, name, a.cache, a.out, a.seed)
    layers = describe()
    report["layers"] = [dict(name=n, shape=list(s), parameters=k, macs=m) for n, s, k, m in layers]
    report["parameters"], report["macs"] = sum(r[2] for r in layers), sum(r[3] for r in layers)
    print(f"{report['parameters']} parameters, {report['macs']} MAC")
    summary(report)
    with open(path, "w") as f:
        json.dump(report, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
