"""`tests/gpu 1`, `2`, `3`: all parts in a few short calls on a lent machine that keeps nothing from one to the next.

`tests/gpu 0` is the build alone, at home.
"""

import shutil
import time
from dataclasses import replace
from fnmatch import fnmatch

from gpu_parts import archive, build, machine
from gpu_parts.results import FAILED, PASSED

# What is worth most for its seconds comes first, so that time that runs out takes the rest: there may be no second
# call. A call begins with the first of these that has no result yet. What is timed never runs beside the compiler.
ORDER = (
    "build configure", "build first", "build device",
    "test kernels",  # all cases but the slow ones
    "speed limits", "speed thaw *",  # a training step of the goals
    "speed versus resnet50 all bf16 256 train", "speed versus densenet121 all bf16 256 train",
    "speed profile *",
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


def fault_of_programs(context):
    """Why programs that were built elsewhere do not start here, or None."""
    answer = context.ask("kernel_tests")
    if answer.code != 0 and not machine.LIBRARIES:
        machine.LIBRARIES.extend(machine.pip_libraries(context.scratch))
        answer = context.ask("kernel_tests")
    return None if answer.code == 0 else machine.last_line(answer.text)


def go_on(context, listed, call, home):
    """Takes over what the calls before brought home."""
    before = archive.restore_state(context, home, call)
    stage, said = archive.restore_programs(context, home), ""
    fault = fault_of_programs(context) if stage else None
    if fault:
        shutil.rmtree(context.build)
        stage, said = None, f", since those that came along do not start here: {fault}"
    archive.forget(context, listed, stage)
    print(f"goes on from call {before}; programs: {'restored' if stage else 'built anew'}{said}", flush=True)


def run(context, listed, call, folder, home, deadline, run_piece, write_page):
    """Runs all pieces that have no result, one after the other until `deadline`, a time of time.monotonic()."""
    folder.mkdir(parents=True, exist_ok=True)
    if home:
        go_on(context, listed, call, home)
    else:
        archive.clear_state(context)

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
