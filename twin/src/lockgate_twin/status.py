"""Shows what a twin runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def show(status: Mapping[str, Any]) -> None:
    """Print the status as a table: counts first, then what is under way."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"The twin at {status['endpoint_url']}", show_header=False)
    for name, value in status.items():
        if name != "endpoint_url":
            table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
