"""The whole page: one file that needs no network, no script and no other file, and is the same for the same input."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from lockgate_checks.report import bias, champion, drift, findings, importance, provenance, quality, verdict
from lockgate_checks.report.layout import Section, section
from lockgate_checks.report.markup import Markup, element, escape, join
from lockgate_checks.values import Decision


def render(decision: Decision, bundle: Mapping[str, Any]) -> str:
    """Return the report of a decision as one self-contained HTML page.

    `bundle` holds the evidence documents by name; a document that is missing or of another form is named as not
    shown, never an error. Equal arguments give equal bytes.
    """
    parts = _sections(decision, bundle)
    body = element(
        "body",
        element("a", "To the checks", href="#checks", class_="skip"),
        verdict.head(decision),
        _contents(parts),
        element("main", *map(section, parts)),
        _foot(),
    )
    return f"<!DOCTYPE html>\n{element('html', _head(decision), body, lang='en')}\n"


def _sections(decision: Decision, bundle: Mapping[str, Any]) -> list[Section]:
    return [
        findings.checks(decision),
        quality.quality(bundle),
        champion.champion(bundle),
        bias.bias(decision, bundle),
        importance.importance(bundle),
        drift.drift(decision, bundle),
        provenance.lineage(bundle),
        provenance.policy(decision, bundle),
        provenance.digests(decision),
    ]


def _head(decision: Decision) -> Markup:
    """Return the head: only this style sheet, named by its digest, may take effect; nothing may be loaded or run."""
    allowed = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    rule = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    name = decision.model_package_arn.rsplit(":", 1)[-1].removeprefix("model-package/") or "model version"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=rule),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", f"{verdict.words(decision)}: {name}"),
        element("style", Markup(_style())),
    )


def _contents(parts: list[Section]) -> Markup:
    entries = (element("li", element("a", part.heading, href=f"#{part.anchor}")) for part in parts)
    return element("nav", element("ul", *entries), aria_label="Contents")


def _foot() -> Markup:
    return element("footer", join(escape("Lockgate. This page holds everything it shows and loads nothing.")))


@cache
def _style() -> str:
    return "\n" + (files("lockgate_checks") / "report" / "style.css").read_text(encoding="utf-8")
