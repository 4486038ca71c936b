"""What all parts share: folders, programs, and the sizes of a run on a GPU or on the emulator."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from gpu_parts import machine
from gpu_parts.results import Store

FOLDERS = ("kernels", "tensor", "layers", "models", "optim", "io", "tools")


@dataclass(frozen=True)
class Steps:
    """One row of the comparison with PyTorch."""

    model: str
    plan: str  # "all": everything trains; "last block": --freeze upto:layer3
    precision: str
    batch: int
    size: int = 224

    @property
    def freeze(self):
        return "upto:layer3" if self.plan == "last block" else "none"

    @property
    def name(self):
        return f"{self.model} {self.plan} {self.precision} {self.batch}"


@dataclass
class Plan:
    tests: dict  # piece -> arguments of thaw_tests
    sanitized: list  # source files of the kernels' tests
    lockstep: dict  # piece -> pattern of test cases
    kernels: list  # (model, precision, batch, further arguments of bench)
    steps: list
    repeats: int = 20  # per peer and round
    rounds: int = 3


def gpu_plan():
    kernel_tests = sorted((machine.ROOT / "tests" / "kernels").glob("*_test.cpp"))
    order = [("resnet50", "bf16"), ("resnet18", "bf16"), ("resnet50", "f32"), ("resnet18", "f32")]
    return Plan(
        tests={folder: [f"--source-file=*tests/{folder}/*"] for folder in FOLDERS},
        sanitized=[file.name for file in kernel_tests if "devices()" in file.read_text() or
                   "backends()" in file.read_text()],
        lockstep={"layer by layer": "lockstep:*", "five steps": "*five training steps on cuda*"},
        kernels=[(model, precision, 256, []) for model, precision in order],
        steps=[Steps(model, plan, precision, batch) for batch in (256, 32) for model, precision in order
               for plan in ("all", "last block")])


def emulated_plan():
    return Plan(tests={"kernels": ["--source-file=*tests/kernels/activation_test.cpp"],
                       "tensor": ["--source-file=*tests/tensor/*"]},
                sanitized=["activation_test.cpp"],
                lockstep={"layer by layer": "lockstep: resnet20 in f32"},
                kernels=[("resnet18", "f32", 1, ["--only", "global_avg_pool"])],
                steps=[Steps("resnet20", "all", "f32", 2, 16)], repeats=1, rounds=2)


@dataclass
class Context:
    out: Path
    emulated: bool = False
    build: Path = None  # where the programs were built
    carry: Path = None
    sm: str = None
    only_carried: bool = False
    peer: list = None  # command of the peer, without arguments; None: found on this machine
    plan: Plan = field(default_factory=gpu_plan)

    @property
    def store(self):
        return Store(self.out / "results")

    def log(self, part, name):
        return self.out / "logs" / part / (name.replace("/", "-").replace(" ", "_") + ".log")

    @property
    def scratch(self):
        return self.out / "logs" / "machine"

    def program(self, name):
        """thaw_tests or bench; of an ordinary build on the emulator, the ones that are linked with it."""
        folders = {"thaw_tests": "tests", "bench": "tools"}
        own = self.build / folders[name] / name
        emulated = self.build / "tests" / f"{name}_emulated"
        return emulated if self.emulated and emulated.exists() else own

    def unready(self):
        """Why nothing can run on the device, or None."""
        for name in ("thaw_tests", "bench"):
            if not os.access(self.program(name), os.X_OK):
                return f"{name} is not built; `tests/gpu build` builds it"
        answer = machine.run([self.program("thaw_tests"), "--test-case=none"], self.scratch / "device.log", 120)
        if answer.code != 0:
            return f"thaw_tests does not start: {machine.last_line(answer.text)}"
        for line in answer.text.splitlines():
            if line.startswith("cuda: not run: "):
                return f"no GPU answers: {line.removeprefix('cuda: not run: ')}"
        return None
