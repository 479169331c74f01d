"""Runs the stages one after the other and accounts for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from lockgate_twin.control import State, find, status
from lockgate_twin.demo import report
from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.stages import LIFE_CYCLE, Stage
from lockgate_twin.demo.world import Facts, World
from lockgate_twin.errors import StartError, TwinError


def run(*, root: Path, output: Path, project: str, port: int) -> int:
    """Run the life cycle; return 0, or 1 after naming the stage, the cause and the log."""
    console = Console(highlight=False)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    outcome = report.Outcome(started=time.time())
    started = time.monotonic()
    try:
        with _twin(root, output, port) as state:
            outcome.add("start the twin", "-", time.monotonic() - started)
            console.print(f"[bold]The twin is up[/] at {state.endpoint_url} ({time.monotonic() - started:.1f} s)")
            world = World(root=root, output=output, project=project, state=state, say=_voice(console))
            facts = _run_stages(world, outcome, console)
            outcome.finish(facts, status(Path(state.state_dir)), time.monotonic() - started)
    except KeyboardInterrupt:
        outcome.fail("interrupted", str(output / "demo.log"))
    except TwinError as error:
        outcome.fail(str(error), str(getattr(error, "log", output / "twin.out")))
    except Exception as error:  # noqa: BLE001 - any failure of a call must name the stage and the log
        outcome.fail(f"{type(error).__name__}: {error}", str(output / "twin.out"))
    outcome.seconds = time.monotonic() - started
    report.save(outcome, output / "summary.json")
    report.show(outcome, console, output)
    return 0 if outcome.succeeded else 1


def _run_stages(world: World, outcome: report.Outcome, console: Console) -> Facts:
    facts = Facts()
    for number, stage in enumerate(LIFE_CYCLE, start=1):
        facts = _run_stage(stage, f"{number}/{len(LIFE_CYCLE)}", world, facts, outcome, console)
    return facts


def _run_stage(
    stage: Stage, number: str, world: World, facts: Facts, outcome: report.Outcome, console: Console
) -> Facts:
    outcome.current = stage.title
    console.print(f"[bold cyan]{number} {stage.title}[/] [dim]as {stage.person}[/]")
    began = time.monotonic()
    facts = stage.run(world, facts)
    outcome.add(stage.title, stage.person, time.monotonic() - began)
    outcome.facts = facts
    console.print(f"    [green]done[/] in {time.monotonic() - began:.1f} s")
    return facts


def _voice(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(f"    [dim]{time.strftime('%H:%M:%S')}[/] {line}", markup=True)


@contextmanager
def _twin(root: Path, output: Path, port: int) -> Iterator[State]:
    """Run a twin of the demo's own; it also stops when this process dies, since its standard input closes then."""
    state_dir, log = output / "twin", output / "twin.out"
    argv = [sys.executable, "-m", "lockgate_twin", "serve", "--state", str(state_dir), "--port", str(port)]
    argv += ["--people", str(root / "catalog/roles"), "--stop-with-stdin"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, text=True
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
        raise StageFailedError(f"The twin did not start: {cause}", log) from StartError(cause)
    return state
