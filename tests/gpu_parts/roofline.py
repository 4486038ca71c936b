"""The least time of a step of ResNet or DenseNet in Thaw's decomposition into kernels, from measured limits.

Each kernel reads every input once and writes every output once, nothing stays in a cache between kernels, and a kernel
takes max(flops / peak, bytes / copy bandwidth). Which kernels there are: layers/conv_bn_act.h, layers/dense_block*.cpp.
"""

from dataclasses import dataclass

RESNETS = {"resnet18": ((2, 2, 2, 2), False), "resnet50": ((3, 4, 6, 3), True)}
DENSENETS = {"densenet121": (6, 12, 24, 16)}
CLASSES = 1000


@dataclass
class Kernels:
    """The kernels of a step so far. Tensors are counted in values."""

    flops_per_second: float  # 0: arithmetic is not counted
    bytes_per_second: float
    batch: int
    item: int  # bytes of an activation
    task: str
    seconds: float = 0.0
    parameters: int = 0  # that train

    def add(self, flops, moved):
        arithmetic = flops / self.flops_per_second if self.flops_per_second else 0.0
        self.seconds += max(arithmetic, moved / self.bytes_per_second)

    def passes(self, values, count, masks=0.0):
        """A kernel that reads and writes a tensor `count` times in all, and `masks` times its bits."""
        self.add(0, values * (count * self.item + masks / 8))


@dataclass
class Convolution:
    channels_in: int
    out: int
    kernel: int
    size: int  # side of the input
    stride: int = 1

    @property
    def side(self):
        return (self.size - 1) // self.stride + 1

    @property
    def weights(self):
        return self.channels_in * self.out * self.kernel**2

    def values(self, k):
        """(of the input, of the output)."""
        return k.batch * self.channels_in * self.size**2, k.batch * self.out * self.side**2

    def run(self, k, weight_bytes, more=0):
        """Forward, data gradient or weight gradient: all touch x, y and the weights."""
        x, y = self.values(k)
        k.add(2.0 * y * self.channels_in * self.kernel**2, (x + y) * k.item + self.weights * weight_bytes + more)

    def forward(self, k, more=0):
        self.run(k, k.item, more)

    def backward(self, k, trains, wants_input_gradient):
        if trains:
            self.run(k, 4)
            k.parameters += self.weights
        if wants_input_gradient:
            self.run(k, k.item)


def unit(k, conv, trains, wants_input_gradient, residual):
    """A convolution with its BatchNorm, ReLU and added residual, both directions."""
    y = conv.values(k)[1]
    more = 1 if residual else 0
    if not trains:
        conv.forward(k, more * y * k.item)  # folded; the epilogue adds and clips
    else:
        conv.forward(k)
        k.passes(y, 1)  # statistics
        k.passes(y, 2 + more, 1)
        k.passes(y, 2, 1)  # backward: the two sums
        k.passes(y, 3 + more, 1)
        k.parameters += 2 * conv.out
    conv.backward(k, trains, wants_input_gradient)


def stem(k, size, trains):
    """u8 pictures, 7x7, BatchNorm, ReLU and max-pooling; returns the side of what comes out."""
    k.add(0, k.batch * size**2 * 3 * (1 + k.item))
    conv = Convolution(3, 64, 7, size, 2)
    y, pooled = conv.values(k)[1], (conv.side - 1) // 2 + 1
    small = k.batch * 64 * pooled**2
    conv.forward(k)
    if trains:
        k.passes(y, 1)  # statistics
        k.parameters += 2 * 64
    k.add(0, y * k.item + small * (k.item + (1 if trains else 0)))
    if trains:
        k.add(0, y * k.item + small * (k.item + 1))  # backward: the two sums
        k.add(0, 2 * y * k.item + small * (k.item + 1))
    conv.backward(k, trains, False)
    return pooled


def head(k, channels, side):
    """Average, classifier, and the optimizer over all that trains."""
    k.passes(k.batch * channels * side**2, 1)
    classifier = channels * CLASSES
    for _ in range(3 if k.task == "train" else 1):
        k.add(2.0 * k.batch * classifier, classifier * k.item)
    if k.task == "train":
        k.passes(k.batch * channels * side**2, 1)
        # SGD: reads gradient, value and momentum, writes the last two and a bf16 copy
        k.add(0, (k.parameters + classifier + CLASSES) * (20 + (2 if k.item == 2 else 0)))


