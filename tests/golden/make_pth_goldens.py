"""Writes pytorch_zip.pth and pytorch_legacy.pth: two small files by PyTorch itself (1.13)."""
import collections
import pathlib

import torch

values = (torch.arange(24.0) / 8 - 1).reshape(2, 3, 2, 2)
state = collections.OrderedDict(
    [
        ("module.conv.weight", torch.nn.Parameter(values)),
        ("module.conv.channels_last", values.contiguous(memory_format=torch.channels_last)),
        ("module.fc.transposed", values[:, 0, 0].t()),
        ("module.fc.half", torch.tensor([0.5, -0.25], dtype=torch.float16)),
        ("module.bn.running_var", values.flatten()[20:]),
        ("module.bn.num_batches_tracked", torch.tensor(7)),
    ]
)
folder = pathlib.Path(__file__).parent
checkpoint = {"epoch": 3, "state_dict": state}
torch.save(checkpoint, folder / "pytorch_zip.pth")
torch.save(checkpoint, folder / "pytorch_legacy.pth", _use_new_zipfile_serialization=False)
