"""Bad input through both real jobs: every one ends in a failed or skipped check with its reason, never an approval."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.approval.examined import FEATURES, PLAN, Examination, archive, evidence, holdout, run_together, scores, table

Files = dict[str, bytes]
Rows = list[list[Any]]
Spoil = Callable[[Rows], Rows]
HEADER = [*FEATURES, "colour", "label", "score"]


def rows() -> Rows:
    """The evaluation data as they are registered when nothing is wrong."""
    return [[*row, f"{score:.9g}"] for row, score in zip(table(), scores(), strict=True)]


def data(spoil: Spoil, header: list[str] = HEADER) -> Files:
    """The evidence with other evaluation data."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([header, *spoil(rows())])
    return evidence() | {"holdout.csv": stream.getvalue().encode()}


def column(name: str, value: Callable[[int, Any], Any]) -> Spoil:
    """Another value in one column of every row."""
    place = HEADER.index(name)
    return lambda found: [
        [*row[:place], value(number, row[place]), *row[place + 1 :]] for number, row in enumerate(found)
    ]


def plan(**more: Any) -> Files:
    """The evidence with another plan."""
    return evidence() | {"evaluation_plan.json": json.dumps(PLAN | more).encode()}


def report(name: str, content: bytes) -> Files:
    """The evidence with another report."""
    return evidence() | {name: content}


CASES: dict[str, tuple[Files, str]] = {
    "a facet value that no row has": (
        plan(facets=[{"name": "colour", "values": ["Green"]}]),
        "Green",
    ),
    "a facet without any value": (data(column("colour", lambda *_: "")), "colour"),
    "a facet with one value only": (data(column("colour", lambda *_: "Black")), "colour=Black"),
    "a category that was not declared": (data(column("colour", lambda *_: "Violet")), "colour"),
    "one class only": (data(column("label", lambda *_: 1)), "All rows have one label"),
    "labels of a third class": (data(column("label", lambda n, label: 2 if n == 7 else label)), "neither 0 nor 1"),
    "labels that are texts": (data(column("label", lambda _, label: ("no", "yes")[label])), "neither 0 nor 1"),
    "labels that are missing": (data(column("label", lambda n, label: "" if n == 7 else label)), "neither 0 nor 1"),
    "a feature that is NaN throughout": (data(column("age", lambda *_: "nan")), "not finite"),
    "a feature that is empty throughout": (data(column("age", lambda *_: "")), "could not convert"),
    "a feature of texts": (data(column("age", lambda *_: "old")), "could not convert"),
    "an infinite feature": (
        data(column("age", lambda n, age: "inf" if n == 7 else age)),
        "not the registered model's own",
    ),
    "a feature of mixed types": (data(column("age", lambda n, age: "old" if n % 2 else age)), "could not convert"),
    "scores that are texts": (data(column("score", lambda *_: "high")), "could not convert"),
    "infinite scores": (data(column("score", lambda *_: "inf")), "where labels and scores are finite"),
    "scores that are NaN": (data(column("score", lambda *_: "nan")), "where labels and scores are finite"),
    "no rows": (data(lambda _: []), "no rows"),
    "one row": (data(lambda found: found[:1]), "All rows have one label"),
    "rows of different lengths": (data(lambda found: [*found[:-1], found[-1][:-1]]), "do not fit its header"),
    "a missing feature": (data(lambda found: [row[1:] for row in found], HEADER[1:]), "lacks columns"),
    "a missing facet": (data(lambda found: found, ["age", "income", "hue", "label", "score"]), "lacks columns"),
    "a column named twice": (data(lambda found: found, ["age", "age", "colour", "label", "score"]), "names one twice"),
    "evaluation data that are no text": (report("holdout.csv", b"\xff\xfe\x00\x01"), "holdout.csv cannot be read"),
    "a model-quality report that is no JSON": (report("model_quality/statistics.json", b"<html>"), "it is no JSON"),
    "a bias report that is no JSON": (report("bias/analysis.json", b""), "it is no JSON"),
    "a bias report of another form": (
        report("bias/analysis.json", b'{"post_training_bias_metrics": 3}'),
        "does not have the documented form",
    ),
    "a report with NaN": (report("model_quality/statistics.json", b'{"dataset": NaN}'), "NaN is no JSON number"),
    "a lineage that is a list": (report("lineage.json", b"[]"), "no JSON object"),
    "a plan without features": (plan(features=[]), "features are none"),
    "a plan that predicts a feature": (plan(label="age"), "both a feature and what is to be predicted"),
    "a plan of an unknown problem": (plan(problem="ranking"), "problem is 'ranking'"),
    "a plan with an infinite cutoff": (plan(cutoff="inf"), "cutoff is no finite number"),
    "a policy that is no YAML": (report("policy.yaml", b"{"), "policy.yaml"),
    "a policy that is a list": (report("policy.yaml", b"- 1"), "policy.yaml"),
}


def said(decision: dict[str, Any]) -> str:
    """Every reason that stands in the way."""
    open_ones = [f for f in decision["findings"] if f["outcome"] != "pass"]
    return " ".join(f"{f['subject']} {f['reason']}" for f in open_ones)


@pytest.fixture(scope="module")
def examinations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Examination]:
    """Both jobs over every case."""
    folder = tmp_path_factory.mktemp("bad-input")
    found = {
        name: Examination(folder / str(number), files, archive())
        for number, (name, (files, _)) in enumerate(CASES.items())
    }
    run_together(list(found.values()))
    return found


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_a_finding_with_its_reason(examinations: dict[str, Examination], name: str) -> None:
    """The jobs end well, no traceback is anywhere, and nobody is approved."""
    (_, reason), examination = CASES[name], examinations[name]
    written = examination.folder / "evaluate" / "output" / "decision"
    decision = json.loads((written / "decision.json").read_bytes())
    assert decision["verdict"] != "approve"
    assert reason in said(decision)
    page = (written / "report.html").read_text(encoding="utf-8")
    for text in (said(decision), examination.printed, page):
        assert "Traceback" not in text
        assert "itself broke" not in text


def test_the_same_way_approves_what_is_not_spoilt(tmp_path: Path) -> None:
    """The control: neither the table nor the rewriting is what keeps the others from an approval."""
    assert Examination(tmp_path, data(lambda found: found), archive()).run()["verdict"] == "approve"


def altered(content: bytes) -> bytes:
    """One bit of it in the middle changed."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("name", ["holdout.csv", "model_quality/statistics.json", "bias/analysis.json", "lineage.json"])
def test_an_altered_report_is_named(tmp_path: Path, name: str) -> None:
    """Its bytes are not the registered ones."""
    examination = Examination(tmp_path, evidence(), archive())
    arguments = examination.arguments()
    examination.files[name] = altered(examination.files[name])
    examination.arguments = lambda: arguments  # type: ignore[method-assign]
    decision = examination.run()
    assert decision["verdict"] == "reject"
    assert f"altered: {name} of the evidence is not the registered one" in said(decision)


def test_an_altered_model_is_named(tmp_path: Path) -> None:
    """Its archive answered, but is not the registered one."""
    examination = Examination(tmp_path, evidence(), altered(archive()))
    examination.digest = hashlib.sha256(archive()).hexdigest()
    decision = examination.run()
    assert decision["verdict"] == "reject"
    assert "its archive has the sha256" in said(decision)


def test_declared_scores_of_another_order_are_found(tmp_path: Path) -> None:
    """The rows are right and the scores are the model's, but not of these rows."""
    decision = Examination(tmp_path, evidence() | {"holdout.csv": holdout(scores()[::-1])}, archive()).run()
    assert decision["verdict"] != "approve"
