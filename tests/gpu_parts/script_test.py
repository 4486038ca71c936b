#!/usr/bin/env python3
"""What tests/gpu makes of its commands, with stand-ins for them. rehearsal.py runs the real ones on the emulator."""

import contextlib
import importlib.util
import io
import itertools
import os
import platform
import subprocess
import sys
import tempfile
import time
import unittest
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
loader = SourceFileLoader("gpu", str(TESTS / "gpu"))
gpu = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu", loader))
loader.exec_module(gpu)

from gpu_parts import build, calls, machine, pack, report, roofline, step_profile  # noqa: E402
from gpu_parts.context import SLOW, Context, emulated_plan, gpu_plan  # noqa: E402
from gpu_parts.results import FAILED, NOT_RUN, PASSED  # noqa: E402

SUMMARY = "[doctest] test cases:  3 |  %d passed | %d failed | 9 skipped"
GOOD_TESTS = f"""
import sys
if "--test-case=none" not in sys.argv: print("{SUMMARY % (3, 0)}")
if "lockstep" in " ".join(sys.argv): print("lockstep\\tresnet20 f32\\tforward fc\\t1e-7\\t1e-5")
"""
BENCH = """
import json, sys
def say(**answer): print(json.dumps(answer), flush=True)
if "--step" in sys.argv:
    say(device="stand-in", task=sys.argv[sys.argv.index("--only") + 1], ms=5, peak_bytes=1)
else:
    say(device="stand-in", precision="f32", limits={"copy_gbytes_per_second": 100.0})
    if "limits" not in sys.argv: say(op="add", shape="1x1", count=2, ms=1.0, gflops=0.0, gbytes_per_second=50.0)
"""
PEER = """
import json, sys
for line in sys.stdin:
    compiled = {"graphs": 1, "compile_seconds": 60.0} if line.startswith("compiled") else {}
    print(json.dumps({"flops": 1e12} if line.startswith("peak") else {"ms": 10.0, "peak_bytes": 1, **compiled}), flush=True)
"""
SANITIZER = """
import os, subprocess, sys
assert os.environ["THAW_POOL"] == "passthrough"
code = subprocess.call([w for w in sys.argv[1:] if "kernel_tests" in w or "--source" in w])
print("========= ERROR SUMMARY: 0 errors")
sys.exit(code)
"""
NCU = """
import subprocess, sys
print("==PROF== Connected to process 7")
rest = sys.argv[sys.argv.index("--launch-count") + 1:]
if subprocess.call(rest[1:]): sys.exit("==ERROR== The application returned an error code (1).")
print("==PROF== Disconnected from process 7")
head = ["ID", "Process ID", "Process Name", "Host Name", "Kernel Name", "Context", "Stream", "Block Size", "Grid Size",
        "Device", "CC", "Section Name", "Metric Name", "Metric Unit", "Metric Value"]
def say(words): print(",".join('"%s"' % word for word in words))
say(head)
for number, name in enumerate(open(sys.argv[0] + ".kernels").read().splitlines()[:int(rest[0])]):
    for metric in (("dram__bytes_read.sum", "byte", "2,500,000"), ("dram__bytes_write.sum", "byte", "500,000"),
                   ("gpu__time_duration.sum", "ns", "1,546,464")):
        say([number, 7, "bench", "127.0.0.1", name, 1, 13, "(256, 2, 1)", "(3, 2, 1)", 0, "9.0", "metrics", *metric])
"""
NORMALIZE = "void thaw::<unnamed>::normalize_kernel<0, __nv_bfloat16>(thaw::Columns, long, const unsigned char *)"
APPLY = "void thaw::<unnamed>::apply_kernel<1, __nv_bfloat16>(thaw::<unnamed>::ApplyArguments<T2>)"
STRANGE = "void made_up::Kernel<(int)3, T1>(T1::Params)"


