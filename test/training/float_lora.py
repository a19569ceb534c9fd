#!/usr/bin/env python3
"""Accuracy of LoRA in float32, for comparison with the engine's integers.

The dequantised network without any rounding, the same windows and views; rate, steps and clip that
suit SGD with momentum (native/engine/train.c, momentum_rule). PyTorch autograd. Prints accuracy before and after for
every speaker and the mean.

    npx tsx test/training/dump-speakers.ts DATA 'models/digits/without-{subject}.tflite' OUT
    python3 test/training/float_lora.py OUT [SEED] [RANK]
"""
import glob, json, os, sys
import numpy as np
import torch
import torch.nn.functional as F
from make_reference import CONV, DEPTHWISE, POOL, Network

STEPS, BATCH, RATE, MOMENTUM, CLIP, SMOOTHING, DECAY = 200, 8, 0.1, 0.9, 1.0, 0.05, 0.002
SHIFT, TEMPO, NOISE, GAIN, ERODE = 4, 0.15, 0.1, 0.5, 0.5


def view(window, rng):
    """train_windows.c rt_windows_show, in float."""
    w = window.astype(np.float32)
    deviation = np.abs(w - w.mean(0)).mean(0) * 1.25
    level, rows = w[:, 0], len(w)
    quiet = level.argmin()
    first, last = 0, rows - 1
    if rng.random() < ERODE:
        loud = level.min() + (level.max() - level.min()) * rng.uniform(0.15, 0.6)
        above = np.flatnonzero(level > loud)
        if len(above):
            first, last = above[0], above[-1]
    middle = rows // 2
    source = np.round((np.arange(rows) - middle) * (1 + rng.uniform(-TEMPO, TEMPO))) + middle - rng.integers(-SHIFT, SHIFT + 1)
    source = np.clip(source, 0, rows - 1).astype(int)
    source[(source < first) | (source > last)] = quiet
    out = w[source]
    out[:, 0] = np.maximum(out[:, 0] + rng.uniform(-GAIN, GAIN) * deviation[0], level.min())
    return np.clip(out + rng.normal(size=out.shape) * deviation * NOISE, -128, 127)


class FloatNetwork(Network):
    def logits(self, inputs, lora, head):
        x = (torch.tensor(np.asarray(inputs), dtype=torch.float32)[:, None] - self.in_zero) * float(self.in_scale)
        site = 0
        for l in self.layers[:-1]:
            if l["code"] == POOL:
                x = x.mean((2, 3), keepdim=True)
                continue
            y = self.convolve(l, x)
            if lora and any(l is s for s in self.sites):
                a, b = lora[site]
                site += 1
                y = y + F.conv2d(F.conv2d(x, a[:, :, None, None]), b[:, :, None, None])
            x = F.relu(y) if l["relu"] else y
        x = x.permute(0, 2, 3, 1).flatten(1)
        w, b = self.head["w"], self.head["b"]
        return x @ (w + head[0]).T + b + head[1] if head else x @ w.T + b


def adapt(network, train, labels, rank, rng):
    lora = []
    for site in network.sites:
        out, _, _, inputs = site["w"].shape
        spread = 0.8 * inputs ** -0.5
        lora.append(((torch.tensor(rng.normal(size=(rank, inputs)), dtype=torch.float32) * spread).requires_grad_(True),
                     torch.zeros(out, rank, requires_grad=True)))
    head = (torch.zeros_like(network.head["w"]).requires_grad_(True), torch.zeros_like(network.head["b"]).requires_grad_(True))
    params = [p for pair in lora for p in pair] + list(head)
    optimiser = torch.optim.SGD(params, RATE, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    order = []
    for _ in range(STEPS):
        rows = []
        while len(rows) < BATCH:
            order = order or list(rng.permutation(len(train)))
            rows.append(order.pop())
        loss = F.cross_entropy(network.logits([view(train[i], rng) for i in rows], lora, head), labels[rows], label_smoothing=SMOOTHING)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, CLIP)
        optimiser.step()
        schedule.step()
    return lora, head


def main():
    folder, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rank = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    torch.set_num_threads(1)
    totals = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        spec = json.load(open(path))
        read = lambda part: np.fromfile(path[:-4] + part + ".i8", np.int8).reshape(-1, 49, 10)
        network, rng = FloatNetwork(spec["model"]), np.random.default_rng(seed)
        train, test = read("train"), read("test")
        y, expected = torch.tensor(spec["train"]), torch.tensor(spec["test"])

        def accuracy(lora, head):
            with torch.no_grad():
                return (network.logits(test, lora, head).argmax(1) == expected).float().mean().item()

        row = (accuracy(None, None), accuracy(*adapt(network, train, y, rank, rng)))
        totals.append(row)
        print(os.path.basename(path)[:-5], "%.3f -> %.3f" % row, flush=True)
    print("mean %.4f -> %.4f" % tuple(np.mean(totals, 0)))


if __name__ == "__main__":
    main()
