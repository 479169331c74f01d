"""The access log of one run, read back: every decision with all that it rested on besides the policies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate_twin.audit.errors import AuditError


@dataclass(frozen=True, kw_only=True)
class Check:
    """One decision about a role's session: may it do `action` on `resource`? `by` is the policy kind that decided.

    `time` is ISO 8601 in UTC.
    """

    time: str
    role_arn: str
    principal: str
    action: str
    resource: str
    allowed: bool
    by: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    session_policy: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccessLog:
    """What happened in a run: decisions in order, API calls by role, and who assumed each role."""

    checks: Sequence[Check]
    calls: Mapping[str, int]
    assumed: Mapping[tuple[str, str], int]

    def of(self, role_arn: str) -> list[Check]:
        """Return a role's decisions."""
        return [check for check in self.checks if check.role_arn == role_arn]


def read(path: Path, since: str) -> AccessLog:
    """Read the decisions made since a time (ISO 8601, as in the log).

    Raises:
        AuditError: there is no log, or it is not one that decisions can be made again from.
    """
    checks: list[Check] = []
    calls: Counter[str] = Counter()
    assumed: Counter[tuple[str, str]] = Counter()
    for record in _records(path):
        if record["time"] < since:
            continue
        for check in record["checks"]:
            if check["action"] == "sts:AssumeRole" and check["allowed"]:
                assumed[check["resource"], _who(record["principal"])] += 1
        if ":assumed-role/" in record["principal"]:
            _refuse_older(record, path)
            checks += _checks(record)
            calls[record["keys"]["aws:PrincipalArn"]] += "operation" in record
    return AccessLog(checks=checks, calls=calls, assumed=assumed)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise AuditError(f"There is no access log {path}: name the folder of a twin with --state.")
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            # A twin that was killed may have left half a line at the end.
            if number < len(lines):
                raise AuditError(f"{path}, line {number}, is no record of an access log: {error}.") from error


def _refuse_older(record: Mapping[str, Any], path: Path) -> None:
    if "keys" not in record:
        raise AuditError(f"{path} has records of an earlier version of the twin: run again in another folder.")


def _checks(record: Mapping[str, Any]) -> list[Check]:
    return [
        Check(
            time=record["time"],
            role_arn=record["keys"]["aws:PrincipalArn"],
            principal=record["principal"],
            action=check["action"],
            resource=check["resource"],
            allowed=check["allowed"],
            by=check["by"],
            keys={**record["keys"], **check.get("keys", {})},
            session_policy=record.get("session_policy"),
        )
        for check in record["checks"]
    ]


def _who(principal: str) -> str:
    """Return the service, the user's or the role's name."""
    return principal.split("/")[1] if "/" in principal else principal
