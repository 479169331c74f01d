"""Runs the stages one after the other and accounts for them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import ClientError
from rich.console import Console
from rich.markup import escape

from lockgate_twin.control import status
from lockgate_twin.demo import report
from lockgate_twin.demo.stages import LIFE_CYCLE, Stage
from lockgate_twin.demo.twin_process import twin_process
from lockgate_twin.demo.world import Facts, World
from lockgate_twin.errors import TwinError


def run(*, root: Path, output: Path, project: str, port: int) -> int:
    """Run the life cycle; return 0, or 1 after naming the stage, the cause and the log."""
    console = Console(highlight=False)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    outcome = report.Outcome(started=time.time())
    started = time.monotonic()
    try:
        with twin_process(root, output, port) as state:
            outcome.add("start the twin", "-", time.monotonic() - started)
            console.print(f"[bold]The twin is up[/] at {state.endpoint_url} ({time.monotonic() - started:.1f} s)")
            world = World(root=root, output=output, project=project, state=state, say=_voice(console))
            facts = _run_stages(world, outcome, console)
            outcome.finish(facts, status(Path(state.state_dir)), time.monotonic() - started)
    except KeyboardInterrupt:
        outcome.fail("interrupted", str(output / "demo.log"))
    except TwinError as error:
        outcome.fail(str(error), str(getattr(error, "log", output / "twin.out")))
    except ClientError as error:
        said = error.response["Error"]
        outcome.fail(
            f"AWS refused {error.operation_name} ({said['Code']}): {said['Message']}", str(output / "twin.out")
        )
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
    return lambda line: console.print(f"    [dim]{time.strftime('%H:%M:%S')}[/] {escape(line)}", soft_wrap=True)
