"""`tests/gpu speed`: every kernel against the measured copy, whole steps against PyTorch and the roofline."""

import json
import selectors
import statistics
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

from gpu_parts import machine, step_profile
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
    asked = Asked(command, context.log("speed", "peak"))
    try:
        for precision in ("f32", "bf16"):
            answer = asked.ask(f"peak {size} {precision}", limit_s / 2)
            if "error" in answer:
                return Result(NOT_RUN, answer["error"])
            data[precision] = answer["flops"]
    finally:
        asked.close()
    return Result(PASSED, "", f"echo peak {size} bf16 | {machine.text_of(command)}", 0.0, data)


def bench_command(context, arguments):
    return [context.program("bench"), "--device", "cuda", "--json", *map(str, arguments), *context.plan.bench]


def bench(context, arguments, log, limit_s, on_answer=None):
    """(bench's answers, its command, why there are no more). on_answer: told all so far when another comes."""
    command = bench_command(context, arguments)
    answers = []

    def line(text):
        try:
            answers.append(json.loads(text))
        except ValueError:
            return
        if on_answer:
            on_answer(answers)

    outcome = machine.run(command, log, limit_s, split=True, environment={"XDG_CACHE_HOME": str(context.cache)},
                          on_line=line)
    if outcome.timed_out:
        return answers, command, f"bench did not end within {limit_s:.0f} s"
    if outcome.code != 0:
        return answers, command, machine.last_line(outcome.errors)
    return answers, command, None if answers else "bench did not answer in JSON"


def limits(context, limit_s):
    """The copy bandwidth: the roofline's one side."""
    answers, command, error = bench(context, ["--model", "resnet18", "-b", 1, "--only", "limits"],
                                    context.log("speed", "limits"), limit_s)
    if error:
        return Result(FAILED, error, machine.text_of(command))
    return Result(PASSED, "", machine.text_of(command), 0.0, answers[0])


def ops(context, model, precision, batch, more, limit_s, keep):
    arguments = ["--model", model, "--precision", precision, "-b", batch, "--repeats", context.plan.repeats, *more]
    start = time.monotonic()

    def result(status, reason, answers, command=()):
        data = {**answers[0], "ops": answers[1:]} if answers else {}
        return Result(status, reason, machine.text_of(command), time.monotonic() - start, data)

    answers, command, error = bench(context, arguments, context.log("speed", f"ops {model} {precision}"), limit_s,
                                    lambda so_far: keep(result(NOT_RUN, f"stopped after {len(so_far) - 1} ops", so_far)))
    if error:
        return result(FAILED if "did not end" not in error else NOT_RUN, error, answers, command)
    return result(PASSED, "", answers, command) if answers[1:] else result(FAILED, "bench timed no op", answers, command)


class Comparison:
    """What is known of one row: the times of Thaw, eager and compiled."""

    def __init__(self, config, forms, keep):
        self.forms, self.keep, self.start = forms, keep, time.monotonic()
        self.data = {"config": asdict(config), "ms": {}, "all_ms": {}, "peak_bytes": {}, "not run": {}}
        self.command = ""

    def add(self, form, answer):
        """An answer of bench or of the peer."""
        data = self.data
        if "error" in answer:
            data["not run"][form] = answer["error"]
        else:
            data["all_ms"].setdefault(form, []).append(answer["ms"])
            data["ms"][form] = statistics.median(data["all_ms"][form])
            data["peak_bytes"][form] = answer["peak_bytes"]
            for more in ("graphs", "compile_seconds"):
                if more in answer:
                    data.setdefault(more, answer[more])
        self.keep(self.result("stopped"))

    @property
    def rounds(self):
        """In which every form has its time."""
        return min((len(self.data["all_ms"].get(form, [])) for form in self.forms), default=0)

    def result(self, reason=""):
        """A comparison that lacks a peer is none, whatever Thaw's own time is."""
        lacking = [f"{form}: {self.data['not run'].get(form, reason)}" for form in self.forms
                   if form not in self.data["ms"]]
        self.data["rounds"] = self.rounds
        return Result(NOT_RUN if lacking else PASSED, "; ".join(lacking)[:400], self.command,
                      time.monotonic() - self.start, self.data)


