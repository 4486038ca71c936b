"""Writes scratch_cnn.json: the network of models/scratch_cnn.h in PyTorch, trained for ten steps. Needs torch.

Numbers and "distance" are as in make_resnet_goldens.py. The dropout mask is Philox's, as kernels/backend.h says.
"""

import json
import os

import numpy as np
import torch

import resnet_nets as nets
from make_resnet_goldens import distance, rounded

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH, VIEWS, FEATURES, SIZE, STEPS = 6, 4, 2, 64, 10
LR, MOMENTUM, DECAY = 0.01, 0.9, 1e-4
SEED, PURPOSE_DROPOUT, RATE = 42, 5, 0.3


def philox4x32(c, k):
    """Ten rounds of Philox4x32 (Salmon et al. 2011); c: four arrays of uint64 below 2^32."""
    low = np.uint64(0xFFFFFFFF)
    c, k = [np.asarray(x, np.uint64) for x in c], [np.uint64(x) for x in k]
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ k[0], p1 & low, (p0 >> np.uint64(32)) ^ c[3] ^ k[1], p0 & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return np.stack(c, axis=-1)


def dropout_scale(step, rows, columns):
    """1 / (1 - p) where the element is kept, else 0."""
    block = np.arange((rows * columns + 3) // 4, dtype=np.uint64)
    counter = [block, np.zeros_like(block), np.full_like(block, step), np.full_like(block, PURPOSE_DROPOUT)]
    words = philox4x32(counter, (SEED, 0)).reshape(-1)[: rows * columns]
    uniform = (words >> np.uint64(8)).astype(np.float64) / 2**24
    return torch.from_numpy(np.where(uniform >= RATE, 1 / (1 - RATE), 0.0).reshape(rows, columns))


class PhiloxDropout(torch.nn.Module):
    step = 0

    def forward(self, x):
        return x * dropout_scale(self.step, *x.shape).to(x.dtype)


class ScratchCnn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        layers, cin = [], 1
        for cout in (8, 16, 32, 64):
            layers += [torch.nn.Conv2d(cin, cout, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.BatchNorm2d(cout)]
            cin = cout
        self.features = torch.nn.Sequential(*layers, torch.nn.Flatten())
        side = SIZE
        for _ in range(4):
            side = (side - 2) // 2
        self.classifier = torch.nn.Sequential(
            torch.nn.Linear(VIEWS * 64 * side * side + FEATURES, 128), torch.nn.BatchNorm1d(128), torch.nn.ReLU(),
            PhiloxDropout(), torch.nn.Linear(128, 1))

    def forward(self, views, numbers):
        """views: [N, V, 1, H, W]. All of them at once, so that BatchNorm sees them as one batch."""
        n = views.shape[0]
        rows = self.features(views.flatten(0, 1)).reshape(n, VIEWS, -1)
        return self.classifier(torch.cat([rows[:, v] for v in range(VIEWS)] + [numbers], dim=1))


def replay(dtype, mkldnn=True, channels_last=False):
    torch.backends.mkldnn.enabled = mkldnn
    model = ScratchCnn()
    nets.fill(model)
    model = model.to(dtype).train()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
              {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}]
    sgd = torch.optim.SGD(groups, lr=LR, momentum=MOMENTUM)
    shaped = lambda name, scale, *shape: torch.from_numpy(
        (nets.uniform(name, int(np.prod(shape))) * scale).astype(np.float32)).reshape(shape).to(dtype)
    views, numbers = shaped("input", 1.75, BATCH, VIEWS, 1, SIZE, SIZE), shaped("features", 1.75, BATCH, FEATURES)
    target = (torch.arange(BATCH) % 2).to(dtype).reshape(BATCH, 1)
    flat = lambda t: t.detach().numpy().reshape(-1).astype(np.float64)
    result = {"losses": [], "gradients": {}, "buffers": {}}
    for step in range(STEPS + 1):
        model.classifier[3].step = step
        logits = model(views, numbers)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        result["losses"].append(loss.item())
        if step == STEPS:
            result["last_logits"] = flat(logits)
            for name, buffer in model.named_buffers():
                if buffer.dim() > 0:
                    result["buffers"][name] = flat(buffer)
            break
        sgd.zero_grad()
        loss.backward()
        if step == 0:
            result["logits"] = flat(logits)
            for key, p in model.named_parameters():
                g = p.grad.contiguous().numpy()
                result["gradients"][key] = {"norm": float(np.linalg.norm(g.astype(np.float64))),
                                            "projections": nets.projections(g), "elements": nets.elements(key, g)}
        sgd.step()
    return result


def main():
    exact = replay(torch.float64)
    singles = [replay(torch.float32), replay(torch.float32, mkldnn=False), replay(torch.float32, channels_last=True)]
    far = lambda pick: max(distance(pick(s), pick(exact)) for s in singles)
    values = lambda key: {"values": rounded(exact[key]), "distance": far(lambda r: r[key])}
    steps = np.array([[abs(a - b) for a, b in zip(s["losses"], exact["losses"])] for s in singles]).max(axis=0)
    out = {"batch": BATCH, "views": VIEWS, "features": FEATURES, "size": SIZE, "lr": LR, "momentum": MOMENTUM,
           "weight_decay": DECAY, "seed": SEED, "logits": values("logits"), "last_logits": values("last_logits"),
           "losses": {"values": rounded(exact["losses"]), "distances": rounded(np.maximum.accumulate(steps), 3)},
           "gradients": {}, "buffers": {}}
    gradients = exact["gradients"]
    sums = {k: far(lambda r: r["gradients"][k]["projections"] + [r["gradients"][k]["norm"]]) for k in gradients}
    single = {k: far(lambda r: r["gradients"][k]["elements"]) for k in gradients}
    # As in make_resnet_goldens.py: no tensor is held to less than the median of all, relative to its norm.
    floor = [float(np.median([d[k] / gradients[k]["norm"] for k in gradients])) for d in (sums, single)]
    for key, g in gradients.items():
        out["gradients"][key] = {"norm": float(f"{g['norm']:.9g}"), "projections": rounded(g["projections"]),
                                 "elements": rounded(g["elements"]),
                                 "sum_distance": float(f"{max(sums[key], floor[0] * g['norm']):.3g}"),
                                 "element_distance": float(f"{max(single[key], floor[1] * g['norm']):.3g}")}
    for name, buffer in exact["buffers"].items():
        out["buffers"][name] = {"values": rounded(buffer), "distance": far(lambda r: r["buffers"][name])}
    path = os.path.join(HERE, "scratch_cnn.json")
    with open(path, "w") as f:
        f.write(json.dumps(out, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(path, "losses", rounded(exact["losses"], 4), "distance", out["losses"]["distances"])


if __name__ == "__main__":
    main()
