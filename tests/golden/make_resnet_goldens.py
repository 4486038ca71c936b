"""Writes resnet_names.tsv and resnet_MODEL_PLAN.json. Needs torch and torchvision (made with 1.13 and 0.14),
and timm for the networks that end in d (from resnext14 on made with torch 2.15, torchvision 0.29, timm 1.0.31).

Every number is PyTorch's in f64. "distance" is the largest distance from it among the ways PyTorch computes the same in
f32: oneDNN, without oneDNN, channels-last, each with the instructions of this processor, of AVX2 and of SSE4.1, for a ReLU
at its kink may fall either way with any of them. Tests allow 4 times that.
"""

import json
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import torch

import resnet_nets as nets

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH, CLASSES, STEPS = 4, 10, 10
MOMENTUM, DECAY = 0.9, 1e-4
# model, freeze plan, what frozen BatchNorm does, picture size, learning rate, and where it matters the key of the
# pictures. A rate at which f32 and f64 part ways within ten steps tests nothing; nor do pictures with which a ReLU late
# in the network stands at its kink.
CASES = [("resnet18", "none", "auto", 64, 0.01), ("resnet18", "upto:layer3", "auto", 64, 0.01, "input2"),
         ("resnet18", "backbone", "auto", 64, 0.01), ("resnet50", "none", "auto", 64, 0.002),
         ("resnet50", "backbone", "auto", 64, 0.01), ("resnet20", "none", "auto", 32, 0.01),
         ("resnet34", "none", "auto", 64, 0.002), ("resnet101", "upto:layer3", "train", 64, 0.002),
         ("resnet152", "backbone", "auto", 64, 0.01),
         ("resnext14", "none", "auto", 64, 0.002), ("resnext50_32x4d", "upto:layer3", "auto", 64, 0.002, "input2"),
         ("resnext101_32x8d", "backbone", "auto", 64, 0.01), ("resnext101_64x4d", "backbone", "auto", 64, 0.01),
         ("wide_resnet50_2", "upto:layer3", "auto", 64, 0.002), ("wide_resnet101_2", "backbone", "auto", 64, 0.01),
         ("resnet18d", "none", "auto", 64, 0.002), ("resnet34d", "backbone", "auto", 72, 0.01),
         ("resnet50d", "upto:layer3", "auto", 64, 0.002), ("resnet101d", "backbone", "auto", 64, 0.01),
         ("resnet20b", "none", "auto", 32, 0.01)]


def stages(model):
    """Name and module of what a plan counts: the children, those of `features` in its place."""
    for name, child in model.named_children():
        yield from child.named_children() if name == "features" else [(name, child)]


def frozen_modules(model, plan):
    modules = list(stages(model))
    names = [name for name, _ in modules]
    if plan == "none":
        count = 0
    elif plan == "backbone":
        count = len(modules) - 1
    elif plan.startswith("upto:"):
        count = names.index(plan[5:]) + 1
    else:
        chosen = []
        for a, b in re.findall(r"features\[(\d+)(?::(\d+))?\]", plan):
            chosen += modules[int(a): int(b or int(a) + 1)]
        return [m for _, m in chosen]
    return [m for _, m in modules[:count]]


def summary(key, tensor, count):
    t = tensor.detach().contiguous().numpy()
    return {"norm": float(np.linalg.norm(t.astype(np.float64))), "projections": nets.projections(t),
            "elements": nets.elements(key, t)[:count]}


def replay(name, plan, bn, size, lr, picture, dtype, mkldnn=True, channels_last=False):
    """Logits, losses, the first step's gradients; where frozen statistics move, all running ones at the end. --bn auto:
    frozen modules use and keep their running statistics; train: PyTorch's way."""
    torch.backends.mkldnn.enabled = mkldnn
    model = nets.make(name, CLASSES)
    nets.fill(model)
    model = model.to(dtype).train()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    for module in frozen_modules(model, plan):
        module.train(bn == "train").requires_grad_(False)
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in trainable if p.dim() > 1], "weight_decay": DECAY},
              {"params": [p for p in trainable if p.dim() == 1], "weight_decay": 0.0}]
    sgd = torch.optim.SGD(groups, lr=lr, momentum=MOMENTUM)
    x = torch.from_numpy((nets.uniform(picture, BATCH * 3 * size * size) * 1.75).astype(np.float32))
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
                    result["gradients"][key] = summary(key, p.grad, 16)
        sgd.step()
    if bn == "train":
        result["running"] = {key: summary(key, b, 4) for key, b in model.named_buffers() if b.dtype == dtype}
        result["batches"] = {int(b) for key, b in model.named_buffers() if key.endswith("num_batches_tracked")}
    return result


