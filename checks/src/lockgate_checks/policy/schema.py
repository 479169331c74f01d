"""The form of a policy file: every key that it may have, and what must stand there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from lockgate_checks.policy.model import FirstVersion, Policy, Recompute, Threshold, Unsure
from lockgate_checks.policy.nodes import Node
from lockgate_checks.policy.reading import Reading
from lockgate_checks.values import Limit, Mode, Severity, Waiver

SCHEMA = 1
_FIELDS = ("schema", "name", "include", "mode", "recompute", "packs", "checks", "limits", "champion", "waivers")
_THRESHOLD = ("minimum", "maximum", "confidence", "unsure", "severity")
_WAIVER = ("check", "subject", "model", "limit", "reason", "owner", "expires")
_SUBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_.]*(@.+)?")


class _Setting(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    DISABLED = "disabled"


def read(root: Node, reading: Reading) -> Policy:
    """Read one file's own rules, without those of the policy that it includes; mistakes are noted in `reading`."""
    fields = reading.fields(root, _FIELDS, required=("schema", "name"))
    schema = fields.get("schema")
    if schema is not None and (isinstance(schema.value, bool) or schema.value != SCHEMA):
        reading.wrong(schema, f"this library reads schema {SCHEMA}; write `schema: {SCHEMA}`.")
    champion = reading.fields(fields["champion"], ("metric", "first_version")) if "champion" in fields else {}
    return Policy(
        name=reading.text(fields.get("name")) or "",
        source=root.source,
        mode=reading.choice(fields.get("mode"), Mode),
        packs=_packs(fields.get("packs"), reading),
        checks=_checks(fields.get("checks"), reading),
        limits=_limits(fields.get("limits"), reading),
        champion_metric=reading.text(champion.get("metric")),
        first_version=reading.choice(champion.get("first_version"), FirstVersion),
        recompute=reading.choice(fields.get("recompute"), Recompute),
        waivers=_waivers(fields.get("waivers"), reading),
    )


def _packs(node: Node | None, reading: Reading) -> Mapping[str, Severity]:
    found = {name: reading.choice(member, Severity) for name, member in reading.members(node).items()}
    return MappingProxyType({name: severity for name, severity in found.items() if severity is not None})


def _checks(node: Node | None, reading: Reading) -> Mapping[str, Severity | None]:
    found = {name: reading.choice(member, _Setting) for name, member in reading.members(node).items()}
    severities = {_Setting.BLOCK: Severity.BLOCK, _Setting.WARN: Severity.WARN, _Setting.DISABLED: None}
    return MappingProxyType({name: severities[setting] for name, setting in found.items() if setting is not None})


def _limits(node: Node | None, reading: Reading) -> Mapping[str, Threshold]:
    found = {}
    for subject, member in reading.members(node).items():
        if not _SUBJECT.fullmatch(subject):
            reading.wrong(member, f"{subject!r} is neither a metric's name nor metric@facet=value.")
        threshold = _threshold(member, reading)
        if threshold is not None:
            found[subject] = threshold
    return MappingProxyType(found)


def _threshold(node: Node, reading: Reading) -> Threshold | None:
    fields = reading.fields(node, _THRESHOLD)
    limit = _limit(node, fields, reading)
    confidence = reading.number(fields.get("confidence"))
    if confidence is not None and not 0.5 <= confidence < 1:
        reading.wrong(fields["confidence"], f"{confidence:g} is no level of confidence from 0.5 to below 1, as 0.95.")
    unsure = reading.choice(fields.get("unsure"), Unsure)
    if unsure is not None and "confidence" not in fields:
        reading.wrong(fields["unsure"], "without `confidence` nothing is unsure; add it, or remove this key.")
    severity = reading.choice(fields.get("severity"), Severity)
    return None if limit is None else Threshold(limit, confidence, unsure or Unsure.REJECT, severity)


def _limit(node: Node, fields: Mapping[str, Node], reading: Reading) -> Limit | None:
    minimum, maximum = reading.number(fields.get("minimum")), reading.number(fields.get("maximum"))
    if isinstance(node.value, dict) and not {"minimum", "maximum"} & fields.keys():
        reading.wrong(node, "a limit needs `minimum`, `maximum` or both.")
    elif minimum is not None and maximum is not None and minimum > maximum:
        reading.wrong(node, f"the minimum {minimum:g} is greater than the maximum {maximum:g}.")
    return None if minimum is None and maximum is None else Limit(minimum, maximum)


def _waivers(node: Node | None, reading: Reading) -> tuple[Waiver, ...]:
    found = (_waiver(item, reading) for item in reading.items(node))
    return tuple(waiver for waiver in found if waiver is not None)


def _waiver(node: Node, reading: Reading) -> Waiver | None:
    fields = reading.fields(node, _WAIVER, required=("check", "reason", "owner", "expires"))
    check, reason = reading.text(fields.get("check")), reading.text(fields.get("reason"))
    owner, expires = reading.text(fields.get("owner")), reading.day(fields.get("expires"))
    subject, model = reading.text(fields.get("subject")), reading.text(fields.get("model"))
    limit = None
    if "limit" in fields:
        range_node = fields["limit"]
        limit = _limit(range_node, reading.fields(range_node, ("minimum", "maximum")), reading)
    if check is None or reason is None or owner is None or expires is None:
        return None
    return Waiver(check, reason, owner, expires, subject or "*", model or "*", limit)
