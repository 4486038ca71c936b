"""Writes densenet_names.tsv and densenet_MODEL_PLAN.json as make_resnet_goldens.py does for ResNets."""

import os
import sys

import make_resnet_goldens as goldens
import resnet_nets as nets

# The third is the founding story's plan.
CASES = [("densenet121", "none", "auto", 64, 0.002, "input17"), ("densenet121", "backbone", "auto", 64, 0.01),
         ("densenet121", "features[0:9],features[11]", "train", 64, 0.01, "input17"),
         ("densenet169", "upto:denseblock3", "auto", 64, 0.005),
         ("densenet_bc_100_12", "none", "auto", 32, 0.01)]


def names():
    with open(os.path.join(goldens.HERE, "densenet_names.tsv"), "w") as f:
        for model, classes in (("densenet121", 1000), ("densenet161", 1000), ("densenet_bc_100_12", 10)):
            for name, tensor in nets.make(model, classes).state_dict().items():
                f.write(f"{model}\t{name}\t[{', '.join(map(str, tensor.shape))}]\n")


if __name__ == "__main__":
    names()
    for case in CASES:
        if len(sys.argv) == 1 or case[0] + "_" + case[1] in sys.argv[1:]:
            goldens.golden("densenet", *case)
