"""What the twin knows of a function. Values are frozen: a change makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lockgate_twin.services.lambda_.names import Key, function_arn


@dataclass(frozen=True, kw_only=True)
class Code:
    """A deployment package, unpacked. `size` is the archive's in bytes, `sha256` its digest in base64."""

    folder: Path
    size: int
    sha256: str

    @property
    def root(self) -> Path:
        """Return the folder that holds the function's files."""
        return self.folder / "task"

    @property
    def archive(self) -> Path:
        """Return the archive as it was uploaded."""
        return self.folder / "code.zip"


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function: `settings` are the members of botocore's FunctionConfiguration that a caller may set."""

    key: Key
    code: Code
    settings: Mapping[str, Any]
    revision_id: str
    modified: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[Mapping[str, Any], ...] = ()
    reserved: int | None = None
    invoke_config: Mapping[str, Any] | None = None

    @property
    def arn(self) -> str:
        """Return the function's ARN."""
        return function_arn(self.key)

    @property
    def name(self) -> str:
        """Return the function's name."""
        return self.key[2]

    @property
    def role(self) -> str:
        """Return the execution role's ARN."""
        return str(self.settings["Role"])

    @property
    def timeout(self) -> float:
        """Return the time an invocation may take, in seconds."""
        return float(self.settings["Timeout"])

    @property
    def log_group(self) -> str:
        """Return the name of the log group."""
        return str(self.settings["LoggingConfig"]["LogGroup"])
