"""Post-training quantisation to TensorFlow Lite's int8 specification, and its integer simulation.

Weights: int8, symmetric, one scale per output channel (one per tensor for the dense layer).
Activations: int8, affine, one scale per tensor; behind a ReLU the zero point is -128.
Bias: int32 with scale input*weight. The simulation follows the reference kernels: 32-bit
accumulation, doubling high multiplication and rounding right shift, one after the other.
"""
import numpy as np
import torch
import torch.nn.functional as F

from dscnn import pad_same


def affine(low, high):
    """int8 scale and zero point of a range that includes zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max(high - low, 1e-6) / 255)
    return scale, int(np.clip(round(-128 - low / float(scale)), -128, 127))


def quantise_array(x, scale, zero):
    return np.clip(np.round(x / scale) + zero, -128, 127).astype(np.int8)


def best_range(values, relu):
    """Clipping range with the least squared error of quantisation."""
    v = values[np.random.default_rng(0).integers(len(values), size=min(len(values), 200_000))]
    low, high = (0.0, float(values.max())) if relu else (float(values.min()), float(values.max()))
    error = {}
    for k in np.linspace(0.4, 1.0, 31):
        scale, zero = affine(low * k, high * k)
        q = np.clip(np.round(v / scale) + zero, -128, 127)
        error[k] = float((((q - zero) * scale - v) ** 2).mean())
    k = min(error, key=error.get)
    return low * k, high * k


def multiplier(real):
    """real = m * 2^(shift-31), m in [2^30, 2^31)."""
    fraction, shift = np.frexp(real)
    m = int(np.floor(fraction * 2 ** 31 + 0.5))
    return (m // 2, int(shift) + 1) if m == 2 ** 31 else (m, int(shift))


def requantise(acc, layer):
    """int64 [n, c, ...] accumulators -> int64 int8 values, TFLite reference rounding."""
    shape = [1, -1] + [1] * (acc.dim() - 2)
    m = torch.tensor([a for a, _ in layer["requant"]]).reshape(shape)
    shift = torch.tensor([b for _, b in layer["requant"]]).reshape(shape)
    product = acc * 2 ** torch.clamp(shift, min=0) * m
    nudge = torch.where(product >= 0, torch.tensor(1 << 30), torch.tensor(1 - (1 << 30)))
    high = torch.div(product + nudge, 1 << 31, rounding_mode="trunc")
    right = torch.clamp(-shift, min=0)
    mask = 2 ** right - 1
    remainder, threshold = high & mask, (mask >> 1) + (high < 0)
    return torch.clamp((high >> right) + (remainder > threshold) + layer["out_zero"],
                       layer.get("low", -128), 127)


class QuantisedNet:
    """A list of layers in the order of the operators; run() is the integer simulation."""

    def __init__(self, model, calibration, normalisation):
        """calibration: float32 [n, 49, 10], normalised features of training clips."""
        self.mean, self.std = normalisation
        model.eval()
        with torch.no_grad():
            self._build(model, torch.tensor(calibration)[:, None])

    def _build(self, model, x):
        self.in_scale, self.in_zero = affine(*best_range(x.numpy().ravel(), False))
        self.layers, scale, zero = [], self.in_scale, self.in_zero
        q = torch.tensor(quantise_array(x.numpy(), scale, zero)).long()
        for source in model.layers:
            weight, bias = source.folded()
            exact = F.conv2d(pad_same(x, source.kernel, source.stride), weight, bias, source.stride, groups=source.groups)
            x = F.relu(exact)
            layer = self._layer(weight, bias, scale, zero, best_range(x.numpy().ravel(), True))
            layer.update(kind="depthwise" if source.groups > 1 else "conv", kernel=source.kernel, stride=source.stride,
                         groups=source.groups, low=-128)
            # What rounding the weights and the earlier layers shifts on average goes into the bias.
            drift = (exact - self._accumulate(q, layer).double() * layer["acc_scale"].reshape(1, -1, 1, 1)).mean((0, 2, 3))
            layer["bias"] = layer["bias"] + torch.round(drift / layer["acc_scale"]).long()
            q = requantise(self._accumulate(q, layer), layer)
            self.layers.append(layer)
            scale, zero = layer["out_scale"], layer["out_zero"]
        q, exact = self._pool(q), model.head(x.mean((2, 3)))
        weight, bias = model.head.weight.detach()[:, :, None, None], model.head.bias.detach()
        head = self._layer(weight, bias, scale, zero, (float(exact.min()), float(exact.max())), per_channel=False)
        head.update(kind="dense", kernel=(1, 1), stride=1, groups=1)
        drift = (exact - self._accumulate(q, head)[:, :, 0, 0].double() * head["acc_scale"]).mean(0)
        head["bias"] = head["bias"] + torch.round(drift / head["acc_scale"]).long()
        self.layers.append(head)

    @staticmethod
    def _layer(weight, bias, in_scale, in_zero, out_range, per_channel=True):
        flat = weight.reshape(len(weight), -1).double()
        peak = flat.abs().max(1).values if per_channel else flat.abs().max().reshape(1)
        w_scale = np.maximum((peak / 127).numpy(), 1e-8).astype(np.float32)
        each = np.broadcast_to(w_scale, len(weight)).astype(np.float64)
        acc_scale = torch.tensor(float(in_scale) * each)
        w = torch.clamp(torch.round(weight.double() / torch.tensor(each).reshape(-1, 1, 1, 1)), -127, 127).long()
        out_scale, out_zero = affine(*out_range)
        return dict(weight=w, bias=torch.round(bias.double() / acc_scale).long(), w_scale=w_scale, acc_scale=acc_scale,
                    in_scale=in_scale, in_zero=in_zero, out_scale=out_scale, out_zero=out_zero,
                    requant=[multiplier(a / float(out_scale)) for a in acc_scale.tolist()])

    @staticmethod
    def _accumulate(q, layer):
        """Exact in float32: no sum of these layers reaches 2^24."""
        x = pad_same((q - layer["in_zero"]).float(), layer["kernel"], layer["stride"])
        return F.conv2d(x, layer["weight"].float(), None, layer["stride"], groups=layer["groups"]).round().long() \
            + layer["bias"].reshape(1, -1, 1, 1)

    @staticmethod
    def _pool(q):
        n = q.shape[2] * q.shape[3]
        total = q.sum((2, 3), keepdim=True)
        return torch.div(total + torch.where(total > 0, n // 2, -(n // 2)), n, rounding_mode="trunc")

    def quantise_input(self, features):
        """Unnormalised MFCC float32 [n, 49, 10] -> int8."""
        return quantise_array((features - self.mean) / self.std, self.in_scale, self.in_zero)

    def run(self, x, blocks=None):
        """int8 [n, 49, 10] -> int8 logits [n, 10]; the block outputs are added to the list, if given."""
        q = torch.tensor(x).long()[:, None]
        for layer in self.layers[:-1]:
            q = requantise(self._accumulate(q, layer), layer)
            if blocks is not None and layer["kind"] == "conv":
                blocks.append(q)
        head = self.layers[-1]
        return requantise(self._accumulate(self._pool(q), head), head)[:, :, 0, 0].numpy().astype(np.int8)

    def probabilities(self, logits):
        """int8 logits -> int8 softmax (float arithmetic: within one of the reference kernel)."""
        head = self.layers[-1]
        z = (logits.astype(np.float64) - head["out_zero"]) * float(head["out_scale"])
        p = np.exp(z - z.max(1, keepdims=True))
        return np.clip(np.round(p / p.sum(1, keepdims=True) * 256) - 128, -128, 127).astype(np.int8)
