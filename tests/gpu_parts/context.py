"""What all parts share: folders, programs, and the sizes of a run on a GPU or on the emulator."""

import functools
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from gpu_parts import machine
from gpu_parts.results import Store

SOURCES = ("CMakeLists.txt", "kernels", "tensor", "layers", "models", "optim", "io", "tools", "tests", "docs/freezing")
# The cases of the kernels' tests that take a minute: cuDNN compiles at run time. The others take 5 s on an H200.
SLOW = "conv2d_forward*,conv2d: each of the first eight engines*"
SUFFIXES = (".cpp", ".h", ".cu", ".txt", ".cmake")
FOLDERS = ("kernels", "tensor", "layers", "models", "optim", "io", "tools")


@dataclass(frozen=True)
class Steps:
    """One row of the comparison with PyTorch."""

    model: str
    plan: str  # "all": everything trains; "last block": only layer4 or denseblock4 and what follows
    precision: str
    batch: int
    task: str = "train"  # or "inference"
    size: int = 224

    @property
    def freeze(self):
        if self.plan == "all":
            return "none"
        return "upto:transition3" if self.model.startswith("densenet") else "upto:layer3"

    @property
    def name(self):
        return f"{self.model} {self.plan} {self.precision} {self.batch} {self.task}"


@dataclass
class Plan:
    tests: dict  # piece -> (program, its arguments)
    sanitized: list  # source files of the kernels' tests
    lockstep: dict  # piece -> pattern of test cases
    ops: list  # (model, precision, batch, further arguments of bench)
    goals: list  # Steps that Thaw runs first alone
    steps: list
    profiles: list  # (Steps, kernels of which Nsight Compute tells: those of one step and some more)
    repeats: int = 20  # per peer and round
    rounds: int = 3
    bench: tuple = ()  # arguments of every bench


def gpu_plan():
    kernel_tests = sorted((machine.ROOT / "tests" / "kernels").glob("*_test.cpp"))
    goals = [Steps(model, "all", "bf16", 256) for model in ("resnet50", "densenet121")]
    bf16 = [Steps(model, plan, "bf16", 256, task) for plan, task in (("last block", "train"), ("all", "inference"))
            for model in ("resnet50", "densenet121")]
    small = [Steps(model, "all", "bf16", 32, task) for task in ("train", "inference")
             for model in ("resnet50", "densenet121")]
    resnet18 = [Steps("resnet18", plan, "bf16", 256) for plan in ("all", "last block")]
    f32 = [Steps(model, "all", "f32", 256) for model in ("resnet50", "densenet121", "resnet18")]
    return Plan(
        tests={"kernels": ("kernel_tests", [f"--test-case-exclude={SLOW}"]),
               "convolutions": ("kernel_tests", [f"--test-case={SLOW}"]),
               **{folder: ("thaw_tests", [f"--source-file=*tests/{folder}/*"])
                  for folder in FOLDERS if folder != "kernels"}},
        sanitized=[file.name for file in kernel_tests if "devices()" in file.read_text() or
                   "backends()" in file.read_text()],
        lockstep={"layer by layer": "lockstep:*", "five steps": "*five training steps on cuda*"},
        ops=[("resnet50", "bf16", 256, []), ("densenet121", "bf16", 256, []), ("resnet50", "f32", 256, [])],
        goals=goals, steps=goals + bf16 + resnet18 + small + f32, profiles=list(zip(goals, (1000, 2500))))


def emulated_plan():
    goal = Steps("resnet20", "all", "f32", 2, "train", 16)
    return Plan(tests={"kernels": ("kernel_tests", ["--source-file=*tests/kernels/activation_test.cpp"]),
                       "tensor": ("thaw_tests", ["--source-file=*tests/tensor/*"])},
                sanitized=["activation_test.cpp"],
                lockstep={"layer by layer": "lockstep: resnet20 in f32"},
                ops=[("resnet18", "f32", 1, ["--only", "global_avg_pool"])],
                goals=[goal], steps=[goal, Steps("resnet20", "all", "f32", 2, "inference", 16)], profiles=[], repeats=1,
                rounds=2,
                bench=["--tf32"])  # else the emulator has one engine for a convolution and nothing to tune


@dataclass
class Context:
    out: Path
    emulated: Path = None  # an ordinary build, whose programs run on the emulator
    carry: Path = None
    sm: str = None
    only_carried: bool = False
    peer: list = None  # command of the peer, without arguments; None: found on this machine
    plan: Plan = field(default_factory=gpu_plan)
    compiling: object = None  # the process that compiles the rest while the kernels are tested

    @property
    def build(self):
        return self.out / "build"

    @functools.cached_property
    def sources(self):
        """Names all that the programs are built of, for which GPU, and where they find each other."""
        files = [path for name in SOURCES for path in (machine.ROOT / name, *(machine.ROOT / name).rglob("*"))
                 if path.suffix in SUFFIXES and path.is_file()]
        sm, place = self.sm or machine.architecture(self.scratch), os.path.relpath(self.build, machine.ROOT)
        total = hashlib.sha256(f"{place} {sm} {bool(self.emulated)}".encode())
        for path in sorted(files):
            total.update(f"{path.relative_to(machine.ROOT)} {path.stat().st_size} ".encode() + path.read_bytes())
        return total.hexdigest()[:12]

    @property
    def store(self):
        return Store(self.out / "results")

    @property
    def cache(self):
        """Where cuDNN's tuned plans are kept; it travels from call to call."""
        return self.out / "cache"

    def log(self, part, name):
        return self.out / "logs" / part / (name.replace("/", "-").replace(" ", "_") + ".log")

    @property
    def scratch(self):
        return self.out / "logs" / "machine"

    def program(self, name):
        folders = {"thaw_tests": "tests", "kernel_tests": "tests", "bench": "tools"}
        return self.build / folders[name] / name

    def ask(self, program):
        """Starts the tests without a case: they tell which backends are absent."""
        return machine.run([self.program(program), "--test-case=none"], self.scratch / "device.log", 120)

    def lacks(self, program):
        """Why `program` cannot run on the device, or None."""
        if not os.access(self.program(program), os.X_OK):
            return f"{program} is not built; `tests/gpu build` builds it"
        return self.no_device

    @functools.cached_property
    def no_device(self):
        """Why no device answers, or None; asked once."""
        built = [name for name in ("kernel_tests", "thaw_tests") if os.access(self.program(name), os.X_OK)]
        if not built:
            return "no tests are built; `tests/gpu build` builds them"
        answer = self.ask(built[0])
        if answer.code != 0:
            return f"{built[0]} does not start: {machine.last_line(answer.text)}"
        for line in answer.text.splitlines():
            if line.startswith("cuda: not run: "):
                return f"no GPU answers: {line.removeprefix('cuda: not run: ')}"
        return None
