"""The networks of the make_*net_goldens.py, and their weights by a formula that tests/models/formula.h repeats."""

import math
import re

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

import densenet_nets

# Networks without a name of their own.
DESCRIPTIONS = {"resnext14": "resnet:block=bottleneck,blocks=1-1-1-1,groups=32,group_width=4"}


def fnv1a(text):
    key = 0xCBF29CE484222325
    for byte in text.encode():
        key = ((key ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return key


def bits(key, count):
    """splitmix64 (Steele et al. 2014) of key + i for i < count."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(count, dtype=np.uint64)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, count):
    """In [-1, 1), 24 bits."""
    return (bits(fnv1a(name), count) >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def value(name, shape):
    """Weights as f32. A bottleneck's last BatchNorm is small: fifty layers then stay far from chaos."""
    count = int(np.prod(shape))
    u = uniform(name, count)
    last = name.split(".")[-1]
    if len(shape) == 4:
        v = u * math.sqrt(6.0 / (shape[1] * shape[2] * shape[3]))
    elif len(shape) == 2:
        v = u * (1.0 / math.sqrt(shape[1]))
    elif last == "running_mean" or last == "bias":
        v = u * 0.1
    elif last == "running_var":
        v = 1.0 + u * 0.25
    elif name.endswith("bn3.weight"):
        v = 0.125 + u * 0.03125
    else:
        v = 0.5 + u * 0.125
    return torch.from_numpy(v.astype(np.float32).reshape(shape))


def fill(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.dtype == torch.float32:
            tensor.copy_(value(name, tuple(tensor.shape)))


def projections(gradient):
    """Sums of the flat gradient with the signs of 8 bits of each element's hash."""
    g = gradient.reshape(-1).astype(np.float64)
    b = bits(fnv1a("projection"), g.size)
    return [float(np.sum(np.where((b >> np.uint64(56 + k)) & np.uint64(1), g, -g))) for k in range(8)]


def elements(name, gradient):
    g = gradient.reshape(-1)
    return [float(g[int(i % np.uint64(g.size))]) for i in bits(fnv1a(name + "/elements"), 16)]


class Shortcut(torch.nn.Module):
    def forward(self, x):
        c = x.shape[1]
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, c // 2, c // 2))


def projection(cin, cout, stride):
    return torch.nn.Sequential(torch.nn.Conv2d(cin, cout, 1, stride, bias=False), torch.nn.BatchNorm2d(cout))


class Block(torch.nn.Module):
    """Option A, or B with torchvision's name for its shortcut."""

    def __init__(self, cin, cout, stride, option_b):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(cout)
        self.conv2 = torch.nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(cout)
        self.downsample = torch.nn.Identity()
        if stride != 1 or cin != cout:
            self.downsample = projection(cin, cout, stride) if option_b else Shortcut()

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class CifarResNet(torch.nn.Module):
    """He et al. 2016, section 4.2: option A with Y. Idelbayev's names, or B with those of Y. Chen (chenyaofo)."""

    def __init__(self, depth, num_classes, option_b):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        cin = 16
        for i, width in enumerate((16, 32, 64)):
            blocks = []
            for b in range((depth - 2) // 6):
                blocks.append(Block(cin, width, 2 if b == 0 and i > 0 else 1, option_b))
                cin = width
            setattr(self, f"layer{i + 1}", torch.nn.Sequential(*blocks))
        self.head = "fc" if option_b else "linear"
        setattr(self, self.head, torch.nn.Linear(64, num_classes))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return getattr(self, self.head)(x.mean((2, 3)))


def make(model, num_classes):
    if model in ("resnet20", "resnet32", "resnet110", "resnet20b"):
        return CifarResNet(int(model[6:].rstrip("b")), num_classes, model.endswith("b"))
    if model.startswith("densenet_bc_"):
        return densenet_nets.DenseNetBC(*map(int, model[12:].split("_")), num_classes)
    if model == "resnext14":
        return torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], num_classes, groups=32,
                                         width_per_group=4)
    if re.fullmatch(r"resnet\d+d", model):
        import timm
        return timm.create_model(model, num_classes=num_classes)
    return getattr(torchvision.models, model)(num_classes=num_classes)
