"""`tests/gpu build`: the tests and bench for this machine's GPU, with the carried packages."""

import datetime
import os
import re
import subprocess
import time

from gpu_parts import machine, pack
from gpu_parts.results import FAILED, NOT_RUN, PASSED, TIMED_OUT, Piece, Result

# What travels in the carried folder, as the compiler names it in dependency files.
CARRIED = re.compile(r"/(CLI/\w+\.hpp|doctest/doctest\.h|fmt/\w+\.h|nlohmann/\w+\.hpp|stb_image\w*\.h|png\.h|zlib\.h|"
                     r"jpeglib\.h)$")
FIRST = ("kernel_tests", "bench")  # what the first answers need


def missing_tools(context):
    tools = [name for name in ("cmake", "ninja", "nvcc") if not machine.find_program(name)]
    if tools:
        return f"{', '.join(tools)}: not on this machine"
    if not context.sm and not machine.architecture(context.scratch):
        return "no GPU answers to nvidia-smi; --sm 90 builds for an H100 without asking"
    return None


def configure(context, limit_s):
    reason = missing_tools(context)
    if reason:
        return Result(NOT_RUN, reason)
    refusal = pack.refusal(context.carry)
    if refusal and context.only_carried:
        return Result(FAILED, refusal)
    nvcc = machine.find_program("nvcc")
    command = [machine.find_program("cmake"), "-S", ".", "-B", context.build, "-G", "Ninja", "-DTHAW_CUDA=ON",
               "-DTHAW_CPU=OFF", "-DTHAW_WERROR=OFF", "-DTHAW_TESTS_RELATIVE=ON", f"-DCMAKE_CUDA_COMPILER={nvcc}",
               f"-DCMAKE_CUDA_ARCHITECTURES={context.sm or machine.architecture(context.scratch)}-real"]
    if not refusal:
        command.append(f"-DCMAKE_PREFIX_PATH={context.carry}")
    if context.only_carried:
        command.append("-DCMAKE_PROJECT_Thaw_INCLUDE=tests/gpu_parts/only_carried.cmake")
    if machine.find_program("ccache"):
        command += [f"-DCMAKE_{language}_COMPILER_LAUNCHER={machine.find_program('ccache')}"
                    for language in ("CXX", "CUDA")]
    log = context.log("build", "configure")
    answer = machine.run(command, log, limit_s)
    if answer.code != 0 and ("cuDNN 9" in answer.text or "cuBLASLt" in answer.text):
        command += machine.pip_cuda(context.scratch)
        answer = machine.run(command, log, limit_s)
    if answer.code != 0:
        errors = re.findall(r"CMake Error.*?\n\n", answer.text, re.DOTALL)
        return Result(FAILED, " ".join((errors[0] if errors else machine.last_line(answer.text)).split())[:400],
                      machine.text_of(command), answer.seconds)
    packages = "this machine's packages: " + refusal if refusal else "the carried packages"
    return Result(PASSED, "", machine.text_of(command), answer.seconds, {"packages": packages})


def ninja(context, targets):
    return [machine.find_program("cmake"), "--build", context.build, "-j", str(len(os.sched_getaffinity(0))), "--target",
            *targets]


def compiled(context, name, targets, limit_s):
    if not (context.build / "build.ninja").exists():
        return Result(NOT_RUN, "it is not configured")
    command = ninja(context, targets)
    answer = machine.run(command, context.log("build", name), limit_s)
    if answer.timed_out:
        return Result(TIMED_OUT, f"did not end within {limit_s:.0f} s", machine.text_of(command), answer.seconds)
    if answer.code != 0:
        errors = [line for line in answer.text.splitlines() if "error" in line]
        return Result(FAILED, (errors or [machine.last_line(answer.text)])[0][:400], machine.text_of(command),
                      answer.seconds)
    return Result(PASSED, "", machine.text_of(command), answer.seconds)


