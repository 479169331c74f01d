"""Captured traffic: read as SageMaker writes it, compared with the approved version's data, counted honestly."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError, Outcome
from lockgate_checks.compute.constraints import suggest_constraints
from lockgate_checks.compute.statistics import statistics
from lockgate_checks.errors import CheckError
from lockgate_checks.policy.load import shipped_policy
from lockgate_checks.watch import PREDICTION, Watched, baseline_with_predictions, read_captured, watch

NOW = datetime(2026, 5, 4, tzinfo=UTC)
FEATURES = ("age", "sex")
Rows = list[tuple[int, str]]


def record(asked: str, answered: str, event: str = "", **side: str) -> str:
    """One line as SageMaker writes it (developer guide, "Capture data")."""
    common = {"observedContentType": "text/csv", "encoding": "CSV", **side}
    sides = {
        "endpointInput": {**common, "mode": "INPUT", "data": asked},
        "endpointOutput": {**common, "mode": "OUTPUT", "data": answered},
    }
    when = {"eventId": event, "inferenceTime": "2026-05-03T10:00:00Z"}
    return json.dumps({"captureData": sides, "eventMetadata": when, "eventVersion": "0"})


def people(seed: int, number: int) -> Rows:
    """Rows of two features."""
    chance = random.Random(seed)  # noqa: S311 - test data
    return [(chance.randint(18, 60), chance.choice(["Female", "Male"])) for _ in range(number)]


def score(row: tuple[int, str]) -> str:
    """What the model answers."""
    return f"{row[0] / 100:.2f}"


def baseline(rows: Rows) -> dict[str, Any]:
    """The documents of the approved version, whose data had a label as well."""
    columns = {
        "age": np.array([str(age) for age, _ in rows], dtype=object),
        "sex": np.array([sex for _, sex in rows], dtype=object),
        "released": np.array(["1" for _ in rows], dtype=object),
    }
    documents = statistics([columns])
    registered = {"data_quality": documents, "data_constraints": suggest_constraints(documents)}
    return baseline_with_predictions(registered, map(score, rows))


def traffic(rows: Rows) -> list[str]:
    """One record per row."""
    return [record(f"{age},{sex}\n", f"{score((age, sex))}\n", str(i)) for i, (age, sex) in enumerate(rows)]


def watched(lines: Iterable[str | bytes]) -> Watched:
    """What is seen in these lines against a thousand people's baseline, under the shipped policy."""
    return watch(read_captured(lines, FEATURES), baseline(people(1, 1000)), shipped_policy("baseline"), NOW)


def test_traffic_like_the_training_data_raises_nothing() -> None:
    """Other people of the same kind are no drift."""
    seen = watched(traffic(people(2, 500)))
    assert (seen.rows, seen.failing) == (500, ())
    assert seen.metrics()["FailingChecks"] == 0
    assert seen.metrics()["LargestDrift"] < 0.1


def test_drifted_traffic_names_the_columns_and_the_predictions() -> None:
    """Much older people drift in age and so in what the model answers, and not in sex."""
    seen = watched(traffic([(age + 35, sex) for age, sex in people(3, 500)]))
    drifted = {finding.subject for finding in seen.failing if finding.check == "data.drift"}
    assert drifted == {"drift@age", f"drift@{PREDICTION}"}
    assert seen.metrics()["LargestDrift"] > 0.3
    assert seen.metrics()["FailingChecks"] >= 2


def test_missing_cells_break_the_constraints() -> None:
    """A column that was always there and is empty now is incomplete."""
    lines = [record(f"{age},\n", "0.5\n", str(age * 1000 + i)) for i, (age, _) in enumerate(people(4, 300))]
    failing = {(f.check, f.subject) for f in watched(lines).failing}
    assert ("data.completeness", "completeness@sex") in failing


