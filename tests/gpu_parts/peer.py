#!/usr/bin/env python3
"""PyTorch's side of `tests/gpu speed` and `docs/performance/measure`: ResNet-18/50 and DenseNet-121, eager and through
torch.compile, channels_last, under autocast, with ReLU in place as in torchvision.

Reads lines `eager train 20` (or compiled, inference) from stdin and answers each with one JSON line: the median
milliseconds of 20 steps, each followed by a synchronisation, after three that are not counted. A step begins with u8
pictures in pinned host memory and ends with the optimizer's step, as Thaw's does. The first answer of `compiled` also
tells the seconds of the step that compiled, later ones find that done. `peak 8192 bf16` times a matrix product.
"""

import argparse
import json
import statistics
import sys
import time

import torch
from torch import nn


class Block(nn.Module):
    """Basic (two 3x3) or bottleneck (1x1, 3x3 with the stride, 1x1) block of ResNet v1.5."""

    def __init__(self, channels_in, width, stride, bottleneck):
        super().__init__()
        out = width * (4 if bottleneck else 1)
        sizes = [(channels_in, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)] if bottleneck else [
            (channels_in, width, 3, stride), (width, out, 3, 1)]
        self.units = nn.ModuleList(self.unit(*size) for size in sizes)
        self.downsample = self.unit(channels_in, out, 1, stride) if stride != 1 or channels_in != out else nn.Identity()

    @staticmethod
    def unit(channels_in, out, kernel, stride):
        return nn.Sequential(nn.Conv2d(channels_in, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for i, unit in enumerate(self.units):
            y = unit(y) if i == len(self.units) - 1 else torch.relu_(unit(y))
        return torch.relu_(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, blocks, bottleneck):
        super().__init__()
        self.stem = Block.unit(3, 64, 7, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        channels, stages = 64, []
        for stage, count in enumerate(blocks):
            width = 64 << stage
            layers = []
            for i in range(count):
                layers.append(Block(channels, width, 2 if stage and i == 0 else 1, bottleneck))
                channels = width * (4 if bottleneck else 1)
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x):
        x = self.pool(torch.relu_(self.stem(x)))
        for stage in self.stages:
            x = stage(x)
        return self.fc(x.mean((2, 3)))


class DenseLayer(nn.Sequential):
    def __init__(self, channels, growth):
        super().__init__(nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.Conv2d(channels, 4 * growth, 1, bias=False),
                         nn.BatchNorm2d(4 * growth), nn.ReLU(inplace=True),
                         nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


class DenseNet(nn.Module):
    """Stages as torchvision's `features`: the stem, then block and transition in turn, then the last BatchNorm."""

    def __init__(self, blocks, growth=32, channels=64):
        super().__init__()
        self.stem = Block.unit(3, channels, 7, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        stages = []
        for number, layers in enumerate(blocks):
            stages.append(nn.Sequential(*(DenseLayer(channels + i * growth, growth) for i in range(layers))))
            channels += layers * growth
            if number + 1 < len(blocks):
                stages.append(nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
                                            nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)))
                channels //= 2
        self.stages = nn.ModuleList([*stages, nn.BatchNorm2d(channels)])
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x):
        x = self.pool(torch.relu_(self.stem(x)))
        for stage in self.stages:
            x = stage(x)
        return self.fc(torch.relu_(x).mean((2, 3)))


MODELS = {"resnet18": lambda: ResNet((2, 2, 2, 2), False), "resnet50": lambda: ResNet((3, 4, 6, 3), True),
          "densenet121": lambda: DenseNet((6, 12, 24, 16))}
# The stages that a plan freezes beside the stem: up to layer3 or transition3; the story's features[0:9],features[11].
FROZEN = {("resnet", "last block"): [0, 1, 2], ("densenet", "last block"): [0, 1, 2, 3, 4, 5],
          ("densenet", "last transition and block"): [0, 1, 2, 3, 4, 7]}


class Peer:
    def __init__(self, options):
        self.options = options
        self.device = torch.device(options.device)
        self.cuda = self.device.type == "cuda"
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.manual_seed(1)
        if options.model not in MODELS:
            raise ValueError(f"this peer has no {options.model}")
        self.network = MODELS[options.model]().to(self.device, memory_format=torch.channels_last)
        frozen = FROZEN.get((options.model.rstrip("0123456789"), options.plan), [])
        if options.plan != "all" and not frozen:
            raise ValueError(f"this peer has no plan '{options.plan}' for {options.model}")
        self.frozen = [self.network.stem, *(self.network.stages[i] for i in frozen)] if frozen else []
        for module in self.frozen:
            module.requires_grad_(False)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=1e-3, momentum=0.9, weight_decay=1e-4,
                                         **({"fused": True} if self.cuda else {}))
        self.pictures = torch.randint(0, 256, (options.batch, options.size, options.size, 3), dtype=torch.uint8)
        if self.cuda:
            self.pictures = self.pictures.pin_memory()
        self.labels = (torch.arange(options.batch) % 1000).to(self.device)
        self.mean = torch.tensor([123.675, 116.28, 103.53], device=self.device).view(1, 3, 1, 1)
        self.std = torch.tensor([58.395, 57.12, 57.375], device=self.device).view(1, 3, 1, 1)
        self.functions = {("eager", "train"): self.loss, ("eager", "inference"): self.logits}

    def logits(self, pictures):
        bf16 = self.options.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            return self.network((pictures.permute(0, 3, 1, 2).float() - self.mean) / self.std)

    def loss(self, pictures):
        return nn.functional.cross_entropy(self.logits(pictures).float(), self.labels)

    def function(self, form, task):
        if (form, task) not in self.functions:
            if not hasattr(torch, "compile"):
                raise RuntimeError(f"PyTorch {torch.__version__} has no torch.compile")
            self.functions[form, task] = torch.compile(self.functions["eager", task])
        return self.functions[form, task]

    def step(self, function, task):
        start = time.perf_counter()
        pictures = self.pictures.to(self.device, non_blocking=True)
        if task == "train":
            self.optimizer.zero_grad(set_to_none=True)
            function(pictures).backward()
            self.optimizer.step()
        else:
            with torch.no_grad():
                function(pictures)
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def median_ms(self, form, task, repeats):
        function = self.function(form, task)
        self.network.train(task == "train")
        for module in self.frozen:
            module.eval()
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        first = self.step(function, task)
        for _ in range(2 if self.cuda else 0):
            self.step(function, task)
        milliseconds = 1e3 * statistics.median(self.step(function, task) for _ in range(repeats))
        peak = torch.cuda.max_memory_allocated() if self.cuda else 0
        self.optimizer.zero_grad(set_to_none=True)
        if self.cuda:
            torch.cuda.empty_cache()  # Thaw's turn is next
        compiled = {"compile_seconds": first, "graphs": graphs()} if form == "compiled" else {}
        return {"ms": milliseconds, "peak_bytes": peak, **compiled}


def graphs():
    """How many graphs torch.compile has compiled in this process: one, or it was cut up or compiled anew."""
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


def peak(device, precision, size, repeats=10):
    """FLOP/s of a square matrix product of random numbers."""
    torch.backends.cuda.matmul.allow_tf32 = False
    a, b = (torch.randn(size, size, device=device).to(torch.bfloat16 if precision == "bf16" else torch.float32)
            for _ in range(2))
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return {"flops": 2 * size**3 / statistics.median(times[3:])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--plan", default="all", choices=["all", "last block", "last transition and block"])
    parser.add_argument("--precision", default="f32", choices=["f32", "bf16"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    options = parser.parse_args()
    peer = None
    for line in sys.stdin:
        try:
            form, *rest = line.split()
            if form == "peak":
                answer = peak(options.device, rest[1], int(rest[0]))
            else:
                peer = peer or Peer(options)
                answer = peer.median_ms(form, rest[0], int(rest[1]))
        except Exception as error:  # told to the asker: what one question meets must not end the others
            text = str(error).strip() or type(error).__name__
            answer = {"error": text.splitlines()[0][:300]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
