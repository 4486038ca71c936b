"""`tests/gpu speed`: every kernel against the measured copy, whole steps against PyTorch and the roofline."""

import json
import selectors
import statistics
import subprocess
import time
from pathlib import Path

from gpu_parts import machine
from gpu_parts.results import FAILED, NOT_RUN, PASSED, Piece, Result


class Asked:
    """A peer.py that is kept while Thaw takes its turns."""

    def __init__(self, command, log):
        log.parent.mkdir(parents=True, exist_ok=True)
        self.errors = open(log, "w")
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, cwd=machine.ROOT)

    def ask(self, question, limit_s):
        try:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
            with selectors.DefaultSelector() as ready:
                ready.register(self.process.stdout, selectors.EVENT_READ)
                if not ready.select(max(1.0, limit_s)):
                    self.process.kill()  # a late answer must not be taken for the next one
                    return {"error": f"PyTorch gave no answer within {limit_s:.0f} s"}
            return json.loads(self.process.stdout.readline() or '{"error": "PyTorch ended; see the log"}')
        except (OSError, ValueError) as error:
            return {"error": f"PyTorch: {error}"}

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def peer_command(context):
    """(command, None), or (None, why there is no PyTorch)."""
    if context.peer:
        return context.peer, None
    python, version = machine.python_with_torch(context.scratch)
    if not python:
        return None, version
    device = "cpu" if context.emulated else "cuda"
    return [python, Path(__file__).with_name("peer.py"), "--device", device], None


def peaks(context, limit_s):
    """What a large matrix product reaches in PyTorch: the roofline's other side."""
    command, reason = peer_command(context)
    if not command:
        return Result(NOT_RUN, reason)
    data, size = {}, 128 if context.emulated else 8192
    for precision in ("f32", "bf16"):
        asked = Asked([*command, "--precision", precision], context.log("speed", f"peak {precision}"))
        answer = asked.ask(f"peak {size}", limit_s / 2)
        asked.close()
        if "error" in answer:
            return Result(NOT_RUN, answer["error"])
        data[precision] = answer["flops"]
    return Result(PASSED, "", f"echo peak {size} | {machine.text_of(command)} --precision bf16", 0.0, data)


def bench(context, arguments, log, limit_s):
    """(what bench says, its command, None) or (None, command, why not)."""
    command = [context.program("bench"), "--device", "cuda", "--json", *map(str, arguments)]
    outcome = machine.run(command, log, limit_s, split=True)
    if outcome.timed_out:
        return None, command, f"bench did not end within {limit_s:.0f} s"
    if outcome.code != 0:
        return None, command, machine.last_line(outcome.errors)
    try:
        return json.loads(outcome.text), command, None
    except ValueError:
        return None, command, f"bench did not answer in JSON: {machine.last_line(outcome.text)}"


def kernels(context, model, precision, batch, more, limit_s):
    arguments = ["--model", model, "--precision", precision, "-b", batch, "--repeats", context.plan.repeats, *more]
    start = time.monotonic()
    answer, command, error = bench(context, arguments, context.log("speed", f"kernels {model} {precision}"), limit_s)
    if error:
        return Result(FAILED, error, machine.text_of(command))
    if not answer.get("ops"):
        return Result(FAILED, "bench timed no op", machine.text_of(command))
    return Result(PASSED, "", machine.text_of(command), time.monotonic() - start, answer)


def steps(context, config, limit_s):
    """Thaw, eager, compiled in turn, round after round; of each the median of its rounds."""
    start = time.monotonic()
    arguments = ["--step", "--model", config.model, "--freeze", config.freeze, "--precision", config.precision, "-b",
                 config.batch, "--input-size", config.size, "--repeats", context.plan.repeats]
    command, reason = peer_command(context)
    asked = None
    if command:
        command = [*command, "--model", config.model, "--plan", config.plan, "--precision", config.precision,
                   "--batch", str(config.batch), "--size", str(config.size)]
        asked = Asked(command, context.log("speed", f"{config.name} peer"))
    tasks = ("train", "inference") if config.plan == "all" else ("train",)
    times = {("thaw", task): [] for task in tasks}
    unrun = {} if asked else {f"{form} {task}": reason for form in ("eager", "compiled") for task in tasks}
    memory = {}
    try:
        for _ in range(context.plan.rounds):
            answer, own, error = bench(context, arguments, context.log("speed", config.name), limit_s)
            if error:
                return Result(FAILED, error, machine.text_of(own), time.monotonic() - start)
            for task in tasks:
                times["thaw", task].append(answer[f"{task}_ms"])
                memory[f"thaw {task}"] = answer[f"{task}_peak_bytes"]
            for form in ("eager", "compiled") if asked else ():
                for task in tasks:
                    if f"{form} {task}" in unrun:
                        continue
                    left = limit_s - (time.monotonic() - start)
                    said = asked.ask(f"{form} {task} {context.plan.repeats}", left)
                    if "error" in said:
                        unrun[f"{form} {task}"] = said["error"]
                        continue
                    times.setdefault((form, task), []).append(said["ms"])
                    memory[f"{form} {task}"] = said["peak_bytes"]
            if time.monotonic() - start > 0.8 * limit_s:
                break
    finally:
        if asked:
            asked.close()
    data = {"config": vars(config), "rounds": len(times["thaw", tasks[0]]), "peak_bytes": memory, "not run": unrun,
            "device": answer["device"],
            "ms": {f"{form} {task}": statistics.median(ms) for (form, task), ms in times.items() if ms},
            "all_ms": {f"{form} {task}": ms for (form, task), ms in times.items()}}
    if asked:
        question = f"eager train {context.plan.repeats}"
        data["peer_command"] = f"echo {question} | {machine.text_of(command)}"
    # A comparison that lacks a peer is none, whatever Thaw's own time is.
    lacking = "; ".join(f"{which}: {why}" for which, why in unrun.items())
    return Result(NOT_RUN if lacking else PASSED, lacking, machine.text_of(own), time.monotonic() - start, data)


def pieces(context):
    listed = [Piece("speed", "matrix product", lambda s: peaks(context, s), 120)]
    for model, precision, batch, more in context.plan.kernels:
        listed.append(Piece("speed", f"kernels {model} {precision} {batch}",
                            lambda s, a=(model, precision, batch, more): kernels(context, *a, s), 150, 30))
    for config in context.plan.steps:
        listed.append(Piece("speed", config.name, lambda s, c=config: steps(context, c, s), 240, 60))
    return listed
