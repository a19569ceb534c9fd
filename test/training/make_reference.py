#!/usr/bin/env python3
"""Float reference of training: automatic differentiation and SGD by PyTorch.

Reads a .tflite, dequantises it, and computes for head, skip and LoRA adapters
 - the gradients of every parameter, and of every activation that the backward pass meets,
   for one window and an adapter in use;
 - the loss of every step of a burst: same windows in the same order, same rate, momentum,
   decay and clip, from the adapter that the engine starts from, all in float.

Activations are rounded to int8 as in the engine ("fake quantisation"); gradients go straight
through the rounding and stop where the int8 value lies at the layer's clamp. Weights, adapters,
gradients, momentum and losses are float32. What test/training/make-inputs.ts wrote is the input.

    npx tsx test/training/make-inputs.ts && python3 test/training/make_reference.py [DATA_FOLDER]

Needs numpy and torch (Debian: python3-torch). The tests read the results only.
"""
import json, os, struct, sys
import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden", "training")
DATA = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("RETUNE_DATA", os.path.join(HERE, "../../../shared/data"))
CONV, DEPTHWISE, DENSE, POOL, RESHAPE, SOFTMAX = 3, 4, 9, 1, 22, 25
GRADIENT_WINDOW = 3
BURST = {"head": dict(steps=80, batch=4, rate=0.05, decay=0.01), "skip": dict(steps=80, batch=4, rate=0.05, decay=0.01),
         "lora": dict(steps=60, batch=2, rate=0.02, decay=0.0)}
MOMENTUM, CLIP, SEED = 29491 / 32768, 1.0, 5


class Tflite:
    """The parts of the flatbuffer that are needed."""

    def __init__(self, path):
        self.b = open(path, "rb").read()
        graph = self.tables(self.table(0), 2)[0]
        root = self.table(0)
        self.buffers, self.tensors = self.tables(root, 4), self.tables(graph, 0)
        self.codes = [max(self.value(c, 0, "b"), self.value(c, 3, "i")) for c in self.tables(root, 1)]
        self.input = self.numbers(graph, 1, "i")[0]
        self.operators = [self.operator(op) for op in self.tables(graph, 3)]

    def operator(self, op):
        code = self.codes[self.value(op, 0, "I")]
        at = self.field(op, 4)
        options = self.table(at) if at else None
        o = dict(code=code, inputs=self.numbers(op, 1, "i"), output=self.numbers(op, 2, "i")[0])
        if code in (CONV, DEPTHWISE, POOL):
            act = {CONV: 3, DEPTHWISE: 4, POOL: 5}[code]
            o.update(valid=self.value(options, 0, "b") == 1, sw=self.value(options, 1, "i"), sh=self.value(options, 2, "i"),
                     relu=self.value(options, act, "b"))
        if code == DENSE:
            o.update(relu=self.value(options, 0, "b") if options else 0)
        return o

    u32 = lambda s, o: struct.unpack_from("<I", s.b, o)[0]
    table = lambda s, o: o + s.u32(o)

    def field(self, table, i):
        vtable = table - struct.unpack_from("<i", self.b, table)[0]
        size = struct.unpack_from("<H", self.b, vtable)[0]
        offset = struct.unpack_from("<H", self.b, vtable + 4 + 2 * i)[0] if 4 + 2 * i < size else 0
        return table + offset if offset else 0

    def value(self, table, i, kind):
        at = self.field(table, i)
        return struct.unpack_from("<" + kind, self.b, at)[0] if at else 0

    def vector(self, table, i):
        at = self.field(table, i)
        if not at:
            return 0, 0
        v = at + self.u32(at)
        return v + 4, self.u32(v)

    def tables(self, table, i):
        base, n = self.vector(table, i)
        return [self.table(base + 4 * k) for k in range(n)]

    def numbers(self, table, i, kind):
        base, n = self.vector(table, i)
        return list(struct.unpack_from(f"<{n}{kind}", self.b, base)) if n else []

    def quantisation(self, k):
        q = self.table(self.field(self.tensors[k], 4))
        return np.array(self.numbers(q, 2, "f")), self.numbers(q, 3, "q")

    def constant(self, k):
        t = self.tensors[k]
        shape, kind = self.numbers(t, 0, "i"), self.value(t, 1, "b")
        base, n = self.vector(self.buffers[self.value(t, 2, "I")], 0)
        a = np.frombuffer(self.b[base:base + n], {9: np.int8, 2: np.int32}[kind]).reshape(shape).astype(np.float64)
        scales = self.quantisation(k)[0]
        if len(scales) > 1:
            axis = 0 if shape[0] == len(scales) else len(shape) - 1
            scales = scales.reshape([-1 if i == axis else 1 for i in range(len(shape))])
        return torch.tensor((a * scales).astype(np.float32))