def resnet(k, blocks, bottleneck, first_trained, size):
    side, channels = stem(k, size, first_trained == 0), 64
    for stage, count in enumerate(blocks, 1):
        trains, width = first_trained <= stage, 64 << (stage - 1)
        out = width * (4 if bottleneck else 1)
        for i in range(count):
            stride = 2 if stage > 1 and i == 0 else 1
            back = trains and not (first_trained == stage and i == 0)  # the block's input wants a gradient
            inner = [(channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)] if bottleneck else [
                (channels, width, 3, stride), (width, out, 3, 1)]
            entered = side
            if stride != 1 or channels != out:
                unit(k, Convolution(channels, out, 1, entered, stride), trains, back, False)
            for j, (a, b, kernel, s) in enumerate(inner):
                conv = Convolution(a, b, kernel, side, s)
                unit(k, conv, trains, back if j == 0 else trains, j == len(inner) - 1)
                side = conv.side
            if back:
                k.passes(k.batch * channels * entered**2, 1)  # the gradient of the shortcut, to which the other is added
            channels = out
    head(k, channels, side)


def dense_layer(k, first, second, trains, back, new_statistics, last):
    """new_statistics: channels whose statistics this layer is the first to want. last: of its block."""
    x, y = first.values(k)
    z = second.values(k)[1]
    if not trains:
        k.passes(x, 2)
        first.forward(k)  # the second BatchNorm is folded into it
        second.forward(k)
        return
    k.passes(x * new_statistics / first.channels_in, 1)
    k.passes(x, 2)
    first.forward(k)
    k.passes(y, 1)
    k.passes(y, 2)
    second.forward(k)
    k.parameters += 2 * (first.channels_in + first.out)
    k.passes(z, 2)  # backward: the slice's gradient, and but for the last layer what came through later ones
    if not last:
        k.passes(z, 2)
        k.passes(z, 4)
    k.passes(y, 2, 1)  # the second BatchNorm once more
    second.backward(k, True, True)
    k.passes(y, 2, 1)
    k.passes(y, 3, 1)
    k.passes(x, 2, 1)  # the first once more
    first.backward(k, True, True)
    k.passes(x, 2, 1)
    if back:
        k.passes(x, 2 if last else 3, 1)


def densenet(k, blocks, first_trained, size, growth=32):
    side, channels = stem(k, size, first_trained == 0), 64
    for number, layers in enumerate(blocks, 1):
        trains = first_trained <= number
        back = trains and first_trained != number  # the block's input wants a gradient
        entered = k.batch * channels * side**2
        k.passes(entered, 2)  # into the block's buffer
        for i in range(layers):
            first = Convolution(channels, 4 * growth, 1, side)
            dense_layer(k, first, Convolution(4 * growth, growth, 3, side), trains, back or i > 0,
                        growth if i else channels, i == layers - 1)
            channels += growth
        if back:
            for count in (2, 2, 4):
                k.passes(entered, count)
        whole = k.batch * channels * side**2
        if trains:
            k.passes(whole * growth / channels, 1)  # statistics of the last slice
            k.parameters += 2 * channels
        k.passes(whole, 2, 1 if trains else 0)  # the transition's BatchNorm or the last
        if trains:
            k.passes(whole, 2, 1)
            k.passes(whole, 3, 1)
        if number == len(blocks):
            continue
        for _ in range(2 if trains else 1):  # pooled before the convolution
            k.passes(whole, 1.25)
        side //= 2
        conv = Convolution(channels, channels // 2, 1, side)
        conv.forward(k)
        conv.backward(k, trains, trains)
        channels //= 2
    head(k, channels, side)


def step_seconds(model, plan, task, batch, size, item, flops_per_second, bytes_per_second):
    """plan: "all" or "last block"; task: "train" or "inference"; item: bytes of an activation. None: unknown model."""
    k = Kernels(flops_per_second, bytes_per_second, batch, item, task)
    first_trained = {"all": 0, "last block": 4}[plan]  # 0 is the stem, 1 .. 4 the stages
    if task == "inference":
        first_trained = 5
    if model in RESNETS:
        resnet(k, *RESNETS[model], first_trained, size)
    elif model in DENSENETS:
        densenet(k, DENSENETS[model], first_trained, size)
    else:
        return None
    return k.seconds
