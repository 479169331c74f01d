"""What the demo tells at the end: tables for people, summary.json for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lockgate_twin.demo.intervals import Interval, covered, without
from lockgate_twin.demo.world import Facts

HUB = "sagemaker-lockgate-"
JOBS = ("processing-job ", "training-job ", "function ")


@dataclass
class Outcome:
    """The account of one run; durations are in seconds."""

    started: float
    seconds: float = 0.0
    succeeded: bool = False
    current: str = "start the twin"
    cause: str = ""
    log: str = ""
    stages: list[dict[str, Any]] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    processes: list[tuple[str, float]] = field(default_factory=list)
    twin_share: float | None = None

    def add(self, title: str, person: str, seconds: float) -> None:
        """Note a stage that succeeded."""
        self.stages.append({"stage": title, "person": person, "seconds": round(seconds, 2)})

    def fail(self, cause: str, log: str) -> None:
        """Note why the current stage failed and which file tells more."""
        self.cause, self.log = cause, log

    def finish(self, facts: Facts, status: Mapping[str, Any], seconds: float) -> None:
        """Note success and what the twin counted."""
        self.facts = facts
        self.processes = [(name, spent) for name, spent in status["finished_processes"]]
        self.twin_share = twin_share(seconds, status)
        self.succeeded = True


def twin_share(seconds: float, status: Mapping[str, Any]) -> float:
    """Return the part of the run in which none of the users' own programs was at work.

    At work are builds, jobs and functions. A build that waits for its SageMaker pipeline is not; the jobs of that
    pipeline are. The hub's pipelines run outside of builds.
    """
    spans = [(name, Interval(start, end)) for name, start, end in status["spans"]]
    waiting = [Interval(start, end) for name, start, end in status["pipelines"] if not name.startswith(HUB)]
    builds = [part for name, span in spans if name.startswith("codebuild ") for part in without(span, waiting)]
    jobs = [span for name, span in spans if name.startswith(JOBS)]
    return (seconds - covered([*builds, *jobs])) / seconds


def save(outcome: Outcome, path: Path) -> None:
    """Write summary.json."""
    facts = asdict(outcome.facts)
    summary = {
        "outcome": "succeeded" if outcome.succeeded else "failed",
        "seconds": round(outcome.seconds, 2),
        "failed_stage": None if outcome.succeeded else outcome.current,
        "cause": outcome.cause or None,
        "log": outcome.log or None,
        "stages": outcome.stages,
        "twin_share": outcome.twin_share,
        "processes": [{"name": name, "seconds": round(spent, 3)} for name, spent in outcome.processes],
        **facts,
    }
    path.write_text(json.dumps(summary, indent=2, default=str) + "\n", encoding="utf-8")


def show(outcome: Outcome, console: Console, output: Path) -> None:
    """Print predictions, stages and where to look; or the stage that failed, the cause and the log."""
    if outcome.facts.predictions:
        console.print(_predictions(outcome.facts))
    console.print(_stages(outcome))
    if not outcome.succeeded:
        console.print(f"[bold red]Failed[/] in stage '{outcome.current}': {escape(outcome.cause)}", soft_wrap=True)
        console.print(f"Log file: {outcome.log}", soft_wrap=True, markup=False)
        return
    served = outcome.facts.versions[0]
    console.print(f"In production: [bold]{served['arn']}[/]", soft_wrap=True)
    console.print(f"  model.tar.gz sha256 {served['model_digest']}, commit {served['commit']}", soft_wrap=True)
    for decision in outcome.facts.decisions:
        verdict = {"approve": "[green]approved[/]", "reject": "[red]rejected[/]"}.get(decision["verdict"], "human")
        console.print(f"{decision['arn'].rpartition('/')[2]}: {verdict}, report {decision['report']}", soft_wrap=True)
    console.print(f"Summary: {output / 'summary.json'}   logs, builds, jobs: {output / 'twin'}", soft_wrap=True)


def _predictions(facts: Facts) -> Table:
    table = Table(title=f"Held-out rows answered by {facts.endpoints[-1]}", title_justify="left")
    shown = facts.versions[0]["features"]
    for column in [*shown, "released", "P(released)", "offline"]:
        table.add_column(column, justify="right")
    for row in facts.predictions:
        cells = [str(row[c]) for c in shown]
        table.add_row(*cells, str(row["label"]), f"{row['prediction']:.3f}", f"{float(row['score']):.3f}")
    return table


def _stages(outcome: Outcome) -> Table:
    share = f", of which the twin's own {outcome.twin_share:.0%}" if outcome.twin_share is not None else ""
    table = Table(title=f"{outcome.seconds:.1f} s{share}", title_justify="left")
    for column, justify in (("stage", "left"), ("as", "left"), ("seconds", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type] # the literal is one of rich's
    for stage in outcome.stages:
        table.add_row(stage["stage"], stage["person"], f"{stage['seconds']:.1f}")
    return table
