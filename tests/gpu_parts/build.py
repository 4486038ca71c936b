"""`tests/gpu build`: the tests and bench for this machine's GPU, with the carried packages."""

import os
import re

from gpu_parts import machine, pack
from gpu_parts.results import FAILED, NOT_RUN, PASSED, TIMED_OUT, Piece, Result

# What travels in the carried folder, as the compiler names it in dependency files.
CARRIED = re.compile(r"/(CLI/\w+\.hpp|doctest/doctest\.h|fmt/\w+\.h|nlohmann/\w+\.hpp|stb_image\w*\.h|png\.h|zlib\.h|"
                     r"jpeglib\.h)$")


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
               "-DTHAW_CPU=OFF", f"-DCMAKE_CUDA_COMPILER={nvcc}",
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


def compile_all(context, limit_s):
    if not (context.build / "build.ninja").exists():
        return Result(NOT_RUN, "it is not configured")
    command = [machine.find_program("cmake"), "--build", context.build, "-j", str(len(os.sched_getaffinity(0))), "--target",
               "thaw_tests", "bench"]
    answer = machine.run(command, context.log("build", "compile"), limit_s)
    if answer.timed_out:
        return Result(TIMED_OUT, f"did not end within {limit_s:.0f} s; `tests/gpu build --continue` goes on",
                      machine.text_of(command), answer.seconds)
    if answer.code != 0:
        errors = [line for line in answer.text.splitlines() if "error" in line]
        return Result(FAILED, (errors or [machine.last_line(answer.text)])[0][:400], machine.text_of(command),
                      answer.seconds)
    return Result(PASSED, "", machine.text_of(command), answer.seconds)


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
    reason = context.unready()
    return Result(NOT_RUN, reason) if reason else Result(PASSED)


def pieces(context):
    if context.emulated:
        absent = Result(NOT_RUN, "the emulated run takes the programs of an ordinary build; it needs no nvcc")
        return [Piece("build", name, lambda limit_s: absent) for name in ("configure", "compile", "carried")] + [
            Piece("build", "device", lambda limit_s: device(context, limit_s))]
    steps = (("configure", configure, 120), ("compile", compile_all, 520), ("carried", carried_only, 60),
             ("device", device, 60))
    return [Piece("build", name, lambda limit_s, step=step: step(context, limit_s), limit)
            for name, step, limit in steps]
