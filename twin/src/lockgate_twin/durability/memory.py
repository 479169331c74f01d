"""Tables that keep nothing beyond the process."""

from __future__ import annotations

import pickle
from typing import Any

from lockgate_twin.ports import Table


class MemoryTable:
    """A table in memory (see `ports.Table`); like the real one it keeps a copy of what it is given."""

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}

    def put(self, key: str, record: Any) -> None:
        """Keep a record under a key."""
        self._records[key] = pickle.dumps(record)

    def remove(self, key: str) -> None:
        """Forget a key; one that is not there is none."""
        self._records.pop(key, None)

    def items(self) -> list[tuple[str, Any]]:
        """Return what is kept, oldest first."""
        return [(key, pickle.loads(data)) for key, data in list(self._records.items())]  # noqa: S301 - its own


class MemoryTables:
    """Tables by name. Give the same one to a second world to see what a restart would find."""

    def __init__(self) -> None:
        self._tables: dict[str, MemoryTable] = {}

    def table(self, name: str) -> Table:
        """Return the table of this name."""
        return self._tables.setdefault(name, MemoryTable())
