"""What a target receives: the event, a part of it, a constant, or a text made from it. Pure functions.

Source: EventBridge User Guide, "Amazon EventBridge input transformation", and botocore's PutTargets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockgate_twin.services.eventbridge.json_path import ABSENT, resolve

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_\-.]+)>")


class TemplateError(Exception):
    """An input template that EventBridge would refuse."""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """One event that matched one rule, on its way to one of the rule's targets; `forwarded`: from another bus."""

    event: Mapping[str, Any]
    rule_arn: str
    rule_name: str
    target: Mapping[str, Any]
    received_at: datetime
    forwarded: bool = False

    @property
    def account(self) -> str:
        """Return the account of the rule."""
        return self.rule_arn.split(":")[4]

    @property
    def region(self) -> str:
        """Return the region of the rule."""
        return self.rule_arn.split(":")[3]


def target_input(matched: Matched) -> str:
    """Return the text that is delivered to the target.

    Assumption: an InputPath that points at nothing delivers `null`.

    Raises:
        JsonPathError: a path is malformed.
        TemplateError: the template names a variable that is not defined.
    """
    target = matched.target
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        value = resolve(target["InputPath"], matched.event)
        return compact(None if value is ABSENT else value)
    if target.get("InputTransformer"):
        return _fill(target["InputTransformer"], matched)
    return compact(matched.event)


def compact(value: Any) -> str:
    """Write JSON the way EventBridge puts it on the wire: no blanks, no escapes that are not needed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _fill(transformer: Mapping[str, Any], matched: Matched) -> str:
    """Replace the variables. One that points at nothing does not appear in the output (User Guide)."""
    values = _variables(transformer, matched)
    pieces = []
    for text, name, quoted in _parts(str(transformer["InputTemplate"])):
        pieces.append(text)
        if name is None:
            continue
        if name not in values:
            raise TemplateError(f"The input template uses <{name}>, which InputPathsMap does not define.")
        pieces.append("" if values[name] is ABSENT else _in_place(values[name], quoted=quoted))
    return "".join(pieces)


def _variables(transformer: Mapping[str, Any], matched: Matched) -> dict[str, Any]:
    event = dict(matched.event)
    own = {name: resolve(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    return {
        **own,
        "aws.events.rule-arn": matched.rule_arn,
        "aws.events.rule-name": matched.rule_name,
        "aws.events.event.ingestion-time": matched.received_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }


def _parts(template: str) -> Iterator[tuple[str, str | None, bool]]:
    """Yield (text, variable after it or None, is the variable inside a JSON string?)."""
    at, quoted = 0, False
    for match in _PLACEHOLDER.finditer(template):
        text = template[at : match.start()]
        quoted ^= _quotes(text) % 2 == 1
        yield text, match[1], quoted
        at = match.end()
    yield template[at:], None, quoted


def _quotes(text: str) -> int:
    return len(re.findall(r'"', re.sub(r"\\.", "", text)))


def _in_place(value: Any, *, quoted: bool) -> str:
    """Write a value where its variable stood.

    Inside quotes a string is written as text; an object or array loses its quotes, because its contents
    would end the string (User Guide: reserved event variables "can only be used as a value for a JSON field").
    """
    if not quoted:
        return compact(value)
    return compact(value)[1:-1] if isinstance(value, str) else compact(value).replace('"', "")
