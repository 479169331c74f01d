"""Shows what a twin runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def show(status: Mapping[str, Any]) -> None:
    """Print the status: where the twin is, what runs, and what has run."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"The twin at {status['endpoint_url']}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, text in rows(status):
        table.add_row(name, text, end_section=True)
    Console().print(table)


def rows(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the lines of the table."""
    finished = status["finished_processes"]
    seconds = sum(spent for _, spent in finished)
    return [
        ("logs", status["state_dir"]),
        ("running", "\n".join(status["running_processes"]) or "nothing"),
        *_faults(status.get("faults") or []),
        ("has run", f"{len(finished)} builds, jobs and endpoints, {seconds:.0f} s"),
    ]


def _faults(faults: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    told = [", ".join(f"{name}={value}" for name, value in fault.items()) for fault in faults]
    return [("faults", "\n".join(told))] if told else []
