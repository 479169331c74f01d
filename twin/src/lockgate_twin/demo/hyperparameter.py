"""The data scientist's change: one hyperparameter in config.toml."""

from __future__ import annotations

import re
from pathlib import Path

from lockgate_twin.demo.failures import StageFailedError

_DEPTH = re.compile(r"^(max_depth\s*=\s*)(\d+)", re.MULTILINE)


def change_hyperparameter(config: Path) -> str:
    """Make the trees one level deeper and return the commit message.

    Raises:
        StageFailedError: the file has no max_depth.
    """
    text = config.read_text(encoding="utf-8")
    match = _DEPTH.search(text)
    if match is None:
        raise StageFailedError(f"{config} has no line 'max_depth = ...' to change.", config)
    depth = int(match[2]) + 1
    config.write_text(_DEPTH.sub(rf"\g<1>{depth}", text), encoding="utf-8")
    return f"Grow trees to depth {depth}"
