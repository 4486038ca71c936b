"""The least time of a ResNet step in Thaw's decomposition into kernels, from measured limits.

Each kernel reads every input once and writes every output once, nothing stays in a cache between kernels, and a kernel
takes max(flops / peak, bytes / copy bandwidth). Which kernels there are: layers/conv_bn_act.h.
"""

MODELS = {"resnet18": ((2, 2, 2, 2), False), "resnet50": ((3, 4, 6, 3), True)}


class Sum:
    def __init__(self, flops_per_second, bytes_per_second):
        self.limits, self.seconds = (flops_per_second, bytes_per_second), 0.0

    def add(self, flops, moved):
        peak, bandwidth = self.limits
        self.seconds += max(flops / peak if peak else 0.0, moved / bandwidth)


def convolution(total, batch, item, channels_in, out, kernel, size, stride, trains, wants_input_gradient, residual,
                task):
    """One convolution with its BatchNorm, ReLU and added residual; returns its parameters and the side of its output."""
    side = (size - 1) // stride + 1
    x, y = batch * channels_in * size**2 * item, batch * out * side**2 * item
    weights = channels_in * out * kernel**2
    flops, moved = 2.0 * batch * out * side**2 * channels_in * kernel**2, x + y + weights * item
    more = y if residual else 0
    if not trains or task == "inference":
        total.add(flops, moved + more)  # folded; the epilogue adds and clips
        if wants_input_gradient and task == "train":
            total.add(flops, moved)
        return 0, side
    mask = y / item / 8
    total.add(flops, moved)
    total.add(0, y)  # statistics
    total.add(0, 2 * y + more + mask)  # apply
    total.add(0, 2 * y + mask)  # backward: the two sums
    total.add(0, 3 * y + more + mask)
    total.add(flops, x + y + 4 * weights)  # weight gradient
    if wants_input_gradient:
        total.add(flops, moved)
    return weights + 2 * out, side


def step_seconds(model, plan, task, batch, size, item, flops_per_second, bytes_per_second):
    """plan: "all" or "last block"; task: "train" or "inference"; item: bytes of an activation. None: unknown model."""
    if model not in MODELS:
        return None
    blocks, bottleneck = MODELS[model]
    total = Sum(flops_per_second, bytes_per_second)
    first_trained = {"all": 0, "last block": 4}[plan]  # 0 is the stem, 1 .. 4 the stages
    common = (total, batch, item)
    total.add(0, batch * size**2 * 3 * (1 + item))  # u8 to activations
    parameters, side = convolution(*common, 3, 64, 7, size, 2, first_trained == 0, False, False, task)
    pooled = (side - 1) // 2 + 1
    window = batch * 64 * (side**2 * item + pooled**2 * (item + 1))
    total.add(0, window)
    if first_trained == 0 and task == "train":
        total.add(0, window)
    channels, side = 64, pooled
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
                parameters += convolution(*common, channels, out, 1, entered, stride, trains, back, False, task)[0]
            for j, (a, b, kernel, s) in enumerate(inner):
                added, side = convolution(*common, a, b, kernel, side, s, trains, back if j == 0 else trains,
                                          j == len(inner) - 1, task)
                parameters += added
            if back and task == "train":
                total.add(0, 3 * batch * channels * entered**2 * item)  # two gradients of the block's input added
            channels = out
    total.add(0, batch * channels * side**2 * item)  # average
    classifier = channels * 1000
    for _ in range(1 if task == "inference" else 3):
        total.add(2.0 * batch * classifier, classifier * item)
    if task == "train":
        total.add(0, batch * channels * side**2 * item)
        # SGD: reads gradient, value and momentum, writes the last two and a bf16 copy
        total.add(0, (parameters + classifier + 1000) * (20 + (2 if item == 2 else 0)))
    return total.seconds
