"""Writes a quantised network as a standard .tflite (schema version 3, identifier TFL3).

Field numbers are those of TensorFlow Lite's schema.fbs; the operator versions are the
first ones with int8 kernels. A metadata buffer "retune" says how features are made.
"""
import json
import struct

import numpy as np

from features import COEFFS, FRAMES
from flatbuffer import Builder

INT32, INT8 = 2, 9
AVERAGE_POOL, CONV, DEPTHWISE, DENSE, RESHAPE, SOFTMAX = 1, 3, 4, 9, 22, 25
VERSIONS = {AVERAGE_POOL: 2, CONV: 3, DEPTHWISE: 3, DENSE: 4, RESHAPE: 1, SOFTMAX: 2}
OPTIONS = {CONV: 1, DEPTHWISE: 2, AVERAGE_POOL: 5, DENSE: 8, SOFTMAX: 9, RESHAPE: 17}  # union BuiltinOptions
SAME, VALID, RELU = 0, 1, 1


class Writer:
    def __init__(self):
        self.b = Builder()
        self.buffers, self.tensors, self.operators, self.codes = [b""], [], [], []

    def tensor(self, name, shape, kind, scale=None, zero=0, axis=0, data=None):
        if data is not None:
            self.buffers.append(np.ascontiguousarray(data).tobytes())
        b = self.b
        fields = {0: ("o", b.numbers(shape, "i")), 1: ("b", kind), 3: ("o", b.string(name)),
                  2: ("I", len(self.buffers) - 1 if data is not None else 0)}
        if scale is not None:
            scale = np.atleast_1d(np.asarray(scale, np.float32))
            fields[4] = ("o", b.table({2: ("o", b.numbers(scale.tolist(), "f")),
                                       3: ("o", b.numbers([zero] * len(scale), "q")), 6: ("i", axis)}))
        self.tensors.append(b.table(fields))
        return len(self.tensors) - 1

    def operator(self, code, inputs, output, options):
        if code not in self.codes:
            self.codes.append(code)
        b = self.b
        self.operators.append(b.table({
            0: ("I", self.codes.index(code)), 1: ("o", b.numbers(inputs, "i")), 2: ("o", b.numbers([output], "i")),
            3: ("B", OPTIONS[code]), 4: ("o", b.table(options))}))

    def finish(self, inputs, outputs, description, metadata):
        b = self.b
        graph = b.table({0: ("o", b.offsets(self.tensors)), 1: ("o", b.numbers(inputs, "i")),
                         2: ("o", b.numbers(outputs, "i")), 3: ("o", b.offsets(self.operators)), 4: ("o", b.string("main"))})
        codes = [b.table({0: ("b", c), 2: ("i", VERSIONS[c]), 3: ("i", c)}) for c in self.codes]
        entries = []
        for name, content in metadata.items():
            self.buffers.append(content)
            entries.append(b.table({0: ("o", b.string(name)), 1: ("I", len(self.buffers) - 1)}))
        buffers = [b.table({0: ("o", b.bytes(raw))} if raw else {}) for raw in self.buffers]
        root = b.table({0: ("I", 3), 1: ("o", b.offsets(codes)), 2: ("o", b.offsets([graph])),
                        3: ("o", b.string(description)), 4: ("o", b.offsets(buffers)), 6: ("o", b.offsets(entries))})
        return b.finish(root, b"TFL3")


def convolution(w, layer, name, x, height, width):
    """Adds one conv or depthwise operator -> (tensor index, height, width)."""
    stride, weight = layer["stride"], layer["weight"].numpy().astype(np.int8)
    depthwise = layer["kind"] == "depthwise"
    weight = weight.transpose(1, 2, 3, 0) if depthwise else weight.transpose(0, 2, 3, 1)
    channels = layer["weight"].shape[0]
    kernel = w.tensor(name + "/weight", weight.shape, INT8, layer["w_scale"], 0, 3 if depthwise else 0, weight)
    bias = w.tensor(name + "/bias", [channels], INT32, layer["acc_scale"].numpy(), 0, 0, layer["bias"].numpy().astype(np.int32))
    height, width = -(-height // stride), -(-width // stride)
    out = w.tensor(name, [1, height, width, channels], INT8, layer["out_scale"], layer["out_zero"])
    options = {0: ("b", SAME), 1: ("i", stride), 2: ("i", stride)}
    if depthwise:
        options.update({3: ("i", 1), 4: ("b", RELU), 5: ("i", 1), 6: ("i", 1)})
    else:
        options.update({3: ("b", RELU), 4: ("i", 1), 5: ("i", 1)})
    w.operator(DEPTHWISE if depthwise else CONV, [x, kernel, bias], out, options)
    return out, height, width


def write(net, labels, description):
    """QuantisedNet -> bytes of a .tflite."""
    w = Writer()
    x = first = w.tensor("features", [1, FRAMES, COEFFS, 1], INT8, net.in_scale, net.in_zero)
    height, width, last = FRAMES, COEFFS, net.layers[-2]
    for i, layer in enumerate(net.layers[:-1]):
        name = "conv" if i == 0 else f"block{(i + 1) // 2}/{'depthwise' if i % 2 else 'pointwise'}"
        x, height, width = convolution(w, layer, name, x, height, width)
    channels = last["weight"].shape[0]
    pooled = w.tensor("pool", [1, 1, 1, channels], INT8, last["out_scale"], last["out_zero"])
    w.operator(AVERAGE_POOL, [x], pooled, {0: ("b", VALID), 1: ("i", 1), 2: ("i", 1), 3: ("i", width), 4: ("i", height), 5: ("b", 0)})
    shape = w.tensor("flat/shape", [2], INT32, data=np.array([-1, channels], np.int32))
    flat = w.tensor("flat", [1, channels], INT8, last["out_scale"], last["out_zero"])
    w.operator(RESHAPE, [pooled, shape], flat, {0: ("o", w.b.numbers([-1, channels], "i"))})
    head = net.layers[-1]
    classes = len(labels)
    weight = head["weight"].numpy().astype(np.int8).reshape(classes, channels)
    kernel = w.tensor("dense/weight", weight.shape, INT8, head["w_scale"], data=weight)
    bias = w.tensor("dense/bias", [classes], INT32, head["acc_scale"].numpy()[:1], data=head["bias"].numpy().astype(np.int32))
    logits = w.tensor("dense", [1, classes], INT8, head["out_scale"], head["out_zero"])
    w.operator(DENSE, [flat, kernel, bias], logits, {0: ("b", 0), 1: ("b", 0)})
    out = w.tensor("probabilities", [1, classes], INT8, 1 / 256, -128)
    w.operator(SOFTMAX, [logits], out, {0: ("f", 1.0)})
    features = {"profile": "digits", "mean": [round(float(v), 6) for v in net.mean], "std": [round(float(v), 6) for v in net.std]}
    about = json.dumps({"features": features, "labels": labels}).encode()
    # Newer converters note which runtime knows all operators; readers that do not care skip it.
    return w.finish([first], [out], description, {"min_runtime_version": struct.pack("16s", b"1.14.0"), "retune": about})
