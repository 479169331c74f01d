"""`lockgate audit`: read a run, find, print."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from lockgate_twin.audit.document import document
from lockgate_twin.audit.errors import AuditError
from lockgate_twin.audit.findings import RoleFindings, find
from lockgate_twin.audit.report import show
from lockgate_twin.audit.run import open_run


def audit(state_dir: Path, role: str | None, *, as_json: bool) -> None:
    """Print the findings about all roles, or about those whose name contains `role`.

    Raises:
        AuditError: there is nothing to audit, or no role of that name.
    """
    found = _named(find(open_run(state_dir)), role)
    if as_json:
        print(json.dumps(document(found), indent=2))
    else:
        show(found, Console(highlight=False))


def _named(findings: list[RoleFindings], role: str | None) -> list[RoleFindings]:
    wanted = [found for found in findings if role is None or role in found.role.name]
    if role is not None and not wanted:
        known = ", ".join(found.role.name for found in findings) or "none"
        raise AuditError(f"No role's name contains '{role}'; there are: {known}.")
    return wanted
