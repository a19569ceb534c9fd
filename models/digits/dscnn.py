"""The network: a convolution, four depthwise separable blocks, average pool, dense layer.

Padding is TensorFlow's SAME (the odd row or column of zeros goes to the bottom or right),
so that what is trained here is what a .tflite means.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

FIRST = dict(channels=64, kernel=(10, 4), stride=2)
BLOCKS = ((64, 1), (64, 1), (96, 2), (96, 1))  # output channels of the pointwise layer, depthwise stride
CLASSES = 10


def same_padding(size, kernel, stride):
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(x, kernel, stride):
    top, bottom = same_padding(x.shape[2], kernel[0], stride)
    left, right = same_padding(x.shape[3], kernel[1], stride)
    return F.pad(x, (left, right, top, bottom))


class ConvNorm(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride=1, groups=1):
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x):
        if self.stride == 1 and self.kernel[0] % 2 == 1:  # symmetric, so that the convolution can pad by itself
            y = F.conv2d(x, self.conv.weight, None, 1, (self.kernel[0] // 2, self.kernel[1] // 2), groups=self.groups)
        else:
            y = self.conv(pad_same(x, self.kernel, self.stride))
        return F.relu(self.norm(y))

    def folded(self):
        """Weight [out, in/groups, h, w] and bias [out] with the batch normalisation folded in."""
        k = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return (self.conv.weight * k[:, None, None, None]).detach(), (self.norm.bias - self.norm.running_mean * k).detach()


class DSCNN(nn.Module):
    """extra > 0 adds, for training only, an output that reads the pooled activations of every block
    (what a skip adapter reads on the device) and tells the digits and so many other words apart."""

    def __init__(self, dropout=0.1, extra=0):
        super().__init__()
        layers, c, width = [ConvNorm(1, FIRST["channels"], FIRST["kernel"], FIRST["stride"])], FIRST["channels"], FIRST["channels"]
        for out, stride in BLOCKS:
            layers += [ConvNorm(c, c, (3, 3), stride, c), ConvNorm(c, out, (1, 1))]
            c, width = out, width + out
        self.layers, self.dropout, self.head = nn.ModuleList(layers), nn.Dropout(dropout), nn.Linear(c, CLASSES)
        self.aux = nn.Sequential(nn.BatchNorm1d(width), nn.Dropout(0.2), nn.Linear(width, CLASSES + extra)) if extra else None

    def pooled(self, x):
        """Means over time and frequency of the outputs of the first convolution and of every block."""
        means = []
        for layer in self.layers:
            x = layer(x)
            if layer.groups == 1:
                means.append(x.mean((2, 3)))
        return means

    def forward(self, x):
        return self.head(self.dropout(self.pooled(x)[-1]))

    def both(self, x):
        """Logits of the network and of the training-only output."""
        means = self.pooled(x)
        return self.head(self.dropout(means[-1])), self.aux(torch.cat(means, 1))


def describe(height=49, width=10):
    """(name, output shape, parameters, multiply-accumulates) of every layer."""
    rows, h, w, c = [], -(-height // 2), -(-width // 2), FIRST["channels"]
    kernel = FIRST["kernel"][0] * FIRST["kernel"][1]
    rows.append(("conv 10x4 /2", (h, w, c), c * (kernel + 1), h * w * c * kernel))
    for i, (out, stride) in enumerate(BLOCKS):
        h, w = -(-h // stride), -(-w // stride)
        rows.append((f"depthwise 3x3 /{stride}", (h, w, c), c * 10, h * w * c * 9))
        rows.append(("pointwise", (h, w, out), out * (c + 1), h * w * out * c))
        c = out
    rows.append(("average pool", (1, 1, c), 0, 0))
    rows.append(("dense, softmax", (CLASSES,), CLASSES * (c + 1), CLASSES * c))
    return rows
