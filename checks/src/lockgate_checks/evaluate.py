"""Runs checks on a bundle. Whatever goes wrong inside a check is its failure, never the end of the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_checks.bundle import BASELINE, Bundle
from lockgate_checks.check import CHAMPION_METRIC, Check, Result, label
from lockgate_checks.errors import ChecksError

CHAMPION = "champion"


@dataclass(frozen=True)
class Evaluation:
    """What a check answered: results; or why it could not be asked (`unfit`); or why it need not (`first_version`)."""

    check: Check
    results: tuple[Result, ...] = ()
    unfit: str = ""
    first_version: str = ""


def is_first_version(bundle: Bundle) -> bool:
    """Say whether the evidence states that there is no approved version: a champion document with champion null.

    With documents of an approved version beside it, the statement contradicts itself and is not believed.
    """
    known = any(name.startswith(BASELINE) for name in (*bundle.documents, *bundle.problems))
    return not known and bundle.documents.get(CHAMPION, {}).get(CHAMPION, "") is None


def evaluate(check: Check, bundle: Bundle, facts: Mapping[str, Any]) -> Evaluation:
    """Ask one check; `facts` are what it may ask for beside documents."""
    if _compares(check) and is_first_version(bundle):
        return Evaluation(check, first_version="there is no approved version to compare with")
    unfit = "; ".join(filter(None, (_lacking(name, check, bundle, facts) for name in check.evidence)))
    if unfit:
        return Evaluation(check, unfit=unfit)
    try:
        return Evaluation(check, check.run({**bundle.documents, **facts}))
    except ChecksError as error:
        return Evaluation(check, unfit=label(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an organization's own check may raise anything
        return Evaluation(check, unfit=f"the check itself broke: {label(f'{type(error).__name__}: {error}')}")


def facts_for_checks(champion_metric: str | None) -> Mapping[str, Any]:
    """Return what checks may ask for beside documents."""
    return {CHAMPION_METRIC: champion_metric}


def _compares(check: Check) -> bool:
    required = [name for name in check.evidence if name not in check.optional]
    return any(name == CHAMPION or name.startswith(BASELINE) for name in required)


def _lacking(name: str, check: Check, bundle: Bundle, facts: Mapping[str, Any]) -> str:
    if name in bundle.problems:
        return f"{name} cannot be read: {label(bundle.problems[name])}"
    if name in bundle.documents or name in facts or name in check.optional:
        return ""
    return f"the evidence {name} is missing"