def requantise(acc, factor):
    """TensorFlow Lite's MultiplyByQuantizedMultiplier on int64 [n, c, h, w], factor [c] real: a doubling
    high multiplication and a rounding shift, each rounding halves away from zero."""
    fraction, exponent = np.frexp(factor)
    shape = (1, -1, 1, 1)
    m = np.round(fraction * 2 ** 31).astype(np.int64).reshape(shape)
    e = exponent.reshape(shape).astype(np.int64)
    acc = acc * (1 << np.maximum(e, 0))
    product = acc * m
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    right = np.maximum(-e, 0)
    mask = (1 << right) - 1
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))


class Quantise(torch.autograd.Function):
    """Puts the engine's int8 values, as reals, in the place of what float arithmetic gave; gradients go
    straight through and stop at the clamp's bounds."""

    @staticmethod
    def forward(ctx, x, q, scale, zero, low, high):
        q = torch.tensor(np.clip(q, low, high).astype(np.float32))
        ctx.save_for_backward((q > low) & ((q < high) | (high == 127)))
        return (q - zero) * scale

    @staticmethod
    def backward(ctx, g):
        (passes,) = ctx.saved_tensors
        return g * passes, None, None, None, None, None


class Network:
    """The dequantised network with a place for adapters."""

    def __init__(self, path):
        m = self.m = Tflite(path)
        self.in_scale, self.in_zero = [v[0] for v in m.quantisation(m.input)]
        self.layers = []
        for op in m.operators:
            if op["code"] in (RESHAPE, SOFTMAX):
                continue
            scale, zero = [v[0] for v in m.quantisation(op["output"])]
            low, high = -128, 127
            if op.get("relu"):
                low = max(low, zero)
                if op["relu"] == 3:
                    high = min(high, zero + round(6 / scale))
            if op["code"] == POOL:
                low = -129  # a mean is never clamped
            layer = dict(op, scale=float(scale), zero=zero, low=low, high=high)
            if op["code"] != POOL:
                layer.update(w=m.constant(op["inputs"][1]), b=m.constant(op["inputs"][2]))
                before = m.quantisation(op["inputs"][0])[0][0].astype(np.float64)
                weight = m.quantisation(op["inputs"][1])[0].astype(np.float64)
                layer.update(unit=before * weight, factor=np.broadcast_to(before * weight / scale.astype(np.float64), len(layer["b"])))
            self.layers.append(layer)
        self.head, self.head_input = self.layers[-1], self.layers[-2]
        self.sites = [l for l in self.layers[:-1] if l["code"] == CONV and l["w"].shape[1:3] == (1, 1)]
        self.taps = [l for l in self.layers[:-1] if l["code"] == CONV][:-1]

    def same(self, x, l, kh, kw):
        if l["valid"]:
            return x
        h, w = x.shape[2:]
        ph = max((-(-h // l["sh"]) - 1) * l["sh"] + kh - h, 0)
        pw = max((-(-w // l["sw"]) - 1) * l["sw"] + kw - w, 0)
        return F.pad(x, (pw // 2, pw - pw // 2, ph // 2, ph - ph // 2))

    def int8(self, l, x, y, extra):
        """The engine's values of a layer's output: from its int8 input, exactly."""
        with torch.no_grad():
            if l["code"] == POOL:
                n = x.shape[2] * x.shape[3]
                total = np.round(x.double().sum((2, 3), keepdim=True).numpy() / l["scale"]).astype(np.int64) + n * l["zero"]
                return np.where(total >= 0, (total + n // 2) // n, -((-total + n // 2) // n))
            unit = l["unit"].reshape(1, -1, 1, 1)
            # every product of int8 steps is exact in double precision
            own = y.numpy() if extra is None else (y - extra).numpy()
            acc = np.round(own / unit).astype(np.int64)
            if extra is not None:
                acc = acc + np.floor(extra.numpy() / unit + 0.5).astype(np.int64)
            return requantise(acc, l["factor"]) + l["zero"]

    def convolve(self, l, x):
        depthwise = l["code"] == DEPTHWISE
        w = l["w"].permute(3, 0, 1, 2) if depthwise else l["w"].permute(0, 3, 1, 2)
        return F.conv2d(self.same(x, l, *w.shape[2:]), w.to(x.dtype), l["b"].to(x.dtype), stride=(l["sh"], l["sw"]),
                        groups=w.shape[0] if depthwise else 1)

    def run(self, inputs, lora=None, keep=None):
        """int8 [n, 49, 10] -> head input [n, c] real and taps [n, t] int8; keep gets the activations."""
        x = (torch.tensor(inputs, dtype=torch.float32)[:, None] - self.in_zero) * float(self.in_scale)
        taps, site = [], 0
        for i, l in enumerate(self.layers[:-1]):
            if keep is not None and x.requires_grad and l["code"] != POOL:
                x.retain_grad()
                keep.append((i, x, self.layers[i - 1]["scale"]))
            extra = None
            if l["code"] == POOL:
                y = exact = x.mean((2, 3), keepdim=True)
            else:
                y, exact = self.convolve(l, x), self.convolve(l, x.detach().double())
                if lora and any(l is s for s in self.sites):
                    a, b = lora[site]
                    site += 1
                    extra = F.conv2d(F.conv2d(x, a[:, :, None, None]), b[:, :, None, None])
                    y, extra = y + extra, extra.detach().double()
                    exact = exact + extra
            q = self.int8(l, x, exact.detach(), extra)
            x = Quantise.apply(y, q, l["scale"], l["zero"], l["low"], l["high"])
            if any(l is t for t in self.taps):
                n = x.shape[2] * x.shape[3]
                total = np.round(x.detach().double().sum((2, 3)).numpy() / l["scale"]).astype(np.int64) + n * (l["zero"] + 128)
                taps.append(torch.tensor((total * ((1 << 24) // n) + (1 << 23) >> 24) - 128, dtype=torch.float32))
        # TensorFlow flattens channels last
        return x.permute(0, 2, 3, 1).flatten(1), torch.cat(taps, 1) if taps else None


class Adapter:
    """Parameters from a saved payload, in float, and the logits."""

    def __init__(self, network, method, spec, payload):
        raw = np.frombuffer(bytes.fromhex(payload), np.int8)
        groups = spec["groups"]
        self.network, self.method, self.groups, self.params = network, method, groups, []
        for g, group in enumerate(groups):
            n = group["rows"] * group["columns"]
            q = raw[len(groups) + group["first"]:][:n].astype(np.float32) * 2.0 ** -float(raw[g])
            self.params.append(torch.tensor(q.reshape(group["rows"], group["columns"])).requires_grad_(True))
        rest = raw[len(groups) + sum(g["rows"] * g["columns"] for g in groups):]
        self.mean = torch.tensor(rest[:len(rest) // 2].astype(np.float32))
        self.factor = torch.tensor(rest[len(rest) // 2:].view(np.uint8).astype(np.float32))

    def lora(self):
        p = self.params
        return list(zip(p[2::2], p[3::2])) if self.method == "lora" else None

    def steps(self, x, taps):
        """The int8 values that are normalised."""
        head = self.network.head_input
        return taps if self.method == "skip" else torch.round(x / head["scale"]) + head["zero"]

    def calibrate(self, x, taps):
        """adapter_normal.c: mean and deviation over the windows of the first burst."""
        t = self.steps(x, taps).numpy().astype(np.int64)
        n = len(t)
        mean = ((t + 128).sum(0) + n // 2) // n - 128
        squares = ((t - mean) ** 2).sum(0)
        deviation = np.maximum(128, np.floor(np.sqrt(squares / n) * 256)).astype(np.int64)
        self.mean = torch.tensor(mean.astype(np.float32))
        self.factor = torch.tensor(np.clip((32768 + deviation // 2) // deviation, 1, 255).astype(np.float32))

    def logits(self, x, taps):
        head, p = self.network.head, self.params
        if self.method == "lora":
            return x @ (head["w"] + p[0]).T + head["b"] + p[1][0]
        n = torch.clamp(torch.floor((self.steps(x, taps) - self.mean) * self.factor / 8), -127, 127) / 16
        if self.method == "head":
            return x @ head["w"].T + head["b"] + n @ p[0].T + p[1][0]
        return x @ (head["w"] + p[0]).T + head["b"] + p[1][0] + (n @ p[2].T) @ p[3].T


def gradients(network, method, spec, inputs, labels):
    """Reals: [(name, array)], of the loss of one window."""
    adapter = Adapter(network, method, spec, spec["busy"])
    keep = []
    i = GRADIENT_WINDOW
    x, taps = network.run(inputs[i:i + 1], adapter.lora(), keep)
    z = adapter.logits(x, taps)
    loss = F.cross_entropy(z, torch.tensor(labels[i:i + 1]))
    loss.backward()
    result = [("loss", np.array([loss.item()], np.float32)), ("logits", z.detach().numpy()[0])]
    result += [("parameters", np.concatenate([p.grad.numpy().ravel() for p in adapter.params]))]
    for index, activation, scale in keep:
        g = activation.grad.numpy()[0].transpose(1, 2, 0).ravel() * scale  # per int8 step, NHWC
        # gradients of activations as the engine holds them: masked by the clamp of their own layer
        layer = network.layers[index - 1]
        q = np.round(activation.detach().numpy()[0].transpose(1, 2, 0).ravel() / layer["scale"]) + layer["zero"]
        result.append((f"input {index}", g * ((q > layer["low"]) & ((q < layer["high"]) | (layer["high"] == 127)))))
    return result


# ---- the burst: the engine's generators (native/engine/fixed.c) ----

def seeded(seed):
    x = (seed + 0x9e3779b9) & 0xffffffff
    x = ((x ^ (x >> 16)) * 0x85ebca6b) & 0xffffffff
    x = ((x ^ (x >> 13)) * 0xc2b2ae35) & 0xffffffff
    return (x ^ (x >> 16)) or 1


class Order:
    """train.c draw_sample: a new Fisher-Yates order whenever all windows have been drawn."""

    def __init__(self, seed, count):
        self.x, self.count, self.order = seeded(seed), count, []

    def below(self, bound):
        x = self.x
        x ^= (x << 13) & 0xffffffff
        x ^= x >> 17
        x ^= (x << 5) & 0xffffffff
        self.x = x
        return ((x >> 16) * bound) >> 16

    def next(self):
        if not self.order:
            order = list(range(self.count))
            for i in range(self.count - 1, 0, -1):
                j = self.below(i + 1)
                order[i], order[j] = order[j], order[i]
            self.order = order
        return self.order.pop(0)


def burst(network, method, spec, inputs, labels):
    rule = BURST[method]
    adapter = Adapter(network, method, spec, spec["start"])
    with torch.no_grad():
        frozen = network.run(inputs)
    if method != "lora":
        adapter.calibrate(*frozen)
    order = Order(SEED, len(labels))
    velocity = [torch.zeros_like(p) for p in adapter.params]
    y, losses = torch.tensor(labels), []
    for step in range(rule["steps"]):
        rows = [order.next() for _ in range(rule["batch"])]
        if method == "lora":
            x, taps = network.run(inputs[rows], adapter.lora())
        else:
            x, taps = frozen[0][rows], None if frozen[1] is None else frozen[1][rows]
        loss = F.cross_entropy(adapter.logits(x, taps), y[rows])
        losses.append(loss.item())
        for p in adapter.params:
            p.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapter.params, CLIP)
        rate = rule["rate"] * (1 + np.cos(np.pi * step / rule["steps"])) / 2
        with torch.no_grad():
            for p, v in zip(adapter.params, velocity):
                v.mul_(MOMENTUM).add_(p.grad + rule["decay"] * p)
                p.sub_(rate * v)
    return losses


def main():
    torch.set_num_threads(1)
    for name, path in (("digits", os.path.join(GOLDEN, "digits.tflite")), ("kws", os.path.join(DATA, "models/kws_ref_model.tflite"))):
        network = Network(path)
        case = json.load(open(os.path.join(GOLDEN, f"{name}.inputs.json")))
        inputs = np.fromfile(os.path.join(GOLDEN, f"{name}.inputs.i8"), np.int8).reshape(-1, 49, 10)
        result, arrays = {}, []
        at = 0
        for method, spec in case["adapters"].items():
            entry = {"arrays": [], "burst": dict(BURST[method], momentum=MOMENTUM, clip=CLIP, seed=SEED)}
            for key, values in gradients(network, method, spec, inputs, case["labels"]):
                # int16 with one scale an array: 90 dB, far below the tolerances
                scale = max(float(np.abs(values).max()), 1e-30) / 32767
                arrays.append(np.round(values / scale).astype("<i2"))
                entry["arrays"].append({"name": key, "at": at, "count": len(values), "scale": scale})
                at += len(values)
            entry["losses"] = [round(v, 6) for v in burst(network, method, spec, inputs, case["labels"])]
            result[method] = entry
            print(name, method, "loss", entry["losses"][0], "->", entry["losses"][-1])
        np.concatenate(arrays).tofile(os.path.join(GOLDEN, f"{name}.reference.i16"))
        with open(os.path.join(GOLDEN, f"{name}.reference.json"), "w") as f:
            json.dump({"window": GRADIENT_WINDOW, "methods": result}, f)
            f.write("\n")


if __name__ == "__main__":
    main()
