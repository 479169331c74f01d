"""Asks a model archive for its scores, in a process that sees the features alone and leaves nothing behind."""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from lockgate_checks.errors import EvidenceError

from lockgate_jobs.archive import extract
from lockgate_jobs.predict import MOST_BYTES_PER_FILE

LIMIT_SECONDS = 900.0
MOST_BYTES_PER_ROW = 64
NOBODY = 65534
SUBREAPER, DUMPABLE = 36, 4
"""Of prctl(2): orphans become our children; nobody else may read our memory."""


def scores_of(archive: Path, rows: Sequence[Sequence[str]], limit: float = LIMIT_SECONDS) -> list[float]:
    """Return one finite score per row, as the archive's own inference code gives them.

    Raises:
        EvidenceError: the archive cannot be opened, or its code does not answer with a number for every row.
    """
    with tempfile.TemporaryDirectory(prefix="model-") as scratch:
        folder = Path(scratch)
        model, work = folder / "model", folder / "work"
        for made in (model, work):
            made.mkdir()
        extract(archive, model)
        features, worker = folder / "features.json", folder / "predict.py"
        features.write_text(json.dumps(rows), encoding="utf-8")
        worker.write_bytes(pkgutil.get_data("lockgate_jobs", "predict.py") or b"")
        _hand_over(folder, work)
        _run([sys.executable, str(worker), str(model), str(features), str(work / "scores.txt")], work, limit)
        return _read(work / "scores.txt", len(rows))


def protect() -> None:
    """Keep this process's memory from others, and take in what a model's process leaves behind (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        library.prctl(DUMPABLE, 0, 0, 0, 0)
        library.prctl(SUBREAPER, 1, 0, 0, 0)


def _hand_over(folder: Path, work: Path) -> None:
    """Let the model's process read the folder and write only into its working folder."""
    folder.chmod(0o755)
    if _other_user():
        os.chown(work, NOBODY, NOBODY)


def _other_user() -> bool:
    """Say whether this process may start another one as nobody: as root, where that user exists in its namespace."""
    try:
        mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    except OSError:
        return False
    return os.geteuid() == 0 and int(mapped[0]) == 0 and int(mapped[2]) > NOBODY


def _run(command: list[str], work: Path, limit: float) -> None:
    log = work.parent / "log.txt"
    with log.open("wb") as stream:
        process = _started(command, work, stream)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise EvidenceError(f"the model's code did not answer within {limit:.0f} s") from None
        finally:
            _end(process)
    if log.stat().st_size >= MOST_BYTES_PER_FILE:
        raise EvidenceError(f"the model's code says more than {MOST_BYTES_PER_FILE} bytes")
    if code:
        raise EvidenceError(f"the model's code ended with {code}: {_last_line(log)}")


def _started(command: list[str], work: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
    """Start the model's process, as nobody where that user exists and may run the interpreter."""
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", "/usr/bin"), "HOME": str(work), "LANG": "C.UTF-8"}
    for identity in ([nobody] if _other_user() else []) + [{}]:
        with contextlib.suppress(PermissionError):
            return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
                command,
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **identity,
            )
    raise EvidenceError("the model's code cannot be started: the interpreter may not be run")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, its group, and whatever it started that has come to us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    for _ in range(1000):
        try:
            left = [int(pid) for pid in children.read_text(encoding="ascii").split()]
        except OSError:
            return
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _last_line(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 4096))
        lines = stream.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "it says nothing"


def _read(file: Path, rows: int) -> list[float]:
    try:
        if file.is_symlink() or file.stat().st_size > MOST_BYTES_PER_ROW * rows:
            raise EvidenceError("the model's code did not write scores of bearable size")
        scores = [float(line) for line in file.read_text(encoding="ascii").split()]
    except (OSError, ValueError) as error:
        raise EvidenceError(f"the model's code did not write scores: {error}") from None
    if len(scores) != rows:
        raise EvidenceError(f"the model's code gives {len(scores)} scores for {rows} rows")
    if wrong := sum(not math.isfinite(score) for score in scores):
        raise EvidenceError(f"the model's code gives {wrong} scores that are not finite")
    return scores


def forget(folder: Path) -> None:
    """Remove a folder of inputs.

    Raises:
        EvidenceError: it cannot be removed, so that the model's code could read it.
    """
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise EvidenceError(f"{folder.name} cannot be kept from the model's code: {error.strerror}") from None
