"""What a call on a lent machine brings home, and what the next one takes from there; call 0 is the build at home.

gpu-CALL.tar.gz           results, logs, page and cuDNN's tuned plans; written anew after every answer
programs-SOURCES-STAGE-1of2   the built programs, in files that are small enough; SOURCES: of what they were built
"""

import gzip
import io
import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from gpu_parts import build, machine
from gpu_parts.results import FAILED, NOT_RUN, PASSED, Result

LIMIT = 15 << 20  # bytes of a file that comes home: at most 16 MiB
MOST_FILES = 6  # of at most 8 that come home
BUILDING = ("build configure", "build first", "build rest")
KEPT_LOG = 128 << 10  # of each end of a log


def put(path, content):
    """All of it or nothing, whenever this is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)


def trimmed(path):
    content = path.read_bytes()
    if len(content) <= 2 * KEPT_LOG:
        return content
    return content[:KEPT_LOG] + b"\n...\n" + content[-KEPT_LOG:]


def write_state(context, folder, call):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=3) as tar:
        for part in ("results", "logs", "cache", "page.md"):
            top = context.out / part
            for path in [top] if top.is_file() else sorted(top.rglob("*")):
                if not path.is_file() or path.is_symlink() or path.suffix == ".new":
                    continue
                content = trimmed(path) if path.suffix == ".log" else path.read_bytes()
                entry = tarfile.TarInfo(str(path.relative_to(context.out)))
                entry.size, entry.mtime = len(content), int(path.stat().st_mtime)
                tar.addfile(entry, io.BytesIO(content))
    put(folder / f"gpu-{call}.tar.gz", buffer.getvalue())


def built(context, stage):
    """The programs of a stage, relative to the build: of `first` what the first answers need, of `rest` all."""
    folders = ("tests", "tools", "docs/freezing")
    found = [path for folder in folders for path in sorted((context.build / folder).glob("*"))
             if path.is_file() and os.access(path, os.X_OK)]
    return [path for path in found if stage == "rest" or path.name in build.FIRST]


def write_programs(context, folder, stage):
    """What could not be kept, or None."""
    strip = machine.find_program("strip")
    with tempfile.TemporaryDirectory() as scratch:
        small = Path(scratch)
        for path in built(context, stage):
            copy = small / path.relative_to(context.build)
            copy.parent.mkdir(parents=True, exist_ok=True)
            done = strip and machine.run([strip, "-o", copy, path], context.scratch / "strip.log", 60).code == 0
            if not done:
                shutil.copy(path, copy)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(small, ".")
    content = gzip.compress(buffer.getvalue(), 6)
    parts = [content[i:i + LIMIT] for i in range(0, len(content), LIMIT)]
    if len(parts) > MOST_FILES:
        return f"the programs are too large to bring home, {len(content) >> 20} MiB; the next call builds them anew"
    names = [f"programs-{context.sources}-{stage}-{number}of{len(parts)}" for number in range(1, len(parts) + 1)]
    for name, part in zip(names, parts):
        put(folder / name, part)
    for old in folder.glob("programs-*"):  # `rest` holds the first, too; what is of other sources need not travel
        if stage == "rest" and old.name not in names:
            old.unlink()
    return None


def unpack(tar, to):
    for entry in tar:
        target = to / entry.name
        if not entry.isfile() or to.resolve() not in target.resolve().parents:
            continue
        put(target, tar.extractfile(entry).read())
        target.chmod(entry.mode & 0o777 | 0o600)


def clear_state(context):
    for part in ("results", "logs", "cache"):
        shutil.rmtree(context.out / part, ignore_errors=True)


def restore_state(context, home, before=None):
    """The call whose state it is: the newest before call `before` that can be read. ValueError: there is none."""
    states = {int(found.group(1)): path for path in home.glob("gpu-*.tar.gz")
              if (found := re.fullmatch(r"gpu-(\d+)\.tar\.gz", path.name))}
    context.out.mkdir(parents=True, exist_ok=True)
    for call in sorted(states, reverse=True):
        if before is not None and call >= before:  # of another time
            continue
        # What is here goes only when there is something in its place.
        with tempfile.TemporaryDirectory(dir=context.out) as found:
            try:
                with tarfile.open(states[call]) as tar:
                    unpack(tar, Path(found))
            except (OSError, EOFError, tarfile.TarError) as error:
                print(f"{states[call]} cannot be read: {error}", flush=True)
                continue
            clear_state(context)
            for path in Path(found).iterdir():
                target = context.out / path.name
                if target.is_file():
                    target.unlink()
                shutil.move(path, target)
        return call
    raise ValueError(f"{home} holds no gpu-CALL.tar.gz that can be read; it is what the call before brought home")


def restore_programs(context, home):
    """The stage that was restored, or None."""
    sources = context.sources
    for stage in ("rest", "first"):
        parts = sorted(home.glob(f"programs-{sources}-{stage}-*of*"))  # fewer than ten
        if not parts or len(parts) != int(parts[0].name.split("of")[-1]):
            continue
        try:
            with tarfile.open(fileobj=io.BytesIO(b"".join(part.read_bytes() for part in parts))) as tar:
                unpack(tar, context.build)
        except (OSError, EOFError, tarfile.TarError) as error:
            print(f"{parts[0]} cannot be read: {error}", flush=True)
            continue
        return stage
    return None


def forget(context, listed, stage):
    """Drops results that do not stand: of the build where its programs are not here, and failures of other sources.

    Where all programs are here, nothing is left to build.
    """
    sources = context.sources
    for piece in listed:
        known = context.store.read(piece)
        unbuilt = piece.part == "build" and piece.name in {"rest": (), "first": ("configure", "rest", "carried")}.get(
            stage, ("configure", "first", "device", "rest", "carried"))
        if unbuilt or (known.status == FAILED and known.sources != sources):
            known = Result(NOT_RUN, "its sources or programs are others now")
            context.store.write(piece, known)
        if stage == "rest" and not context.emulated and piece.title in BUILDING and known.status != PASSED:
            context.store.write(piece, Result(PASSED, "the programs were brought along", sources=sources))
