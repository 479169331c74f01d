"""Is it known what made the version, and was it examined on rows that it did not learn?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.check import Answer, Measured, check, failed, number, passed, skipped
from lockgate_checks.compute.lineage import read_lineage
from lockgate_checks.families.reading import mapping


@check(id="lineage.complete", question="Is it known which source, data and image made the model?")
def complete(lineage: Mapping[str, Any]) -> Answer:
    """It is not known what made the model: let the project's own build write the lineage."""
    known = read_lineage(lineage)
    return passed(f"made from commit {known.commit[:12]} by seed {known.seed_version}")


@check(id="lineage.held_out", question="Are the evaluation data other data than the training data?")
def held_out(lineage: Mapping[str, Any]) -> Answer:
    """The model was examined on the data that it learned from, which makes every metric too good: hold rows out."""
    known = read_lineage(lineage)
    if known.data_digest == known.evaluation_data_digest:
        return failed("training and evaluation data have one digest")
    return passed("training and evaluation data have different digests")


@check(
    id="lineage.leakage",
    question="Are evaluation rows free of copies of training rows?",
    measures=("leaked_share", "leaked_share_lower", "repeated_share"),
)
def leakage(lineage: Mapping[str, Any]) -> Iterator[Measured | Answer]:
    """Evaluation rows also stand among the training rows, so the metrics are too good: split the data again."""
    if "overlap" not in lineage:
        yield skipped("the lineage says nothing about rows that training and evaluation share")
        return
    found = mapping(lineage["overlap"], "overlap")
    for name in ("leaked_share", "leaked_share_lower"):
        share = number(found.get(name))
        lawful = share is not None and 0 <= share <= 1
        yield Measured(name, share if lawful else f"{found.get(name)!r}, which is no share from 0 to 1")
    repeated, rows = number(found.get("repeated_rows")), number(found.get("evaluation_rows"))
    known = repeated is not None and rows is not None and 0 <= repeated <= rows > 0
    yield Measured("repeated_share", (repeated or 0.0) / (rows or 1.0) if known else "unknown")
