#!/usr/bin/env python3
"""What the calls of tests/gpu bring home, with stand-ins for the programs."""

import contextlib
import io
import json
import os
import shutil
import sys
import tarfile
import time
import unittest
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from gpu_parts import archive, calls, machine  # noqa: E402
from gpu_parts.script_test import BENCH, GOOD_TESTS, PEER, SUMMARY, StandIns, gpu  # noqa: E402
from gpu_parts.results import FAILED, NOT_RUN, PASSED, Result  # noqa: E402


class Calls(StandIns):
    """The calls on a lent machine; what they bring home is in `home`."""

    def setUp(self):
        super().setUp()
        self.home = self.folder / "home"
        self.listed = [piece for part in gpu.PARTS for piece in gpu.pieces(self.context, part)]

    def call(self, number, home=None, seconds=300, run_piece=gpu.run_piece):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            calls.run(self.context, self.listed, number, self.home, home, time.monotonic() + seconds, run_piece,
                      lambda: gpu.write_report(self.context, self.context.out, "page.md"))
        return said.getvalue()

    def brought(self, call=1):
        """{title: result} of the tarball."""
        with tarfile.open(self.home / f"gpu-{call}.tar.gz") as tar:
            read = {name: tar.extractfile(name).read() for name in tar.getnames()}
        stored = {p.title: f"results/{p.part}/{self.context.store.path(p.part, p.name).name}" for p in self.listed}
        return {title: json.loads(read[name]) for title, name in stored.items() if name in read}, read

    def test_every_answer_is_home_at_once(self):
        def checked(*arguments):
            result = gpu.run_piece(*arguments)
            for piece in self.listed:
                if self.context.store.read(piece).status == PASSED:
                    self.assertEqual(self.brought()[0][piece.title]["status"], PASSED)
            return result
        self.call(1, run_piece=checked)
        results, read = self.brought()
        self.assertEqual([result["status"] for result in results.values()].count(PASSED), len(self.listed) - 2)
        self.assertIn(b"| resnet20 | train all | f32 | 2 | 5.00 |", read["page.md"])
        self.assertIn("logs/test/kernels.log", read)

    def test_answers_of_a_piece_that_hangs(self):
        self.program("tools/bench", BENCH + "import time\nif '--step' not in sys.argv and 'limits' not in sys.argv: "
                                            "time.sleep(600)")
        self.listed = [replace(p, limit_s=2.0) if p.name.startswith("ops ") else p for p in self.listed]
        title, seen = "speed ops resnet18 f32 1", []
        def watched(context, piece, deadline, save):
            def saved():
                save()
                if piece.title == title:
                    seen.append(self.brought()[0][title]["data"])
            return gpu.run_piece(context, piece, deadline, saved)
        self.call(1, run_piece=watched)
        self.assertIn(1, [len(data.get("ops", [])) for data in seen[:-1]])  # the last one is that of its end
        result = self.brought()[0]["speed ops resnet18 f32 1"]
        self.assertEqual((result["status"], len(result["data"]["ops"])), (NOT_RUN, 1))
        self.assertIn(b"| `add` | 1x1 |", self.brought()[1]["page.md"])

    def test_rounds_that_were_cut(self):
        counts = "import pathlib, sys, time\nfile = pathlib.Path(__file__ + '.count')\n" \
                 "def count(): file.open('a').write('.'); return len(file.read_text())\n"
        hangs = {"peer": counts + PEER.replace("    compiled =", "    if 'eager' in line and count() > 1: time.sleep(600)\n"
                                                                "    compiled ="),
                 "tools/bench": counts + "if '--step' in sys.argv and count() > 1: time.sleep(600)\n" + BENCH}
        piece = next(p for p in self.listed if p.title == "speed versus resnet20 all f32 2 train")
        self.listed = [p for p in self.listed if p.part == "build"] + [replace(piece, limit_s=6.0)]
        for program, text in hangs.items():
            with self.subTest(program):
                self.program("peer", PEER)
                self.program("tools/bench", BENCH)
                self.program(program, text)
                self.call(1)
                result = self.brought()[0][piece.title]
                self.assertEqual((result["status"], result["data"]["rounds"]), (PASSED, 1))

    def test_torch_compile_compiles_once(self):
        starts = self.folder / "starts"
        self.program("peer", f"open({str(starts)!r}, 'a').write('.')\n" + PEER)
        self.context.plan.rounds = 3
        self.call(1)
        self.assertEqual(len(self.brought()[0]["speed versus resnet20 all f32 2 train"]["data"]["all_ms"]["compiled"]), 3)
        self.assertEqual(len(starts.read_text()), 1 + len(self.context.plan.steps))  # one for the matrix product

    def test_the_next_call(self):
        self.program("tests/thaw_tests", f"print('{SUMMARY % (2, 1)}'); raise SystemExit('--test-case=none' not in "
                                         "__import__('sys').argv)")
        self.call(1)
        self.assertEqual(self.brought()[0]["test kernels"]["status"], FAILED)
        self.program("tests/thaw_tests", GOOD_TESTS)
        self.call(2, self.home)  # of the same sources: a failure stands
        self.assertEqual(self.brought(2)[0]["test kernels"]["status"], FAILED)
        known, self.context.sources = self.context.sources, "others"
        self.assertIn("goes on from call 2; programs: built anew", self.call(3, self.home))
        results, read = self.brought(3)
        self.assertEqual(results["test kernels"]["status"], PASSED)
        self.assertEqual(results["speed limits"]["sources"], known)
        self.assertIn(b"Of other sources than the rest: ", read["page.md"])

    def test_what_comes_last(self):
        limits = next(piece for piece in self.listed if piece.title == "speed limits")
        self.assertLess(calls.ordered(self.context, self.listed).index(limits), 7)
        self.call(1, seconds=0)
        self.assertEqual({self.context.store.read(piece).status for piece in self.listed}, {NOT_RUN})
        class Killed(BaseException):
            pass
        def killed(context, piece, deadline, save):
            if piece is limits:
                piece = replace(piece, run=lambda *_: (_ for _ in ()).throw(Killed))
            return gpu.run_piece(context, piece, deadline, save)
        with self.assertRaises(Killed):
            self.call(1, run_piece=killed)
        self.assertEqual(calls.ordered(self.context, self.listed)[-1], limits)

    def build_at_home(self):
        listed, self.listed = self.listed, [piece for piece in self.listed if piece.part == "build"]
        self.call(0)
        self.listed = listed
        shutil.rmtree(self.context.build)

    def test_programs_built_at_home(self):
        self.home.mkdir()
        (self.home / "programs-0123456789ab-rest-1of1").write_text("of other sources")
        old = self.context.log("speed", "old")
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_text("of another run")
        self.build_at_home()
        self.assertNotIn("logs/speed/old.log", self.brought(0)[1])
        self.assertEqual([name.split("-")[1] for name in os.listdir(self.home) if name.startswith("programs-")],
                         [self.context.sources])
        ran = []
        def watched(context, piece, *more):
            ran.append(piece.title)
            return gpu.run_piece(context, piece, *more)
        self.assertIn("goes on from call 0; programs: restored", self.call(1, self.home, run_piece=watched))
        self.assertNotIn("build first", ran)
        self.assertNotIn("build rest", ran)
        self.assertEqual(self.brought(1)[0]["test kernels"]["status"], PASSED)

    def test_programs_that_do_not_start_here(self):
        self.addCleanup(machine.LIBRARIES.clear)
        self.addCleanup(setattr, machine, "pip_libraries", machine.pip_libraries)
        machine.pip_libraries = lambda scratch: ["/of/a/python"]
        self.program("tests/thaw_tests", "import os\nif '/of/a/python' not in os.environ['LD_LIBRARY_PATH']: "
                                         "raise SystemExit('libcudnn.so.9: not found')\n" + GOOD_TESTS)
        self.build_at_home()
        self.assertIn("programs: restored", self.call(1, self.home))
        self.assertEqual(self.brought(1)[0]["test kernels"]["status"], PASSED)
        machine.LIBRARIES.clear()
        machine.pip_libraries = lambda scratch: []
        self.assertIn("programs: built anew, since those that came along do not start here: libcudnn.so.9: not found",
                      self.call(1, self.home))
        self.assertEqual(self.brought(1)[0]["build first"]["status"], PASSED)  # again

    def test_nothing_is_built_where_the_programs_are(self):
        self.context.store.clear()
        self.context.emulated = None
        archive.forget(self.context, self.listed, "first")
        self.assertEqual({self.context.store.read(piece).status for piece in self.listed}, {NOT_RUN})
        archive.forget(self.context, self.listed, "rest")
        done = [piece.name for piece in self.listed if self.context.store.read(piece).status == PASSED]
        self.assertEqual(done, ["configure", "first", "rest"])

    def test_limits_of_the_first_call(self):
        title = "speed versus resnet20 all f32 2 train"
        self.addCleanup(setattr, calls, "LIMITS", calls.LIMITS)
        calls.LIMITS = {title: 77}
        def limit(number, home):
            found = {}
            def watched(context, piece, *more):
                found[piece.title] = piece.limit_s
                return gpu.run_piece(context, replace(piece, run=lambda *_: Result(FAILED)), *more)
            self.call(number, home, run_piece=watched)
            return found[title]
        self.assertEqual(limit(1, None), 77)
        self.context.sources = "others"  # what failed runs again
        self.assertEqual(limit(2, self.home), 400)

    def test_logs_are_cut_and_tables_are_not(self):
        for name in ("long.log", "long.tsv"):
            path = self.context.out / "logs" / "speed" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 300_000)
        archive.write_state(self.context, self.home, 1)
        read = self.brought()[1]
        self.assertEqual((len(read["logs/speed/long.log"]), len(read["logs/speed/long.tsv"])), (262_149, 300_000))

    def test_programs_in_parts(self):
        def state(): return sorted(path.name for path in self.home.glob("programs-*"))
        self.addCleanup(setattr, archive, "LIMIT", archive.LIMIT)
        self.addCleanup(setattr, archive, "MOST_FILES", archive.MOST_FILES)
        archive.LIMIT, archive.MOST_FILES = 300, 20
        self.call(1, seconds=100)
        self.assertGreater(len(state()), 1)
        self.assertEqual({name.split("-")[2] for name in state()}, {"rest"})
        def restored():
            shutil.rmtree(self.context.build)
            return self.call(2, self.home)
        self.assertIn("programs: restored", restored())
        self.assertEqual((self.context.build / "tests/thaw_tests").read_text(), self.tests.read_text())
        (self.home / state()[0]).unlink()
        self.assertIn("programs: built anew", restored())
        archive.MOST_FILES = 1
        self.assertIn("the programs are too large to bring home", self.call(1))

    def test_files_that_are_damaged(self):
        self.call(1)
        (self.home / "gpu-2.tar.gz").write_bytes((self.home / "gpu-1.tar.gz").read_bytes()[:500])
        self.assertIn("gpu-2.tar.gz cannot be read", self.call(3, self.home))
        self.assertIn("goes on from call 1", self.call(2, self.home))
        shutil.copy(self.home / "gpu-1.tar.gz", self.home / "gpu-3.tar.gz")
        self.assertIn("goes on from call 1", self.call(2, self.home))  # a call 3 is of another time
        with self.assertRaises(ValueError):
            archive.restore_state(self.context, self.folder)
        self.assertTrue((self.context.out / "results").exists())  # what is here goes only for something in its place
        replacing = os.replace
        self.addCleanup(setattr, os, "replace", replacing)
        os.replace = lambda *_: (_ for _ in ()).throw(OSError("killed"))
        before = (self.home / "gpu-1.tar.gz").read_bytes()
        with self.assertRaises(OSError):
            archive.write_state(self.context, self.home, 1)
        self.assertEqual((self.home / "gpu-1.tar.gz").read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
