"""What this machine has, and commands with a time limit and a log."""

import contextlib
import functools
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = []  # further folders in which programs find their libraries


@dataclass
class Outcome:
    code: int  # 127: the program is not there
    seconds: float
    text: str  # stdout and stderr together; only stdout where `split` was asked for
    timed_out: bool
    errors: str = ""  # stderr where `split` was asked for


def text_of(command, environment=None):
    """The command as a person types it, with paths below the source root relative to it."""
    words = [f"{name}={value}" for name, value in (environment or {}).items()] + [str(word) for word in command]
    return shlex.join(words).replace(f"{ROOT}/", "")


def collect(stream, log, deadline, on_line):
    """(all that comes out of `stream`, whether the time was over before its end). The log has it at once."""
    whole, told = b"", 0
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not ready.select(left):
                return whole, True
            part = os.read(stream.fileno(), 65536)
            if not part:
                return whole, False
            log.write(part)
            log.flush()
            whole += part
            end = whole.rfind(b"\n") + 1
            for line in whole[told:end].decode(errors="replace").splitlines() if on_line else ():
                on_line(line)
            told = max(told, end)


def with_cuda():
    """This environment, with CUDA's libraries to be found last: cuDNN opens NVRTC by its name alone."""
    folders = [os.environ.get("LD_LIBRARY_PATH", ""), f"{os.environ.get('CUDA_PATH', '/usr/local/cuda')}/lib64"]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [*folders, *LIBRARIES]))}


def run(command, log, limit_s, split=False, environment=None, on_line=None):
    """Runs `command` in the source root, at most `limit_s` seconds; then it and its children are killed.

    on_line: told each whole line of its output as soon as it comes.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "wb") as out, tempfile.TemporaryFile() as error_file:
        out.write(f"$ {text_of(command, environment)}\n".encode())
        out.flush()
        try:
            process = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=error_file if split else subprocess.STDOUT,
                                       start_new_session=True, env={**with_cuda(), **(environment or {})})
        except OSError as error:
            out.write(f"{error}\n".encode())
            return Outcome(127, 0.0, str(error), False)
        timed_out = True
        try:
            whole, timed_out = collect(process.stdout, out, start + max(1.0, limit_s), on_line)
            if not timed_out:
                process.wait()
        finally:  # also where the script itself is stopped
            end(process)
        error_file.seek(0)
        errors = error_file.read()
        seconds = time.monotonic() - start
        out.write(errors + f"\nexit code {process.returncode}, {seconds:.1f} s\n".encode())
    return Outcome(process.returncode, seconds, whole.decode(errors="replace"), timed_out, errors.decode(errors="replace"))


def end(process):
    """Ends a process that leads its group, and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"


def find_program(name, folders=()):
    """The program on PATH, else in one of `folders` or of CUDA's; None where it is not there."""
    cuda = os.environ.get("CUDA_PATH", "/usr/local/cuda")
    places = [*folders, f"{cuda}/bin", f"{cuda}/compute-sanitizer"]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, places)))


@functools.cache
def python_with_torch(scratch):
    """(python, version of PyTorch), or (None, reason)."""
    for python in dict.fromkeys([sys.executable, shutil.which("python3"), "/usr/bin/python3"]):
        if not python:
            continue
        found = run([python, "-c", "import torch; print(torch.__version__)"], scratch / "torch.log", 120, split=True)
        if found.code == 0:
            return python, found.text.strip()
    return None, "no Python with PyTorch on this machine"


def version(command, scratch):
    """The release that a tool names, or None."""
    if not command[0]:
        return None
    answer = run(command, scratch / "version.log", 60, split=True)
    found = re.search(r"release .*", answer.text)
    return (found.group(0) if found else last_line(answer.text)) if answer.code == 0 else None


def smi(query, scratch):
    """What nvidia-smi answers for the first GPU, or None."""
    if not find_program("nvidia-smi"):
        return None
    answer = run([find_program("nvidia-smi"), f"--query-gpu={query}", "--format=csv,noheader", "--id=0"],
                 scratch / "nvidia-smi.log", 60, split=True)
    return answer.text.strip() if answer.code == 0 and answer.text.strip() else None


def architecture(scratch):
    """The GPU's SM as CMake names it ("90"), or None where no GPU answers."""
    capability = smi("compute_cap", scratch)
    return capability.replace(".", "") if capability and capability[0].isdigit() else None


def packages_of_nvidia(scratch):
    """The folders that hold NVIDIA's packages of the Python with PyTorch."""
    python, _ = python_with_torch(scratch)
    code = "import importlib.util as u; print(*u.find_spec('nvidia').submodule_search_locations)"
    found = run([python, "-c", code], scratch / "pip_cuda.log", 60, split=True) if python else None
    return list(map(Path, found.text.split())) if found and found.code == 0 else []


def pip_libraries(scratch):
    """The folders of their libraries: a built program that was brought along may find cuDNN nowhere else."""
    return sorted({str(file.parent) for root in packages_of_nvidia(scratch) for file in root.glob("*/lib/lib*.so.*")})


def pip_cuda(scratch):
    """CMake options for cuDNN and cuBLASLt out of a Python's packages of NVIDIA, for where no others are found.

    Those hold libcudnn.so.9 without the link libcudnn.so that a linker asks for; links are made in `scratch`.
    """
    options, folders = [], []
    for root in packages_of_nvidia(scratch):
        for library, option in (("cudnn", "THAW_CUDNN_LIBRARY"), ("cublasLt", "CUDA_cublasLt_LIBRARY")):
            for file in sorted(root.glob(f"*/lib/lib{library}.so.*"))[:1]:
                link = scratch / "nvidia" / f"lib{library}.so"
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
                link.symlink_to(file)
                options.append(f"-D{option}={link}")
                folders.append(str(file.parent))
        options += [f"-DTHAW_CUDNN_INCLUDE={file.parent}" for file in root.glob("*/include/cudnn_backend.h")]
        # Searched last: a toolkit's own headers go before.
        options += [f"-DCMAKE_CXX_FLAGS=-idirafter {file.parent}" for file in root.glob("*/include/cublasLt.h")]
    return [*options, "-DCMAKE_BUILD_RPATH=" + ";".join(dict.fromkeys(folders))] if options else []
