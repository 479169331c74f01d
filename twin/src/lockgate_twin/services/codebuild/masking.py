"""Secrets do not stay in a build's log.

Source: "Build specification reference for CodeBuild" (User Guide): values of parameter-store and secrets-manager
variables are shown as "***" in the log.
Assumption: values of fewer than four characters are left alone, because they would be found everywhere; and while a
build runs, its own log file, which only its owner can read, still has them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockgate_twin.services.codebuild.buildspec import Variables
from lockgate_twin.services.codebuild.order import BuildOrder

_MASK = b"***"
_SHORTEST = 4


def secret_names(order: BuildOrder, declared: Variables) -> frozenset[str]:
    """Return the names of the variables that come from parameters and secrets."""
    given = {v["name"]: v.get("type", "PLAINTEXT") for v in order.variables}
    named = {*declared.parameter_store, *declared.secrets_manager} - given.keys()
    return frozenset(named | {name for name, kind in given.items() if kind != "PLAINTEXT"})


def secret_values(order: BuildOrder, declared: Variables, values: Mapping[str, str]) -> frozenset[str]:
    """Return the values that came from parameters and secrets; `values` are all variables, as the build got them."""
    return frozenset(values[name] for name in secret_names(order, declared) if name in values)


def mask(log: Path, secrets: Iterable[str]) -> None:
    """Replace secrets in a log; a secret of several lines is replaced line by line, as the log has it."""
    lines = {line.encode() for secret in secrets for line in (secret, *secret.splitlines()) if len(line) >= _SHORTEST}
    if not lines or not log.exists():
        return
    text = log.read_bytes()
    for line in sorted(lines, key=len, reverse=True):
        text = text.replace(line, _MASK)
    # In place: whoever has the file open for writing goes on at its end.
    with log.open("r+b") as file:
        file.write(text)
        file.truncate()
        os.fsync(file.fileno())
