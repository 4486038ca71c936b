"""What a piece of a part came to, kept as JSON so that parts run apart and the report puts them together."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"
TIMED_OUT = "timed out"  # run_piece makes one of the others of it


@dataclass
class Result:
    status: str
    reason: str = ""  # why it failed or was not run
    command: str = ""  # repeats it
    seconds: float = 0.0
    data: dict = field(default_factory=dict)
    begun: int = 0  # how often it was begun without coming to an end
    sources: str = ""  # Context.sources of what ran


@dataclass
class Piece:
    part: str
    name: str
    run: object  # (limit in seconds, keep) -> Result; keep(Result) stores what is known so far
    limit_s: float = 240.0
    least_s: float = 10.0  # not begun with less time than this
    needs: str = ""  # the program that it runs on the device

    @property
    def title(self):
        return f"{self.part} {self.name}"


class Store:
    """build/gpu/results/PART/PIECE.json."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def path(self, part, name):
        return self.folder / part / (name.replace("/", "-").replace(" ", "_") + ".json")

    def write(self, piece, result):
        path = self.path(piece.part, piece.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(result), indent=1))
        os.replace(new, path)

    def read(self, piece):
        """A piece that has no result was not run."""
        path = self.path(piece.part, piece.name)
        if not path.exists():
            return Result(NOT_RUN, f"`tests/gpu {piece.part}` was not run")
        try:
            return Result(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            return Result(FAILED, f"{path} cannot be read: {error}")

    def clear(self, part=None):
        shutil.rmtree(self.folder / part if part else self.folder, ignore_errors=True)


def counts(results):
    """(passed, failed, not run)."""
    states = [result.status for result in results]
    return tuple(states.count(state) for state in (PASSED, FAILED, NOT_RUN))