def test_no_traffic_is_said_and_is_no_success() -> None:
    """Without records there is a skipped finding, no statistics and no drift."""
    seen = watched([])
    assert [(f.check, f.outcome) for f in seen.findings] == [("watch.traffic", Outcome.SKIP)]
    assert seen.statistics is None
    assert "LargestDrift" not in seen.metrics()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "the line is no JSON"),
        ("[]", "the line is no JSON object"),
        ("{}", "eventMetadata is missing"),
        (json.dumps({"eventMetadata": {}}), "captureData is missing"),
        (record("1,a\n", "0.5\n", observedContentType="application/json"), "the request is application/json, not"),
        (record("1,a\n", "0.5\n", encoding="BASE64"), "the request is no base64 of UTF-8 text"),
        (record("1,a\n2,b\n", "0.5\n"), "2 rows were asked and 1 answered"),
        (record("1,a,b\n", "0.5\n"), "a request row has 3 cells for 2 features"),
        (record("\n", "0.5\n"), "the request is empty"),
    ],
)
def test_an_unreadable_record_is_counted_with_its_reason(line: str, reason: str) -> None:
    """It fails the watch instead of vanishing; the others are read."""
    seen = watched([*traffic(people(2, 400)), line])
    found = [f for f in seen.failing if f.check == "watch.readable"]
    assert [reason in f.reason for f in found] == [True]
    assert seen.metrics()["UnreadRecords"] == 1
    assert seen.rows == 400


def test_base64_records_read_like_text() -> None:
    """An endpoint that does not name CSV among its capture content types encodes both sides."""
    encode: Callable[[str], str] = lambda text: base64.b64encode(text.encode()).decode()  # noqa: E731
    line = record(encode("41,Male\n30,Female\n"), encode("0.4\n0.3\n"), encoding="BASE64")
    assert list(read_captured([line], FEATURES).rows()) == [("41", "Male", "0.4"), ("30", "Female", "0.3")]


def test_a_record_delivered_twice_counts_once() -> None:
    """Capture writes at least once; the event's id tells."""
    lines = traffic(people(2, 50))
    assert watched([*lines, *lines]).rows == 50


def test_a_deployments_own_tests_are_no_traffic() -> None:
    """They are marked by their inference id, and are neither rows nor unreadable."""
    marked = json.loads(record("this,is,no,row\n", "?\n", "t1"))
    marked["eventMetadata"]["inferenceId"] = "lockgate-test"
    seen = watched([*traffic(people(2, 50)), json.dumps(marked)])
    assert (seen.rows, seen.records, dict(seen.unread)) == (50, 50, {})


def test_a_baseline_without_a_feature_of_the_requests_is_refused() -> None:
    """Nothing could be said about that column."""
    documents = baseline(people(1, 100))
    with pytest.raises(EvidenceError, match="lacks the feature"):
        watch(read_captured([], ("age", "sex", "income")), documents, shipped_policy("baseline"), NOW)


def test_a_missing_baseline_document_is_named() -> None:
    """There is nothing to compare the traffic with."""
    documents = {"data_quality": baseline(people(1, 100))["data_quality"]}
    with pytest.raises(EvidenceError, match="data_constraints"):
        watch(read_captured([], FEATURES), documents, shipped_policy("baseline"), NOW)


def test_a_time_without_a_zone_is_refused() -> None:
    """Waivers end on a day of UTC."""
    with pytest.raises(CheckError, match="time zone"):
        watch(read_captured([], FEATURES), baseline(people(1, 10)), shipped_policy("baseline"), datetime(2026, 1, 1))  # noqa: DTZ001


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(junk: bytes) -> None:
    """Whatever a line holds, it is read or counted."""
    captured = read_captured([junk], FEATURES)
    rows = list(captured.rows())
    assert not rows
    assert sum(captured.unread.values()) == captured.records


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(60)))
def test_the_order_of_the_records_does_not_matter(order: list[int]) -> None:
    """The same traffic in another order gives the same statistics and findings."""
    lines = traffic(people(5, 60))
    first, second = watched(lines), watched([lines[i] for i in order])
    assert first.findings == second.findings
    assert first.statistics == second.statistics
