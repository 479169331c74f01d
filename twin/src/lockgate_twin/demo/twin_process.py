"""A twin in a process of its own, for as long as a block of code runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockgate_twin.control import State, find, program_environment
from lockgate_twin.demo.failures import StageFailedError


@contextmanager
def twin_process(root: Path, output: Path, port: int) -> Iterator[State]:
    """Run a twin ; it also stops when this process dies, since its standard input closes then.

    Raises:
        StageFailedError: it did not start.
    """
    state_dir, log = output / "twin", output / "twin.out"
    argv = [sys.executable, "-m", "lockgate_twin", "serve", "--state", str(state_dir), "--port", str(port)]
    argv += ["--people", str(root / "catalog/roles"), "--stop-with-stdin"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            argv,
            env=program_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            text=True,
        )
    try:
        yield _ready(process, state_dir, log)
    finally:
        process.stdin.close() if process.stdin else None
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[str], state_dir: Path, log: Path) -> State:
    line = process.stdout.readline() if process.stdout else ""
    state = find(state_dir) if line.startswith("ready ") else None
    if state is None:
        process.wait(timeout=20)
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        cause = said[-1].removeprefix("lockgate: ") if said else "it ended without a word"
        raise StageFailedError(f"The twin did not start: {cause}", log)
    return state
