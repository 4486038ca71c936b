"""`tests/gpu test`, `sanitize`, `lockstep`: thaw_tests on the GPU, alone and under compute-sanitizer."""

import re

from gpu_parts import machine
from gpu_parts.results import FAILED, NOT_RUN, PASSED, TIMED_OUT, Piece, Result

TOOLS = ("memcheck", "racecheck", "initcheck")
# Each tensor is an allocation of its own, of its own size: in a pool's blocks compute-sanitizer would miss an access
# beyond a tensor, and values that a block still has from before.
EXACT = {"THAW_POOL": "passthrough"}
SUMMARY = re.compile(r"\[doctest\] test cases: +(\d+) *\| *(\d+) passed *\| *(\d+) failed")


def judged(outcome, command):
    """A Result of a run of thaw_tests. A case that says why it was not run is not counted as passed."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", outcome.text)
    # A case's line stands behind its place in the sources; a line per absent backend comes at the end.
    unrun = [line.split("not run: ", 1)[1] for line in text.splitlines()
             if "not run: " in line and not re.match(r"(reference|cpu|cuda)( bf16)?: not run: ", line)]
    summary = SUMMARY.search(text)
    total, passed, failed = map(int, summary.groups()) if summary else (0, 0, 0)
    data = {"cases": total, "passed": max(0, passed - len(unrun)), "failed": failed, "not run": len(unrun),
            "reasons": sorted(set(unrun))}
    common = (machine.text_of(command), outcome.seconds, data)
    if outcome.timed_out:
        return Result(TIMED_OUT, f"did not end within {outcome.seconds:.0f} s", *common)
    if re.search(r"^cuda: not run: ", text, re.MULTILINE):
        return Result(NOT_RUN, "no GPU answered", *common)
    if not summary or failed or outcome.code != 0:
        errors = re.findall(r"TEST CASE: +(.*)|(\S.*ERROR: .*)", text)
        first = " ".join("".join(error) for error in errors[:2])
        return Result(FAILED, f"exit code {outcome.code}, {failed} cases failed {first}"[:400], *common)
    if total == 0:
        return Result(FAILED, "no test case has that name", *common)
    if data["passed"] == 0:
        return Result(NOT_RUN, "; ".join(data["reasons"])[:400], *common)
    return Result(PASSED, "", *common)


def tests(context, name, program, arguments, limit_s):
    command = [context.program(program), *arguments]
    return judged(machine.run(command, context.log("test", name), limit_s), command)


def lockstep(context, name, pattern, limit_s):
    """Also what `lockstep:` cases print: the differences of each stage."""
    command = [context.program("thaw_tests"), f"--test-case={pattern}"]
    outcome = machine.run(command, context.log("lockstep", name), limit_s)
    result = judged(outcome, command)
    rows = re.findall(r"^lockstep\t(.*)$", outcome.text, re.MULTILINE)
    result.data["rows"] = [row.split("\t") for row in rows]
    return result


def sanitized(context, tool, file, limit_s):
    sanitizer = machine.find_program("compute-sanitizer")
    if not sanitizer:
        return Result(NOT_RUN, "compute-sanitizer is not on this machine")
    # Tests provoke errors of the API, e.g. too little memory, and cuDNN's heuristics do. racecheck looks at our own
    # kernels only; initcheck cannot: it would miss what a library's kernel wrote.
    command = [sanitizer, "--tool", tool, "--error-exitcode", "9", "--report-api-errors", "no",
               *(["--kernel-name", "kns=thaw"] if tool == "racecheck" else []), context.program("kernel_tests"),
               f"--source-file=*tests/kernels/{file}"]
    outcome = machine.run(command, context.log("sanitize", f"{tool} {file}"), limit_s, environment=EXACT)
    text = machine.text_of(command, EXACT)
    if outcome.timed_out:
        return Result(TIMED_OUT, f"did not end within {limit_s:.0f} s", text, outcome.seconds)
    if "Device not supported" in outcome.text:
        return Result(NOT_RUN, "compute-sanitizer refuses this device", text, outcome.seconds)
    result = judged(outcome, command)
    result.command = text
    found = re.search(r"(ERROR|RACECHECK) SUMMARY: (\d+) (errors?|hazards?)", outcome.text)
    if result.status == PASSED and not found:
        return Result(FAILED, "compute-sanitizer gave no summary", result.command, result.seconds, result.data)
    if found and int(found.group(2)) > 0:
        first = re.search(r"^=+ +((?!COMPUTE)\S.*)$", outcome.text, re.MULTILINE)
        reason = f"{found.group(2)} {found.group(3)}: {first.group(1) if first else ''}"
        return Result(FAILED, reason[:400], result.command, result.seconds, result.data)
    return result


def pieces(context, part):
    if part == "test":
        return [Piece(part, name, lambda s, keep, a=(name, program, arguments): tests(context, *a, s), 500, needs=program)
                for name, (program, arguments) in context.plan.tests.items()]
    if part == "lockstep":
        return [Piece(part, name, lambda s, keep, n=name, p=pattern: lockstep(context, n, p, s), 240, needs="thaw_tests")
                for name, pattern in context.plan.lockstep.items()]
    return [Piece(part, f"{tool} {file}", lambda s, keep, t=tool, f=file: sanitized(context, t, f, s), 150,
                  needs="kernel_tests") for tool in TOOLS for file in context.plan.sanitized]
