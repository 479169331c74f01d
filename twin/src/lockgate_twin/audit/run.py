"""One run of a twin, as an audit sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin import control
from lockgate_twin.audit.access import AccessLog, read
from lockgate_twin.audit.errors import AuditError
from lockgate_twin.audit.roles import AuditedRole, roles_of
from lockgate_twin.audit.snapshot import ACCESS_LOG, SNAPSHOT


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a twin: what it did and what its roles may do."""

    log: AccessLog
    roles: Sequence[AuditedRole]
    snapshot: Mapping[str, Any]


def open_run(state_dir: Path) -> Run:
    """Read what the twin of this folder has done; a running twin is asked for its roles.

    Raises:
        AuditError: there is no access log, or no snapshot of the roles because the twin was killed.
    """
    snapshot = control.roles(state_dir) or _saved(state_dir / SNAPSHOT)
    log = read(state_dir / ACCESS_LOG, snapshot["started"])
    return Run(log=log, roles=roles_of(snapshot), snapshot=snapshot)


def _saved(path: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AuditError(
            f"No twin runs in {path.parent} and none has left {path.name} there, as one does when it stops: "
            "audit a running twin, or one that was stopped with 'lockgate down'."
        ) from None
    return saved