class StandIns(unittest.TestCase):
    """A build folder with stand-ins for the programs, and what runs them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", self.path)
        os.environ["PATH"] = f"{self.folder}:{self.path}"
        peer = self.program("peer", PEER)
        self.context = self.fresh_context(peer=[str(peer)])
        self.tests = self.program("tests/thaw_tests", GOOD_TESTS)
        self.program("tools/bench", BENCH)
        self.program("compute-sanitizer", SANITIZER)
        self.part("build")

    def fresh_context(self, **more):
        return Context(out=self.folder / "out", emulated=self.folder, carry=self.folder / "carry", plan=emulated_plan(),
                       **more)

    def program(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)
        return path

    def part(self, name, minutes=5.0, go_on=False):
        with contextlib.redirect_stdout(io.StringIO()):
            return gpu.run_part(self.context, name, minutes, go_on)

    def report(self):
        with contextlib.redirect_stdout(io.StringIO()):
            path, found = gpu.write_report(self.context, self.folder)
        return path.read_text(), found


class Script(StandIns):
    def test_all_parts(self):
        for part in gpu.PARTS:
            self.part(part)
        text, (passed, failed, unrun) = self.report()
        for title in report.TITLES.values():
            self.assertIn(f"## {title}\n", text)
        self.assertEqual((failed, unrun), (0, 2))  # an emulated run builds nothing
        self.assertIn(f"{passed} pieces passed, 0 failed, 2 not run", text)
        self.assertIn("| memcheck | 1 | 0 | 0 |", text)
        self.assertIn("| resnet20 f32 | forward fc | 1e-7 | 1e-5 |", text)
        self.assertIn("| `add` | 1x1 | 2 | 1.0000 | 50 | 50% | 50% |", text)
        for step in ("train all", "inference"):
            self.assertIn(f"| resnet20 | {step} | f32 | 2 | 5.00 | 400 | 10.00 | 2.00 | 10.00 | 2.00 | not known |  | 2 |",
                          text)
        self.assertIn("torch.compile made 1 graphs, the first step took 60 s", text)

    def test_nothing_ran(self):
        self.context.store.clear()
        text, (passed, failed, unrun) = self.report()
        self.assertEqual((passed, failed), (0, 0))
        for part in gpu.PARTS:
            self.assertIn(f"`tests/gpu {part}` was not run", text)

    def test_a_failing_case(self):
        self.program("tests/thaw_tests", f"print('{SUMMARY % (2, 1)}'); raise SystemExit('--test-case=none' not in "
                                         "__import__('sys').argv)")
        self.assertEqual({result.status for result in self.part("test")}, {FAILED})
        self.assertEqual({result.status for result in self.part("sanitize")}, {FAILED})
        text, (_, failed, _) = self.report()
        self.assertEqual(failed, 5)
        self.assertIn("| kernels | failed: exit code 1, 1 cases failed", text)

    def test_exit_codes(self):
        def code(part):
            command = [TESTS / "gpu", *part.split(), "--emulated", self.folder, "--out", self.folder / "out"]
            return subprocess.run(command, capture_output=True, check=False).returncode
        self.assertEqual(code("test"), 0)
        self.program("tests/thaw_tests", f"print('{SUMMARY % (3, 0)}')\nif '--test-case=none' not in "
                                         "__import__('sys').argv: raise SystemExit(1)")
        self.assertEqual(code("test"), 1)
        self.assertEqual(code("report"), 1)
        self.assertEqual(code("tests"), 2)
        self.assertEqual(code("1"), 2)
        self.assertEqual(code(f"2 --results {self.folder}/home"), 2)
        self.assertEqual(code(f"2 --results {self.folder}/home --from {self.folder}/nothing"), 2)
        self.assertEqual(code(f"0 --results {self.folder}/home"), 0)
        self.assertEqual(code(f"0 --results {self.folder}/home --from {self.folder}/home"), 2)  # the first of all
        self.assertEqual(code(f"report --from {self.folder}/home"), 2)

    def test_no_gpu(self):
        self.program("tests/thaw_tests", f"print('{SUMMARY % (3, 0)}'); print('cuda: not run: no driver')")
        self.context = self.fresh_context()
        for part in gpu.PARTS:
            passed = [result.status for result in self.part(part)].count(PASSED)
            self.assertEqual(passed, 2 if part == "build" else 0)  # the programs are there
        text, (_, failed, _) = self.report()
        self.assertEqual(failed, 0)
        self.assertIn("not run: no GPU answers: no driver", text)

    def test_cases_that_did_not_run(self):
        self.program("tests/thaw_tests", GOOD_TESTS + "print('a.cpp:5: MESSAGE: not run: no data')")
        result = self.part("test")[0]
        self.assertEqual((result.status, result.data["passed"], result.data["not run"]), (PASSED, 2, 1))
        self.program("tests/thaw_tests", GOOD_TESTS + "print('not run: no data\\n' * 3)")
        self.assertEqual(self.part("test")[0].status, NOT_RUN)

    def test_sanitizers(self):
        os.environ["PATH"] = self.path
        (self.folder / "compute-sanitizer").unlink()
        self.assertEqual({result.status for result in self.part("sanitize")}, {NOT_RUN})
        os.environ["PATH"] = f"{self.folder}:{self.path}"
        self.program("compute-sanitizer", f"print('{SUMMARY % (3, 0)}\\n========= RACECHECK SUMMARY: 2 hazards')")
        self.assertEqual({result.status for result in self.part("sanitize")}, {FAILED})
        self.program("compute-sanitizer", f"print('{SUMMARY % (3, 0)}')")
        self.assertEqual(self.part("sanitize")[0].reason, "compute-sanitizer gave no summary")

    def test_time(self):
        self.assertEqual({result.status for result in self.part("test", minutes=0)}, {NOT_RUN})
        self.assertEqual({result.status for result in self.part("test", go_on=True)}, {PASSED})
        self.program("tests/thaw_tests", "import sys, time\nif '--test-case=none' not in sys.argv: time.sleep(60)")
        self.context.plan.tests = {"kernels": ("kernel_tests", [])}
        all_pieces = gpu.pieces
        self.addCleanup(setattr, gpu, "pieces", all_pieces)
        gpu.pieces = lambda context, part: [replace(p, limit_s=2.0, least_s=0.0) for p in all_pieces(context, part)]
        self.assertEqual(self.part("test")[0].status, FAILED)
        result = self.part("test", minutes=1 / 60)[0]  # the part's time is over before the piece's
        self.assertEqual((result.status, result.reason[:18]), (NOT_RUN, "did not end within"))

    def test_a_lacking_peer(self):
        self.program("peer", "import sys\nfor line in sys.stdin: print('{\"error\": \"out of memory\"}', flush=True)")
        steps = self.part("speed")[3]
        self.assertEqual(steps.status, NOT_RUN)
        self.assertIn("out of memory", steps.reason)
        self.assertIn("| 5.00 | 400 | not run |", self.report()[0])
        self.program("tools/bench", "raise SystemExit('error: no memory')")
        steps = self.part("speed")[3]
        self.assertEqual((steps.status, steps.reason), (FAILED, "error: no memory"))

    def profile(self, kernels, launches=20, seconds=60):
        """What becomes of a profile with these kernels."""
        (self.folder / "ncu.kernels").write_text("\n".join(kernels))
        self.context.plan.profiles = [(self.context.plan.goals[0], launches)]
        self.piece = next(piece for piece in gpu.pieces(self.context, "speed") if piece.name.startswith("profile "))
        piece, deadline = replace(self.piece, least_s=0.0), time.monotonic() + seconds
        with contextlib.redirect_stdout(io.StringIO()):
            return gpu.run_piece(self.context, piece, deadline, lambda: None)

    def test_a_profile(self):
        self.program("ncu", NCU)
        result = self.profile([APPLY, NORMALIZE, APPLY, STRANGE, APPLY, NORMALIZE, APPLY])
        self.assertEqual((result.status, result.data["kernels"], round(result.data["us"])), (PASSED, 4, 6186))
        groups = {name: (count, round(us), moved) for name, count, us, moved in result.data["groups"]}
        self.assertEqual(groups, {"BatchNorm apply": (2, 3093, 6e6), "normalize_u8": (1, 1546, 3e6),
                                  "`made_up::Kernel<3, T1>`": (1, 1546, 3e6)})
        self.assertIn("--launch-count 20 ", result.command)
        text = self.report()[0]
        self.assertIn("#### resnet20 all f32 2 train: 4 kernels, 6.2 ms\n", text)
        self.assertIn("| BatchNorm apply | 2 | 3.09 | 0.01 | 0.00 |", text)
        lines = self.context.log("speed", self.piece.name).with_suffix(".tsv").read_text().splitlines()
        self.assertEqual(lines[1], "thaw::normalize_kernel<0, bf16>\t6\t512\t1546.5\t2.5\t0.5")
        self.assertEqual(len(lines), 5)
        # A program that ends after its step has no second one.
        self.assertEqual(self.profile([APPLY, NORMALIZE, APPLY]).data["kernels"], 2)

    def test_profiles_that_are_none(self):
        def reason(kernels, **more):
            result = self.profile(kernels, **more)
            self.assertEqual(result.data, {})
            return f"{result.status}: {result.reason}"
        step = [NORMALIZE, APPLY, APPLY, NORMALIZE]
        self.assertEqual(reason(step), "not run: Nsight Compute (ncu) is not on this machine")
        self.program("ncu", NCU)
        self.assertEqual(reason(step, launches=3), "not run: the step has more kernels than the 3 that were asked for")
        self.assertEqual(reason([APPLY]), "failed: Nsight Compute told of 1 kernels, of no thaw::normalize_kernel")
        for word in ("ERR_NVGPUCTRPERM", "LibraryNotLoaded"):
            self.program("ncu", f"print('==ERROR== {word} - no'); raise SystemExit(1)")
            self.assertEqual(reason(step), f"not run: Nsight Compute is refused here: {word}")
        self.program("ncu", NCU + "sys.stdout.flush(); import time; time.sleep(60)")
        self.assertEqual(reason(step, seconds=2)[:27], "not run: did not end within")
        self.program("ncu", NCU)
        self.program("tools/bench", "raise SystemExit('error: no memory')")
        self.assertEqual(reason(step), "failed: error: no memory")

    def test_kinds_of_work(self):
        for name, kind in (
                ("void thaw::column_sums_kernel<2, thaw::<unnamed>::Moments<__nv_bfloat16, 1>>(T2)",
                 "sums of statistics"),
                ("void thaw::column_sums_kernel<2, thaw::<unnamed>::WonGradients<__nv_bfloat16, 1>>(T2)",
                 "the stem's pooling, backward"),
                ("void thaw::column_sums_kernel<2, thaw::<unnamed>::WonByPixels<__nv_bfloat16, 1>>(T2)",
                 "the stem's pooling, backward"),
                ("void thaw::map_kernel<8, thaw::<unnamed>::Sum, float>(T2)",
                 "addition of gradients where a block begins"),
                ("void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816fprop_optimized_bf16_256x64>(T1::Params)",
                 "the stem's convolution and its weight gradient"),
                ("void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816dgrad_optimized_bf16_128x128>(T1::Params)",
                 "convolutions, data gradient"),
                ("sm90_xmma_wgrad_indexed_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize64x64x64_warpgroup",
                 "convolutions, weight gradient"),
                ("nvjet_sm90_tst_128x256_64x4_1x2_h_bz_coopA_TNN", "convolutions as matrix products (nvjet, cutlass)"),
                ("void cutlass__5x_cudnn::Kernel<reduction::ReduceSplitK<cutlass__5x_cudnn::MatrixShape<4, 256>>>(T1)",
                 "padding, cutting and preparation inside cuDNN")):
            self.assertEqual(step_profile.kind(step_profile.shortened(name)), kind)

    def test_plan_of_a_gpu(self):
        plan = gpu_plan()
        self.assertIn("conv2d_test.cpp", plan.sanitized)
        self.assertNotIn("include_table_test.cpp", plan.sanitized)
        self.assertEqual(len(set(plan.steps)), len(plan.steps))
        self.assertEqual([step.model for step in plan.goals], ["resnet50", "densenet121"])
        listed = [piece for part in gpu.PARTS for piece in gpu.pieces(Context(out=self.folder / "gpu"), part)]
        titles = [piece.title for piece in calls.ordered(Context(out=self.folder / "gpu"), listed)]
        for earlier, later in itertools.pairwise((
                "build first", "build device", "test kernels", "speed limits",
                "speed thaw resnet50 all bf16 256 train", "speed thaw densenet121 all bf16 256 train",
                "speed versus resnet50 all bf16 256 train", "speed versus densenet121 all bf16 256 train",
                "speed profile resnet50 all bf16 256 train", "speed profile densenet121 all bf16 256 train",
                "test convolutions", "build rest",
                "lockstep layer by layer", "sanitize memcheck conv2d_test.cpp", "speed matrix product",
                "speed ops resnet50 bf16 256", "speed versus resnet50 last block bf16 256 train",
                "sanitize racecheck conv2d_test.cpp", "test layers")):
            self.assertLess(titles.index(earlier), titles.index(later))
        self.assertLessEqual({*calls.LIMITS, calls.BESIDE}, set(titles))
        cases = (TESTS / "kernels" / "conv2d_test.cpp").read_text()
        for pattern in SLOW.split(","):
            self.assertEqual(cases.count(f'TEST_CASE("{pattern.removesuffix("*")}'), 1)
        for folder in (TESTS / "kernels").parent.iterdir():
            if list(folder.rglob("*_test.cpp")) and folder.name != "simt":
                self.assertIn(folder.name, plan.tests)

    def test_sources_are_the_same_in_another_place(self):
        self.addCleanup(setattr, machine, "ROOT", machine.ROOT)
        def sources(place, out="build/gpu", text="project(Thaw)", sm="90"):
            machine.ROOT = self.folder / place
            machine.ROOT.mkdir(exist_ok=True)
            (machine.ROOT / "CMakeLists.txt").write_text(text)
            return Context(out=machine.ROOT / out, plan=emulated_plan(), sm=sm).sources
        self.assertEqual(sources("here"), sources("there"))
        self.program("nvidia-smi", "print('9.0')")
        self.assertEqual(sources("here"), sources("there", sm=None))
        for other in ({"out": "other/gpu"}, {"text": "project(Other)"}, {"sm": "100"}):
            self.assertNotEqual(sources("here"), sources("there", **other))

    def test_packages_of_another_machine(self):
        self.assertIn("is not there", pack.refusal(self.folder / "carry"))
        (self.folder / "carry").mkdir()
        (self.folder / "carry" / "machine").write_text("pdp11\n")
        self.assertIn("pdp11", pack.refusal(self.folder / "carry"))

    def test_headers_from_elsewhere(self):
        (self.context.build / ".ninja_deps").touch()
        (self.folder / "carry").mkdir()
        (self.folder / "carry" / "machine").write_text(platform.machine() + "\n")
        self.program("ninja", f"print('a.o: #deps 2\\n    {self.folder}/carry/include/CLI/CLI.hpp\\n    ../a/io/zlib.hpp')")
        self.assertEqual(build.carried_only(self.context, 60).status, PASSED)
        self.program("ninja", f"print('    {self.folder}/carry/include/CLI/CLI.hpp\\n    /nowhere/png.h')")
        result = build.carried_only(self.context, 60)
        self.assertEqual((result.status, result.reason), (FAILED, "taken from elsewhere: /nowhere/png.h"))
        self.program("ninja", "print('    ../a/io/image.h')")
        self.assertEqual(build.carried_only(self.context, 60).status, FAILED)

    def test_roofline(self):
        def flops(model, plan, task):  # of one picture: all that counts where memory is free
            return roofline.step_seconds(model, plan, task, 1, 224, 2, 1.0, float("inf"))
        # Torchvision's 4.09 and 1.81 G multiply-adds.
        self.assertAlmostEqual(flops("resnet50", "all", "inference") / 2e9, 4.09, delta=0.01)
        self.assertAlmostEqual(flops("resnet18", "all", "inference") / 2e9, 1.814, delta=0.01)
        # Three times the forward pass, less the gradient of the pictures that nothing wants.
        stem = 2 * 64 * 112 * 112 * 3 * 49
        self.assertAlmostEqual(flops("resnet50", "all", "train"), 3 * flops("resnet50", "all", "inference") - stem)
        self.assertLess(flops("resnet50", "last block", "train"), 1.5 * flops("resnet50", "all", "inference"))
        # 2.834 G, less what the transitions save that pool before they convolve.
        saved = 3 / 4 * sum(c * c // 2 * side**2 for c, side in ((256, 56), (512, 28), (1024, 14)))
        self.assertAlmostEqual((flops("densenet121", "all", "inference") / 2 + saved) / 1e9, 2.834, delta=0.01)
        self.assertAlmostEqual(flops("densenet121", "all", "train"), 3 * flops("densenet121", "all", "inference") - stem)
        self.assertLess(flops("densenet121", "last block", "train"), 1.5 * flops("densenet121", "all", "inference"))

        def megabytes(model, plan, task):  # of one picture of 256: what each kernel touches at least
            return roofline.step_seconds(model, plan, task, 256, 224, 2, 0.0, 1e6) / 256
        # Counted from the calls of Thaw's own steps, with the copies within cuDNN's workspaces.
        self.assertAlmostEqual(megabytes("resnet50", "all", "train"), 345, delta=5)
        self.assertAlmostEqual(megabytes("densenet121", "all", "train"), 445, delta=10)
        self.assertIsNone(roofline.step_seconds("resnet20", "all", "train", 1, 32, 4, 1.0, 1.0))


if __name__ == "__main__":
    unittest.main()
