#!/usr/bin/env python3
"""The calls of tests/gpu as on a lent machine: a fresh copy of the tree each time, in another place each time, an empty
HOME, no network, everything gone afterwards but at most 8 files of 16 MiB from $OUT. Fails if anything that is needed
gets lost.

    tests/gpu_parts/rehearsal.py BUILD     on the emulator of an ordinary build; call 1 is killed, call 2 told to end
    tests/gpu_parts/rehearsal.py --nvcc    builds with this machine's nvcc for an H100 in call 0, which has an hour
"""

import argparse
import contextlib
import io
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
CARRIED = ("build/gpu-carry", "build/gpu-home")  # ignored folders that travel with the tree
NAME = re.compile(r"[A-Za-z0-9._-]+")
# Why a piece may be left at the end, without a GPU.
EXCUSED = ("needs no nvcc", "no Python with PyTorch", "compute-sanitizer is not on this machine",
           "this peer has no resnet20")


def isolation():
    """The words that take the network away and let a kill end all that a command started."""
    alone = ["-n", "-p", "--fork", "--kill-child"]
    for words in (["unshare", *alone], ["unshare", "-r", *alone]):
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    print("not run: without a network: unshare has no rights here; the calls keep the network")
    return []


class Lent:
    """A machine that forgets everything between calls."""

    def __init__(self, folder):
        self.tree, self.out, self.user = folder / "tree0", folder / "out", folder / "user"
        self.isolation, self.faults, self.calls = isolation(), [], 0

    def fault(self, text):
        print(f"FAULT: {text}", flush=True)
        self.faults.append(text)

    def arrive(self, home):
        for folder in (self.tree, self.out, self.user):
            shutil.rmtree(folder, ignore_errors=True)
        self.calls += 1
        self.tree = self.tree.with_name(f"tree{self.calls}")
        for folder in (self.tree, self.out, self.user):
            folder.mkdir(parents=True)
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"], check=True,
                                capture_output=True, text=True).stdout
        sources = {name: ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        for carried, folder in zip(CARRIED, (ROOT / CARRIED[0], home)):
            sources |= {f"{carried}/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}
        for name, path in sources.items():
            to = self.tree / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
        size = sum(path.stat().st_size for path in sources.values())
        print(f"the tree: {len(sources)} files, {size / MIB:.1f} MiB", flush=True)
        if size > 64 * MIB:
            self.fault("the tree is larger than 64 MiB")

    def leave(self, home):
        """What the machine lets out of $OUT goes into `home`."""
        files = [path for path in sorted(self.out.rglob("*")) if path.is_file()]
        if len(files) > 8:
            self.fault(f"{len(files)} files in $OUT; 8 come home")
        for path in files[:8]:
            inside, size = path.relative_to(self.out), path.stat().st_size
            print(f"  {inside}: {size / MIB:.2f} MiB")
            if size > 16 * MIB or len(inside.parts) > 3 or not all(NAME.fullmatch(part) for part in inside.parts):
                self.fault(f"{inside} does not come home: {size} bytes, {len(inside.parts) - 1} folders down")
                continue
            to = home / inside
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
        outside = [str(path.relative_to(self.user)) for path in self.user.rglob("*") if path.is_file()]
        if outside:
            self.fault(f"left in HOME and lost: {', '.join(outside[:5])}")

    def call(self, words, home, limit_s, end_at=None, with_signal=None):
        """Runs `words` in a fresh copy; after the line that begins with `end_at` it gets the signal. Returns its lines."""
        self.arrive(home)
        print(f"$ {' '.join(map(str, words))}", flush=True)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.user), "OUT": str(self.out), "LANG": "C.UTF-8",
                       "CCACHE_DISABLE": "1"}
        process = subprocess.Popen([*self.isolation, *map(str, words)], cwd=self.tree, env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        deadline, lines = time.monotonic() + limit_s, []
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                print(f"  {lines[-1]}", flush=True)
                if end_at and line.startswith(end_at):
                    self.interrupt(process, with_signal)
                    end_at = None
                if time.monotonic() > deadline:
                    break
            else:
                process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
        seconds = limit_s - deadline + time.monotonic()
        print(f"ended after {seconds:.0f} s with {process.returncode}; brought home:", flush=True)
        if end_at:
            self.fault(f"the call ended before '{end_at}'")
        self.leave(home)
        return lines

    def interrupt(self, process, with_signal):
        time.sleep(0.5)  # into the next piece
        if with_signal == signal.SIGKILL:
            os.killpg(process.pid, signal.SIGKILL)
            return
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        inner = children.read_text().split() if self.isolation else []
        os.kill(int(inner[0]) if inner else process.pid, with_signal)


def streams(lent, build):
    """That bench writes an answer at once, not at its end."""
    program = next(path for path in (build / "tests/bench_emulated", build / "tools/bench") if path.exists())
    process = subprocess.Popen([program, "--device", "cuda", "--json", "--model", "resnet18", "-b", "1", "--repeats",
                                "1000", "--only", "relu_forward"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    ready = select.select([process.stdout], [], [], 120)[0]
    if not ready or not process.stdout.readline().startswith(b'{"batch"') or process.poll() is not None:
        lent.fault("bench keeps its answers back")
    process.kill()
    process.communicate()


def plans(home):
    """The lines of the newest call's tuned plans."""
    states = sorted(home.glob("gpu-*.tar.gz"))
    if not states:
        return []
    with tarfile.open(states[-1]) as tar:
        names = [name for name in tar.getnames() if name.endswith("cudnn_plans.tsv")]
        return tar.extractfile(names[0]).read().decode().splitlines() if names else []


def passed(lines):
    found = (re.match(r"((build|test|sanitize|lockstep|speed) .*?): passed", line) for line in lines)
    return [match.group(1) for match in found if match]


def emulated(lent, build, home):
    """The build and three calls on the emulator."""
    def call(number, folder, **more):
        words = ["python3", "tests/gpu", number, "--results", lent.out, "--emulated", folder]
        return lent.call(words + (["--from", CARRIED[1]] if number else []), home, 600, **more)

    streams(lent, build)
    said = [call(0, build)]
    # From here on the programs are those that came along.
    said.append(call(1, "/nowhere", end_at="speed thaw resnet20 all f32 2 train: passed", with_signal=signal.SIGKILL))
    known = plans(home)
    said.append(call(2, "/nowhere", end_at="test tensor: passed", with_signal=signal.SIGTERM))
    said.append(call(3, "/nowhere"))
    if set(known) - set(plans(home)):
        lent.fault("tuned plans of call 1 were lost")
    if not known:
        lent.fault("no tuned plan came home from call 1")
    if "stopped; what was found until then is in the results" not in said[2]:
        lent.fault("call 2 did not end when it was told to")
    done = [piece for lines in said for piece in passed(lines)]
    twice = sorted({piece for piece in done if done.count(piece) > 1})
    if twice:
        lent.fault(f"done twice: {', '.join(twice)}")
    page = subprocess.run([ROOT / "tests/gpu", "report", "--from", home, "--emulated", "/nowhere", "--out", lent.tree / "r"],
                          capture_output=True, text=True, check=False)
    text = "".join(path.read_text() for path in (lent.tree / "r").glob("emulator-*.md"))
    print(text)
    found = re.search(r"(\d+) pieces passed, (\d+) failed, (\d+) not run", text)
    total, failed, unrun = map(int, found.groups()) if found else (0, 0, 0)
    if page.returncode != 0 or failed:
        lent.fault(f"{failed} pieces failed {page.stderr}")
    if total != len(set(done)):
        lent.fault(f"{len(set(done))} pieces passed in the calls, the page knows of {total}")
    for line in text.splitlines():
        reason = re.search(r"not run: (.*)", line)
        if reason and not any(excuse in line for excuse in EXCUSED):
            lent.fault(f"lost or never done: {line}")
    for needed in ("| gradient layer1 |", "| `global_avg_pool_forward` |", "| resnet20 | train all | f32 |",
                   "| resnet20 | inference | f32 |", "| kernels | passed |", "| tensor | passed |"):
        if needed not in text:
            lent.fault(f"the page lacks {needed}")
    return total, unrun


def with_nvcc(lent, home):
    """The build of call 0 and what call 1 has of it."""
    subprocess.run([ROOT / "tests/gpu", "pack"], check=True)
    words = ["python3", "tests/gpu", 0, "--results", lent.out, "--sm", 90, "--only-carried", "--minutes", 60]
    said = passed(lent.call(words, home, 3900))
    words = ["python3", "tests/gpu", 1, "--results", lent.out, "--sm", 90, "--only-carried", "--from", CARRIED[1]]
    again = lent.call(words, home, 600)
    for piece in ("build configure", "build first", "build rest", "build carried"):
        if piece not in said:
            lent.fault(f"{piece} did not pass")
        if piece in passed(again):
            lent.fault(f"{piece} was done twice")
    if not any("programs: restored" in line for line in again):
        lent.fault("the programs did not come home")
    return len(said), 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", type=Path)
    parser.add_argument("--nvcc", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="all that the calls say, not only after a fault")
    options = parser.parse_args()
    if bool(options.build) == options.nvcc:
        parser.error("either BUILD or --nvcc")
    if not (ROOT / ".git").exists():
        print("not run: this is no git checkout, so what would travel is not known")
        return 0
    said = sys.stdout if options.verbose or options.nvcc else io.StringIO()
    with tempfile.TemporaryDirectory() as scratch:
        home, lent = Path(scratch) / "home", Lent(Path(scratch) / "lent")
        home.mkdir()
        with contextlib.redirect_stdout(said):
            total, unrun = with_nvcc(lent, home) if options.nvcc else emulated(lent, options.build.resolve(), home)
    if lent.faults and said is not sys.stdout:
        print(said.getvalue())
    print(f"{total} pieces passed and came home, {unrun} not run; {len(lent.faults)} faults", *lent.faults, sep="\n")
    return 1 if lent.faults else 0


if __name__ == "__main__":
    sys.exit(main())
