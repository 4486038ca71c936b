"""DenseNet-BC for small pictures (Huang et al. 2017, section 4), with names like torchvision's."""

import collections

import torch
import torch.nn.functional as F


class Layer(torch.nn.Module):
    def __init__(self, cin, growth):
        super().__init__()
        self.norm1 = torch.nn.BatchNorm2d(cin)
        self.conv1 = torch.nn.Conv2d(cin, 4 * growth, 1, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(4 * growth)
        self.conv2 = torch.nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, x):
        y = self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))
        return torch.cat([x, y], 1)


class Transition(torch.nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(cin)
        self.conv = torch.nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNetBC(torch.nn.Module):
    def __init__(self, depth, growth, num_classes):
        super().__init__()
        c = 2 * growth
        parts = [("conv0", torch.nn.Conv2d(3, c, 3, 1, 1, bias=False)), ("norm0", torch.nn.BatchNorm2d(c)),
                 ("relu0", torch.nn.ReLU())]
        for b in (1, 2, 3):
            layers = []
            for i in range((depth - 4) // 6):
                layers.append((f"denselayer{i + 1}", Layer(c, growth)))
                c += growth
            parts.append((f"denseblock{b}", torch.nn.Sequential(collections.OrderedDict(layers))))
            if b < 3:
                parts.append((f"transition{b}", Transition(c, c // 2)))
                c //= 2
        parts.append(("norm5", torch.nn.BatchNorm2d(c)))
        self.features = torch.nn.Sequential(collections.OrderedDict(parts))
        self.classifier = torch.nn.Linear(c, num_classes)

    def forward(self, x):
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))