def step_arguments(config, repeats):
    return ["--step", "--only", config.task, "--model", config.model, "--freeze", config.freeze, "--precision",
            config.precision, "-b", config.batch, "--input-size", config.size, "--repeats", repeats]


def thaw(context, config, limit_s, comparison):
    """One turn of Thaw; returns what went wrong."""
    answers, command, error = bench(context, step_arguments(config, context.plan.repeats),
                                    context.log("speed", f"thaw {config.name}"), limit_s)
    comparison.command = machine.text_of(command)
    if not error:
        comparison.data["device"] = answers[0]["device"]
        comparison.add("thaw", answers[0])
    return error


def alone(context, config, limit_s, keep):
    comparison = Comparison(config, ["thaw"], keep)
    error = thaw(context, config, limit_s, comparison)
    if error:
        return Result(NOT_RUN if "did not end" in error else FAILED, error, comparison.command)
    return comparison.result()


def versus(context, config, limit_s, keep):
    """Thaw, eager, compiled in turn, round after round; of each the median of its rounds."""
    comparison = Comparison(config, ["thaw", "eager", "compiled"], keep)
    command, reason = peer_command(context)
    asked = None
    if command:
        command = [*command, "--model", config.model, "--plan", config.plan, "--precision", config.precision,
                   "--batch", str(config.batch), "--size", str(config.size)]
        asked = Asked(command, context.log("speed", f"{config.name} peer"))
        question = f"eager {config.task} {context.plan.repeats}"
        comparison.data["peer_command"] = f"echo {question} | {machine.text_of(command)}"
    else:
        comparison.data["not run"] = {form: reason for form in comparison.forms[1:]}

    def left():
        return limit_s - (time.monotonic() - comparison.start)

    try:
        for _ in range(context.plan.rounds):
            error = thaw(context, config, left(), comparison)
            if error and not comparison.rounds:
                result = comparison.result()
                result.status, result.reason = NOT_RUN if "did not end" in error else FAILED, error
                return result
            if error:
                break
            # One process for all rounds, so that torch.compile compiles once.
            for form in comparison.forms[1:]:
                if asked and form not in comparison.data["not run"]:
                    comparison.add(form, asked.ask(f"{form} {config.task} {context.plan.repeats}", left()))
            if left() < 0.2 * limit_s:
                break
    finally:
        if asked:
            asked.close()
    return comparison.result()


def profiled(context, config, launches, limit_s):
    program = bench_command(context, step_arguments(config, 1))
    return step_profile.profile(context, config.name, program, launches, limit_s)


def pieces(context):
    plan = context.plan
    listed = [Piece("speed", "limits", lambda s, keep: limits(context, s), 60, needs="bench"),
              Piece("speed", "matrix product", lambda s, keep: peaks(context, s), 120, needs="bench")]
    for config in plan.goals:
        listed.append(Piece("speed", f"thaw {config.name}", lambda s, keep, c=config: alone(context, c, s, keep), 240, 30,
                            needs="bench"))
    for config, launches in plan.profiles:  # its tuned plans are there by now, so no tuning is in the profile
        expected = step_profile.seconds(launches)
        listed.append(Piece("speed", f"profile {config.name}",
                            lambda s, keep, a=(config, launches): profiled(context, *a, s), 3 * expected, expected,
                            needs="bench"))
    for config in plan.steps:
        listed.append(Piece("speed", f"versus {config.name}", lambda s, keep, c=config: versus(context, c, s, keep), 400,
                            60, needs="bench"))
    for model, precision, batch, more in plan.ops:
        listed.append(Piece("speed", f"ops {model} {precision} {batch}",
                            lambda s, keep, a=(model, precision, batch, more): ops(context, *a, s, keep), 150, 30,
                            needs="bench"))
    return listed
