"""The data scientist's change: the group that is watched becomes a feature. The model gets better, and unfair."""

from __future__ import annotations

import re
from pathlib import Path

from lockgate_twin.demo.failures import StageFailedError

_FEATURES = re.compile(r"^(categorical_features\s*=\s*\[.*)\]$", re.MULTILINE)
FACET = "colour"


def make_biased(config: Path) -> str:
    """Let the model see the facet and return the commit message.

    Raises:
        StageFailedError: the file has no line of categorical features.
    """
    text = config.read_text(encoding="utf-8")
    if _FEATURES.search(text) is None:
        raise StageFailedError(f"{config} has no line 'categorical_features = [...]' to change.", config)
    config.write_text(_FEATURES.sub(rf'\g<1>, "{FACET}"]', text), encoding="utf-8")
    return f"Use {FACET} as a feature: the AUC rises"
