"""Where the version comes from, which policy judged it, and what to compare the evidence with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import Column, Section, code, facts, missing, paragraph, table
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.reading import mapping, text
from lockgate_checks.values import Decision, Mode, Waiver

_NAMES = {
    "commit": "Commit",
    "model_digest": "Model archive, sha256",
    "data_digest": "Training data, sha256",
    "evaluation_data_digest": "Evaluation data, sha256",
    "image": "Container image",
    "seed_version": "Seed version",
}
_WAIVER_COLUMNS = (
    Column("Check"),
    Column("Subject"),
    Column("Model"),
    Column("Still within", numeric=True),
    Column("Reason"),
    Column("Owner"),
    Column("Last day", numeric=True),
)


def lineage(bundle: Mapping[str, Any]) -> Section:
    """Return commit, digests, image and seed version of the model, and all else the lineage names."""
    document = mapping(bundle.get("lineage"))
    if not document:
        return Section(
            "lineage", "Lineage", missing("The document lineage is missing: where the model comes from is not known.")
        )
    entries = [(name, code(text(document.get(key)) or "not recorded")) for key, name in _NAMES.items()]
    others = [(key, code(text(value))) for key, value in sorted(document.items()) if key not in _NAMES and text(value)]
    return Section("lineage", "Lineage", facts([*entries, *others]))


def policy(decision: Decision, bundle: Mapping[str, Any]) -> Section:
    """Return the policy's digest and mode, the waivers in force, and the policy itself where it is in the bundle."""
    mode = "enforce: the verdict is carried out" if decision.mode is Mode.ENFORCE else "recommend: a person decides"
    content = join(
        facts([("sha256 in canonical form", code(decision.policy_digest)), ("Mode", mode)]),
        _waivers(decision),
        _written(bundle.get("policy")),
    )
    return Section("policy", "Policy and waivers", content)


def digests(decision: Decision) -> Section:
    """Return the sha256 of every evidence document that the decision rests on."""
    if not decision.evidence_digests:
        return Section("evidence", "Evidence", missing("The decision records no evidence."))
    note = paragraph(
        "The decision rests on exactly these documents; sha256sum of a stored document must give its digest."
    )
    rows = [(name, code(digest)) for name, digest in sorted(decision.evidence_digests.items())]
    return Section(
        "evidence", "Evidence", join(note, table("Documents", (Column("Document"), Column("sha256")), rows, "digests"))
    )


def _waivers(decision: Decision) -> Markup:
    if not decision.waivers:
        return paragraph("No waiver was in force.")
    ordered = sorted(decision.waivers, key=lambda waiver: (waiver.check, waiver.subject, waiver.owner))
    rows = [_waiver(waiver) for waiver in ordered]
    return table(numerals.plural(len(ordered), "waiver") + " in force", _WAIVER_COLUMNS, rows, "waivers")


def _waiver(waiver: Waiver) -> tuple[str, ...]:
    subject, model = (_anything(pattern) for pattern in (waiver.subject, waiver.model))
    within = numerals.limit(waiver.limit)
    return (waiver.check, subject, model, within, waiver.reason, waiver.owner, f"{waiver.expires:%Y-%m-%d}")


def _anything(pattern: str) -> str:
    return "every one" if pattern == "*" else pattern


def _written(document: Any) -> Markup:
    if document is None:
        return Markup("")
    shown = document if isinstance(document, str) else json.dumps(document, indent=2, skipkeys=True, default=_plain)
    return join(element("h3", "The policy as evaluated"), element("pre", shown))


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
