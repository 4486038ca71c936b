"""Writes densenet_names.tsv and densenet_MODEL_PLAN.json as make_resnet_goldens.py does for ResNets."""

import make_resnet_goldens as goldens

# The third is the founding story's plan.
CASES = [("densenet121", "none", "auto", 64, 0.002, "input17"), ("densenet121", "backbone", "auto", 64, 0.01),
         ("densenet121", "features[0:9],features[11]", "train", 64, 0.01, "input17"),
         ("densenet169", "upto:denseblock3", "auto", 64, 0.005),
         ("densenet_bc_100_12", "none", "auto", 32, 0.01)]


if __name__ == "__main__":
    goldens.write("densenet", [("densenet121", 1000), ("densenet161", 1000), ("densenet_bc_100_12", 10)], CASES)