def in_f32(case):
    """What replay gives in f32, a process for each set of instructions: oneDNN chooses its own when it starts."""
    script = ("import pickle, sys, torch, make_resnet_goldens as g; case = pickle.load(sys.stdin.buffer); "
              "ways = ({}, {'mkldnn': False}, {'channels_last': True}); "
              "pickle.dump([g.replay(*case, torch.float32, **way) for way in ways], sys.stdout.buffer)")
    results = []
    for isa in ("ALL", "AVX2", "SSE41"):
        run = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(case), stdout=subprocess.PIPE, cwd=HERE,
                             env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa}, check=True)
        results += pickle.loads(run.stdout)
    return results


def distance(a, b):
    return float(np.max(np.abs(np.asarray(a) - np.asarray(b))))


def rounded(values, digits=9):
    return [float(f"{v:.{digits}g}") for v in values]


def tensors(exact, singles):
    """The summaries of many tensors with their distances."""
    far = lambda k, pick: max(distance(pick(s[k]), pick(exact[k])) for s in singles)
    sums = {k: far(k, lambda t: t["projections"] + [t["norm"]]) for k in exact}
    single = {k: far(k, lambda t: t["elements"]) for k in exact}
    # A ReLU at its kink falls either way in f32 and then moves some tensors and not others, so no tensor is held to less
    # than the median of all, relative to its norm.
    floor = [float(np.median([d[k] / exact[k]["norm"] for k in exact])) for d in (sums, single)]
    out = {}
    for key, t in exact.items():
        out[key] = {"norm": float(f"{t['norm']:.9g}"), "projections": rounded(t["projections"]),
                    "elements": rounded(t["elements"]),
                    "sum_distance": float(f"{max(sums[key], floor[0] * t['norm']):.3g}"),
                    "element_distance": float(f"{max(single[key], floor[1] * t['norm']):.3g}")}
    return out


def golden(prefix, name, plan, bn, size, lr, picture="input"):
    case = (name, plan, bn, size, lr, picture)
    exact = replay(*case, torch.float64)
    singles = in_f32(case)
    out = {"model": nets.DESCRIPTIONS.get(name, name), "freeze": plan, "bn": bn, "input": picture, "batch": BATCH,
           "size": size, "classes": CLASSES, "lr": lr, "momentum": MOMENTUM, "weight_decay": DECAY}
    for key in ("logits", "last_logits"):
        out[key] = {"values": rounded(exact[key]), "distance": max(distance(s[key], exact[key]) for s in singles)}
    steps = np.array([[abs(a - b) for a, b in zip(s["losses"], exact["losses"])] for s in singles]).max(axis=0)
    out["losses"] = {"values": rounded(exact["losses"]), "distances": rounded(np.maximum.accumulate(steps), 3)}
    out["gradients"] = tensors(exact["gradients"], [s["gradients"] for s in singles])
    if "running" in exact:
        out["running"] = tensors(exact["running"], [s["running"] for s in singles])
        (out["batches"],) = exact["batches"]
    plan = re.sub(r"upto:|features|\[|\]", "", plan).replace(":", "-").replace(",", "_")
    path = os.path.join(HERE, f"{prefix}_{name}_{plan}{'_train' if bn == 'train' else ''}.json")
    with open(path, "w") as f:
        f.write(json.dumps(out, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(path, "losses", rounded(exact["losses"], 4), "distance", out["losses"]["distances"][-1])


def write(prefix, models, cases):
    """PREFIX_names.tsv of the models (name, classes); the goldens of the cases, or of those MODEL_PLAN on the command
    line."""
    with open(os.path.join(HERE, f"{prefix}_names.tsv"), "w") as f:
        for model, classes in models:
            for name, tensor in nets.make(model, classes).state_dict().items():
                f.write(f"{model}\t{name}\t[{', '.join(map(str, tensor.shape))}]\n")
    for case in cases:
        if len(sys.argv) == 1 or case[0] + "_" + case[1] in sys.argv[1:]:
            golden(prefix, *case)


if __name__ == "__main__":
    write("resnet", [("resnet18", 1000), ("resnet50", 1000), ("resnet20", 10), ("resnet50d", 1000),
                     ("resnet20b", 10)], CASES)