def ordinary(context, names):
    """On the emulator: the programs are those of an ordinary build."""
    for name in names:
        folder, source = ("tools", name) if name == "bench" else ("tests", "thaw_tests")
        found = [file for file in (context.emulated / "tests" / f"{source}_emulated", context.emulated / folder / source)
                 if file.exists()]
        if not found:
            return Result(FAILED, f"{context.emulated} holds no {source}")
        to = context.program(name)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.unlink(missing_ok=True)
        to.symlink_to(found[0])
    return Result(PASSED, "the programs of an ordinary build, on the emulator")


def first(context, limit_s):
    """What the first answers need."""
    return ordinary(context, FIRST) if context.emulated else compiled(context, "first", FIRST, limit_s)


def begin_rest(context):
    """Compiles the rest beside a piece that is not timed; `rest` waits for it."""
    if not context.emulated and not context.compiling and (context.build / "build.ninja").exists():
        context.log("build", "beside").parent.mkdir(parents=True, exist_ok=True)
        with open(context.log("build", "beside"), "w") as log:
            context.compiling = subprocess.Popen([str(word) for word in ninja(context, ["thaw_tests"])], stdout=log,
                                                 stderr=log, cwd=machine.ROOT, start_new_session=True)


def end_rest(context):
    if context.compiling:
        machine.end(context.compiling)
        context.compiling = None


def rest(context, limit_s):
    if context.emulated:
        return ordinary(context, ["thaw_tests"])
    start = time.monotonic()
    if context.compiling:
        try:
            context.compiling.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            end_rest(context)
            return Result(TIMED_OUT, f"did not end within {limit_s:.0f} s")
        context.compiling = None
    return compiled(context, "rest", ["thaw_tests"], limit_s - (time.monotonic() - start))


def carried_only(context, limit_s):
    """That no header of a carried package was taken from elsewhere on this machine."""
    refusal = pack.refusal(context.carry)
    if refusal:
        return Result(NOT_RUN, refusal)
    if not (context.build / ".ninja_deps").exists():
        return Result(NOT_RUN, "it is not built")
    command = [machine.find_program("ninja"), "-C", context.build, "-t", "deps"]
    answer = machine.run(command, context.log("build", "carried"), limit_s, split=True)
    if answer.code != 0:
        return Result(FAILED, machine.last_line(answer.text + answer.errors), machine.text_of(command))
    used = {(context.build / line.strip()).resolve() for line in answer.text.splitlines() if CARRIED.search(line)}
    strange = sorted(str(path) for path in used if context.carry.resolve() not in path.parents)
    if strange or not used:
        return Result(FAILED, f"taken from elsewhere: {', '.join(strange[:5]) or 'nothing was carried'}",
                      machine.text_of(command))
    return Result(PASSED, "", machine.text_of(command), answer.seconds, {"headers": len(used)})


def device(context, limit_s):
    """That the device answers, and what the page says of the machine."""
    data = {"date": str(datetime.date.today()), "name": "emulator", "facts": {}}
    if not context.emulated:
        data["name"] = machine.smi("name", context.scratch) or "no GPU"
        data["facts"] = {key: value for key, value in (
            ("GPU, driver, memory", machine.smi("name,driver_version,memory.total", context.scratch)),
            ("processor", f"{len(os.sched_getaffinity(0))} cores"),
            ("nvcc", machine.version([machine.find_program("nvcc"), "--version"], context.scratch)),
            ("PyTorch", machine.python_with_torch(context.scratch)[1]),
            ("commit", pack.commit(context.carry))) if value}
    reason = context.lacks("kernel_tests")
    return Result(NOT_RUN, reason, data=data) if reason else Result(PASSED, data=data)


def pieces(context):
    absent = Result(NOT_RUN, "the emulated run takes the programs of an ordinary build; it needs no nvcc")
    steps = (("configure", configure, 120), ("first", first, 3600), ("device", device, 60), ("rest", rest, 3600),
             ("carried", carried_only, 60))
    if context.emulated:
        steps = tuple((name, step if name in ("first", "device", "rest") else lambda context, limit_s: absent, limit)
                      for name, step, limit in steps)
    return [Piece("build", name, lambda limit_s, keep, step=step: step(context, limit_s), limit)
            for name, step, limit in steps]
