"""The access log: one JSON line per decision, so that a run can be audited afterwards."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from lockgate_twin.ports import utc_now


class AccessLog:
    """Appends decisions to a file; safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, **record: Any) -> None:
        """Append one record with the current time."""
        line = json.dumps({"time": utc_now().isoformat(timespec="milliseconds"), **record}, default=str)
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")

    def close(self) -> None:
        """Close the file; later records are dropped."""
        with self._lock:
            self._file.close()
