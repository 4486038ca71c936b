"""The parts of tests/gpu. Python's standard library only; PyTorch is asked for by peer.py alone."""
