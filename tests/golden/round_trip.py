#!/usr/bin/env python3
"""PyTorch -> convert -> PyTorch: round_trip.py CONVERT [MODEL...]; without models all that torchvision and Thaw share.

Each model is saved by torch.save (zip and legacy container), converted to .pth and .safetensors, read back with
torch.load(weights_only=True) or as safetensors say, taken by load_state_dict(strict=True), and compared bit by bit.
DenseNets also go the way of files of 2017, whose norm.1 and conv.1 become norm1 and conv1.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import torch
    import torchvision
except ImportError as error:
    print(f"not run: round trip with PyTorch: {error}")
    sys.exit(0)

MODELS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
          "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
          "densenet121", "densenet161", "densenet169", "densenet201"]
TYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        a, b = t["data_offsets"]
        tensors[name] = torch.frombuffer(data[a:b], dtype=TYPES[t["dtype"]]).reshape(t["shape"])
    return tensors


def fill(model):
    """Every tensor differs from its initial value, counters included."""
    torch.manual_seed(1)
    for tensor in model.state_dict().values():
        if tensor.dtype == torch.int64:
            tensor.fill_(7)
        else:
            tensor.uniform_(0.5, 1.5)


def check(convert, name, state, folder, container):
    source = os.path.join(folder, "in.pth")
    torch.save(state, source, _use_new_zipfile_serialization=container == "zip")
    fresh = getattr(torchvision.models, name)()
    expected = getattr(torchvision.models, name)()
    fill(expected)
    for end in ("pth", "safetensors"):
        out = os.path.join(folder, "out." + end)
        subprocess.run([convert, source, out, "--model", name, "--force"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        tensors = torch.load(out, weights_only=True) if end == "pth" else read_safetensors(out)
        fresh.load_state_dict(tensors, strict=True)
        for key, value in fresh.state_dict().items():
            if not torch.equal(value, expected.state_dict()[key]):
                sys.exit(f"error: {name}, {container} -> .{end}: {key} has changed")
    print(f"{name}, {container}: {len(state)} tensors, 0 bits changed")


def main():
    convert, models = sys.argv[1], sys.argv[2:] or MODELS
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
    for name in models:
        model = getattr(torchvision.models, name)()
        fill(model)
        state = model.state_dict()
        with tempfile.TemporaryDirectory() as folder:
            check(convert, name, state, folder, "zip")
            check(convert, name, state, folder, "legacy")
            if name.startswith("densenet"):
                old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", k): v for k, v in state.items()}
                assert old.keys() != state.keys()
                check(convert, name, old, folder, "zip")


if __name__ == "__main__":
    main()
