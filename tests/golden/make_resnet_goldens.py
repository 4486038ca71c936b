"""Writes resnet_names.tsv and resnet_MODEL_PLAN.json. Needs torch and torchvision (made with 1.13 and 0.14).

Every number is PyTorch's in f64. "distance" is the largest distance from it among three ways PyTorch computes the same
in f32: oneDNN, without oneDNN, channels-last. Tests allow 4 times that.
"""

import json
import os
import sys

import numpy as np
import torch

import resnet_nets as nets

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH, CLASSES, STEPS = 4, 10, 10
MOMENTUM, DECAY = 0.9, 1e-4
# model, freeze plan, picture size, learning rate. A rate at which f32 and f64 part ways within ten steps tests nothing.
CASES = [("resnet18", "none", 64, 0.01), ("resnet18", "upto:layer3", 64, 0.01), ("resnet18", "backbone", 64, 0.01),
         ("resnet50", "none", 64, 0.002), ("resnet50", "backbone", 64, 0.01), ("resnet20", "none", 32, 0.01)]


def frozen_names(model, plan):
    head = "linear" if hasattr(model, "linear") else "fc"
    children = [name for name, _ in model.named_children()]
    if plan == "none":
        return []
    if plan == "backbone":
        return [c for c in children if c != head]
    return children[: children.index(plan[5:]) + 1]


def replay(name, plan, size, lr, dtype, mkldnn=True, channels_last=False):
    """Logits, losses and the first step's gradients. --bn auto: frozen modules use and keep their running statistics."""
    torch.backends.mkldnn.enabled = mkldnn
    model = nets.make(name, CLASSES)
    nets.fill(model)
    model = model.to(dtype).train()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    for child in frozen_names(model, plan):
        getattr(model, child).eval().requires_grad_(False)
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in trainable if p.dim() > 1], "weight_decay": DECAY},
              {"params": [p for p in trainable if p.dim() == 1], "weight_decay": 0.0}]
    sgd = torch.optim.SGD(groups, lr=lr, momentum=MOMENTUM)
    x = torch.from_numpy((nets.uniform("input", BATCH * 3 * size * size) * 1.75).astype(np.float32))
    x = x.reshape(BATCH, 3, size, size).to(dtype)
    target = torch.arange(BATCH) * 3 % CLASSES
    result = {"losses": [], "gradients": {}}
    for step in range(STEPS + 1):
        logits = model(x)
        loss = torch.nn.functional.cross_entropy(logits, target)
        result["losses"].append(loss.item())
        if step == STEPS:
            result["last_logits"] = logits.detach().numpy().reshape(-1).astype(np.float64)
            break
        sgd.zero_grad()
        loss.backward()
        if step == 0:
            result["logits"] = logits.detach().numpy().reshape(-1).astype(np.float64)
            for key, p in model.named_parameters():
                if p.requires_grad:
                    g = p.grad.contiguous().numpy()
                    result["gradients"][key] = {
                        "norm": float(np.linalg.norm(g.astype(np.float64))),
                        "projections": nets.projections(g),
                        "elements": nets.elements(key, g),
                    }
        sgd.step()
    return result


def distance(a, b):
    return float(np.max(np.abs(np.asarray(a) - np.asarray(b))))


def rounded(values, digits=9):
    return [float(f"{v:.{digits}g}") for v in values]


def golden(name, plan, size, lr):
    exact = replay(name, plan, size, lr, torch.float64)
    singles = [replay(name, plan, size, lr, torch.float32), replay(name, plan, size, lr, torch.float32, mkldnn=False),
               replay(name, plan, size, lr, torch.float32, channels_last=True)]
    far = lambda pick: max(distance(pick(s), pick(exact)) for s in singles)
    out = {"model": name, "freeze": plan, "batch": BATCH, "size": size, "classes": CLASSES, "lr": lr,
           "momentum": MOMENTUM, "weight_decay": DECAY}
    for key in ("logits", "last_logits"):
        out[key] = {"values": rounded(exact[key]), "distance": far(lambda r: r[key])}
    steps = np.array([[abs(a - b) for a, b in zip(s["losses"], exact["losses"])] for s in singles]).max(axis=0)
    out["losses"] = {"values": rounded(exact["losses"]), "distances": rounded(np.maximum.accumulate(steps), 3)}
    gradients = exact["gradients"]
    sums = {k: far(lambda r: r["gradients"][k]["projections"] + [r["gradients"][k]["norm"]]) for k in gradients}
    single = {k: far(lambda r: r["gradients"][k]["elements"]) for k in gradients}
    # A ReLU at its kink falls either way in f32 and then moves some tensors and not others, so no tensor is held to less
    # than the median of all, relative to its norm.
    floor = [float(np.median([d[k] / gradients[k]["norm"] for k in gradients])) for d in (sums, single)]
    out["gradients"] = {}
    for key, g in gradients.items():
        out["gradients"][key] = {"norm": float(f"{g['norm']:.9g}"), "projections": rounded(g["projections"]),
                                 "elements": rounded(g["elements"]),
                                 "sum_distance": float(f"{max(sums[key], floor[0] * g['norm']):.3g}"),
                                 "element_distance": float(f"{max(single[key], floor[1] * g['norm']):.3g}")}
    path = os.path.join(HERE, f"resnet_{name}_{plan.replace('upto:', '')}.json")
    with open(path, "w") as f:
        f.write(json.dumps(out, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(path, "losses", rounded(exact["losses"], 4), "distance", out["losses"]["distances"][-1])


def names():
    with open(os.path.join(HERE, "resnet_names.tsv"), "w") as f:
        for model, classes in (("resnet18", 1000), ("resnet50", 1000), ("resnet20", 10)):
            for name, tensor in nets.make(model, classes).state_dict().items():
                f.write(f"{model}\t{name}\t[{', '.join(map(str, tensor.shape))}]\n")


if __name__ == "__main__":
    names()
    for case in CASES:
        if len(sys.argv) == 1 or case[0] + "_" + case[1] in sys.argv[1:]:
            golden(*case)
