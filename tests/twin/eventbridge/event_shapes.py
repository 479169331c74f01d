"""Comparing an event with the shape of the example that AWS publishes of it: names of members and forms of values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.eventbridge.envelope import envelope

SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FRACTIONS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MILLISECONDS_TEXT = re.compile(r"\d{13}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ACCOUNT = re.compile(r"\d{12}")
# A mapping whose members are the user's own.
ANY: Mapping[str, Any] = {"*": None}

_ENVELOPE = {
    "version": re.compile("0"),
    "id": UUID,
    "account": ACCOUNT,
    "time": SECONDS,
    "region": str,
}


def delivered(event: Event) -> dict[str, Any]:
    """Return an event as a target gets it, after its way through JSON."""
    made: dict[str, Any] = json.loads(json.dumps(envelope(event, datetime.now(UTC))))
    return made


def differences(event: Event, detail_type: str, arns: list[str], detail: Mapping[str, Any]) -> list[str]:
    """Return where an event differs from the published one.

    `arns` are patterns of its resources. In `detail` a name that ends in "?" may be absent; "*" allows other members,
    and a form is a type, a pattern, a list with the form of its items, or a mapping. Numbers are told apart as in JSON:
    `int` is written without a fraction, `float` with one.
    """
    made = delivered(event)
    kind = {"detail-type": re.compile(re.escape(detail_type)), "source": re.compile(r"aws\.[a-z]+")}
    resources = [f"resources: {made['resources']}"] if not _all_match(made["resources"], arns) else []
    whole = {**_ENVELOPE, **kind, "resources": [str], "detail": detail}
    return resources + _compared(made, whole, "event")


def _all_match(found: list[str], patterns: list[str]) -> bool:
    same = len(found) == len(patterns)
    return same and all(re.fullmatch(p, arn) for p, arn in zip(patterns, found, strict=True))


def _compared(value: Any, form: Any, where: str) -> list[str]:
    if isinstance(form, Mapping):
        return _members(value, form, where) if isinstance(value, dict) else [f"{where}: {value!r} is no object"]
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no list"]
        return [d for index, item in enumerate(value) for d in _compared(item, form[0], f"{where}[{index}]")]
    if isinstance(form, re.Pattern):
        right = isinstance(value, str) and form.fullmatch(value)
        return [] if right else [f"{where}: {value!r} is not written like {form.pattern}"]
    return [] if type(value) is form else [f"{where}: {value!r} is not of type {form.__name__}"]


def _members(value: Mapping[str, Any], form: Mapping[str, Any], where: str) -> list[str]:
    known = {name.removesuffix("?"): inner for name, inner in form.items() if name != "*"}
    found = [
        f"{where}.{name} is missing" for name in form if name not in value and not name.endswith("?") and name != "*"
    ]
    if "*" not in form:
        found += [f"{where}.{name} is not published" for name in value if name not in known]
    return found + [
        difference
        for name, inner in known.items()
        if name in value
        for difference in _compared(value[name], inner, f"{where}.{name}")
    ]
