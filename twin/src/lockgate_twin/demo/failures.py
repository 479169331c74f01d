"""Why a stage of the demo failed, and where to look."""

from __future__ import annotations

from pathlib import Path

from lockgate_twin.errors import TwinError


class StageFailedError(TwinError):
    """A stage did not reach its goal; `log` is the file that tells more."""

    def __init__(self, cause: str, log: Path | str) -> None:
        super().__init__(cause)
        self.log = log
