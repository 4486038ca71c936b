"""`tests/gpu 1`, `2`, `3`: all parts in a few short calls on a lent machine that keeps nothing from one to the next."""

import time
from dataclasses import replace
from fnmatch import fnmatch

from gpu_parts import archive, build
from gpu_parts.results import FAILED, PASSED

# What is worth most for its seconds comes first, so that time that runs out takes the rest: there may be no second
# call. A call begins with the first of these that has no result yet. What is timed never runs beside the compiler.
ORDER = (
    "build configure", "build first", "build device",
    "test kernels",  # all cases but the slow ones
    "speed limits", "speed thaw *",  # a training step of the goals
    "speed profile resnet50 *", "speed versus resnet50 all bf16 256 train",
    "speed profile *", "speed versus densenet121 all bf16 256 train",
    "test convolutions", "build rest", "build carried",  # compiled while the slow cases run
    "lockstep *", "sanitize memcheck *", "speed matrix product", "speed ops *", "speed versus * bf16 256 *",
    "sanitize *", "test *", "*")
AT_ONCE = 3  # of ORDER
BESIDE = "test convolutions"
# In call 1 a slow torch.compile must not take the time of what comes after it. Later calls give it its usual limit.
LIMITS = {"speed versus resnet50 all bf16 256 train": 150, "speed versus densenet121 all bf16 256 train": 200}


def rank(piece):
    return next(place for place, pattern in enumerate(ORDER) if fnmatch(piece.title, pattern))


def ordered(context, listed):
    """The build first; then what was never begun; then what was begun in a call that did not live to see its end."""
    def key(piece):
        return 0 if rank(piece) < AT_ONCE else context.store.read(piece).begun, rank(piece)
    return sorted(listed, key=key)


def run(context, listed, call, folder, home, deadline, run_piece, write_page):
    """Runs all pieces that have no result, one after the other until `deadline`, a time of time.monotonic()."""
    folder.mkdir(parents=True, exist_ok=True)
    if home:
        before = archive.restore_state(context, home, call)
        stage = archive.restore_programs(context, home)
        archive.forget(context, listed, stage)
        print(f"goes on from call {before}; programs: {'restored' if stage else 'built anew'}", flush=True)
    else:
        context.store.clear()

    def save():
        write_page()
        archive.write_state(context, folder, call)

    ran = []
    try:
        save()
        for piece in ordered(context, listed):
            if context.store.read(piece).status in (PASSED, FAILED):
                continue
            if piece.title == BESIDE:
                build.begin_rest(context)
            if call == 1 and piece.title in LIMITS:
                piece = replace(piece, limit_s=LIMITS[piece.title])
            result = run_piece(context, piece, deadline, save)
            ran.append(result)
            if piece.title in ("build first", "build rest") and result.status == PASSED:
                said = archive.write_programs(context, folder, piece.name)
                if said:
                    print(said, flush=True)
            if time.monotonic() > deadline:
                break
    finally:
        build.end_rest(context)
        save()
    return ran
