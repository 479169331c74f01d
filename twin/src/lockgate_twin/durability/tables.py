"""The tables of one twin, each a journal in one folder."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from lockgate_twin.durability.journal import JournalTable
from lockgate_twin.ports import Table

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class JournalTables:
    """Tables by name; a file is made with the first record."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._tables: dict[str, JournalTable] = {}
        self._lock = threading.Lock()

    def table(self, name: str) -> Table:
        """Return the table of this name (lower-case letters, digits, '.', '_' and '-').

        Raises:
            StartError: its journal is damaged, of another format, or could have been written by somebody else.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' is no name of a table.")
        with self._lock:
            if name not in self._tables:
                self._tables[name] = JournalTable(self._folder / f"{name}.journal")
            return self._tables[name]

    def found(self) -> dict[str, int]:
        """Return how many records an earlier twin had left, by table."""
        with self._lock:
            return {name: table.found for name, table in self._tables.items()}

    def close(self) -> None:
        """Give every file back."""
        with self._lock:
            for table in self._tables.values():
                table.close()
