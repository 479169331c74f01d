"""Child processes never outlive the twin."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lockgate_twin.ports import Command
from lockgate_twin.processes import ProcessTable

SRC = Path(__file__).parents[3] / "twin" / "src"
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests may have it ignored
from pathlib import Path
from lockgate_twin.ports import Command
from lockgate_twin.processes import ProcessTable
table = ProcessTable()
argv = ["bash", "-c", f"{sys.argv[2]} sleep 600 & echo $! > pid; wait"]
folder = Path(sys.argv[1])
child = table.start(Command(name="c", argv=argv, env={"PATH": "/usr/bin:/bin"}, cwd=folder, log=folder / "log"))
while not (Path(sys.argv[1]) / "pid").exists() or not (Path(sys.argv[1]) / "pid").read_text().strip():
    time.sleep(0.01)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def table() -> Iterator[ProcessTable]:
    """Make a process table."""
    made = ProcessTable()
    yield made
    made.close()


def bash(script: str, folder: Path) -> Command:
    """Return a command that runs a shell script."""
    return Command(
        name="test", argv=["bash", "-c", script], env={"PATH": "/usr/bin:/bin"}, cwd=folder, log=folder / "log"
    )


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def eventually_gone(pid: int) -> bool:
    """Wait until a process has ended, for ten seconds at most."""
    deadline = time.monotonic() + 60
    while not is_gone(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return is_gone(pid)


def test_a_child_s_status_and_output_are_kept(table: ProcessTable, tmp_path: Path) -> None:
    """The exit status is returned and the output goes to the log."""
    process = table.start(bash("echo out; echo err >&2; exit 3", tmp_path))
    assert process.wait(60) == 3
    assert (tmp_path / "log").read_text() == "out\nerr\n"
    assert table.running() == {}
    assert [name for name, _ in table.finished()] == ["test"]


def test_stopping_ends_the_whole_group(table: ProcessTable, tmp_path: Path) -> None:
    """Children of the child end too, even if they ignore SIGTERM."""
    process = table.start(
        bash("trap '' TERM; (trap '' TERM; sleep 600) & echo $! > pid; echo ok >> log2; wait", tmp_path)
    )
    while not (tmp_path / "log2").exists():
        os.sched_yield()
    grandchild = int((tmp_path / "pid").read_text())
    process.stop(grace=0.1)
    assert eventually_gone(grandchild)


def test_stopping_ends_descendants_that_have_left_the_group(table: ProcessTable, tmp_path: Path) -> None:
    """A child's child in a session of its own, as the models' code has in the approval's jobs, ends with it."""
    process = table.start(bash("setsid sleep 600 & echo $! > pid; echo ok >> log2; wait", tmp_path))
    while not (tmp_path / "log2").exists() or os.getpgid(int((tmp_path / "pid").read_text())) == process.pid:
        os.sched_yield()
    grandchild = int((tmp_path / "pid").read_text())
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        process.stop(grace=5)
        assert eventually_gone(grandchild)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("session", ["", "setsid"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_twin_leaves_no_orphans(tmp_path: Path, number: signal.Signals, session: str) -> None:
    """However the twin's process dies, the guardian ends what it had started, in whatever session."""
    twin = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), session],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert twin.stdout is not None
    child = int(twin.stdout.readline())
    grandchild = int((tmp_path / "pid").read_text())
    assert not is_gone(child)
    assert not is_gone(grandchild)
    twin.send_signal(number)
    twin.wait(60)
    twin.stdout.close()
    assert eventually_gone(child)
    assert eventually_gone(grandchild)


def test_stopping_what_has_ended_signals_nobody(table: ProcessTable, tmp_path: Path) -> None:
    """The id of an ended child can belong to somebody else by then."""
    process = table.start(bash("exit 0", tmp_path))
    process.wait(60)
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        process.pid = bystander.pid
        process.stop(grace=0)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_end_of_a_child_is_told_once(table: ProcessTable, tmp_path: Path) -> None:
    """However often it is waited for or stopped."""
    told: list[int] = []
    process = table.start(bash("exit 0", tmp_path), lambda: told.append(1))
    process.wait(60)
    process.poll()
    process.stop(grace=0)
    assert told == [1]
