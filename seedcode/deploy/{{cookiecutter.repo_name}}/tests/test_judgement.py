from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from conftest import ENDPOINT, HOLDOUT, LABELS, SCORES, Runtime

from deploy.errors import RefusedError
from deploy.holdout import area_under_curve, parse_holdout, to_csv
from deploy.judgement import Finding, judge, report, table
from deploy.measurement import Caller, measure
from deploy.stages import Expectations

OFFLINE_AUC = 5 / 6
EXPECTED = Expectations(
    rows_per_request=2,
    single_row_requests=3,
    max_score_difference=1e-5,
    max_auc_difference=0.001,
    max_p95_milliseconds=3000.0,
)


def findings(runtime: Runtime, offline_auc: float = OFFLINE_AUC, **changes: Any) -> dict[str, Finding]:
    """Test the endpoint with a clock that counts seconds; returns the findings by name."""
    expectations, holdout = Expectations(**{**vars(EXPECTED), **changes}), parse_holdout(HOLDOUT)
    clock = map(float, count())
    measured = measure(Caller(runtime, ENDPOINT, lambda: next(clock)), holdout, expectations)
    return {finding.name: finding for finding in judge(measured, holdout, offline_auc, expectations)}


def test_a_faithful_endpoint_passes_every_expectation() -> None:
    """All rows answered with the offline scores, quality, time and refusal as expected."""
    found = findings(Runtime())
    assert list(found) == [
        "rows answered",
        "largest score difference",
        "AUC",
        "p95 milliseconds",
        "malformed request",
    ]
    assert all(finding.holds for finding in found.values())
    assert report(list(found.values()), {"endpoint": ENDPOINT})["passed"] is True


@pytest.mark.parametrize(
    ("runtime", "changes", "name", "sentence"),
    [
        (
            Runtime(shift=0.01),
            {},
            "largest score difference",
            "A score differs by 0.01 from the offline evaluation",
        ),
        (Runtime(), {"offline_auc": 0.9}, "AUC", "The endpoint's AUC is 0.8333 but offline it was 0.9000"),
        (
            Runtime(),
            {"max_p95_milliseconds": 999.0},
            "p95 milliseconds",
            "took up to 1000.0 ms; at most 999 ms",
        ),
        (Runtime(malformed=500), {}, "malformed request", "answered with status 500; a client error"),
    ],
)
def test_each_expectation_can_fail_alone(
    runtime: Runtime, changes: dict[str, Any], name: str, sentence: str
) -> None:
    """Exactly the expectation that is violated fails, with one clear sentence."""
    found = findings(runtime, **changes)
    assert [key for key, finding in found.items() if not finding.holds] == [name]
    assert sentence in found[name].sentence
    assert "FAILED" in table(list(found.values()))


def test_an_endpoint_that_fails_is_not_judged_on_anything_else() -> None:
    """Without scores there is no parity to speak of; the failures are counted and the first is shown."""
    found = findings(Runtime(broken=True))
    assert list(found) == ["rows answered", "malformed request"]
    assert found["rows answered"].sentence.startswith("6 requests failed; the first: rows 1 to 2: ")


def test_auc_counts_correctly_ordered_pairs() -> None:
    """Five of six pairs are in order; ties count one half; reversing the scores mirrors it."""
    assert area_under_curve(LABELS, SCORES) == pytest.approx(5 / 6)
    assert area_under_curve(LABELS, [0.5] * 5) == pytest.approx(0.5)
    assert area_under_curve(LABELS, [-score for score in SCORES]) == pytest.approx(1 / 6)


def test_cells_with_commas_survive_the_request() -> None:
    """Rows are written as CSV, not merely joined."""
    assert to_csv([["a,b", "c"]]) == '"a,b",c\n'


def test_a_plan_tells_features_from_facets() -> None:
    """Columns are found by name, in the plan's order; a facet is not sent, and a missing feature is named."""
    text = "a,b,colour,label,score\n1,2,Black,1,0.9\n"
    assert parse_holdout(text, '{"features": ["b", "a"]}').rows == (("2", "1"),)
    assert parse_holdout(text.replace(",colour", "").replace(",Black", "")).rows == (("1", "2"),)
    with pytest.raises(RefusedError, match=r"^holdout\.csv lacks c, so the endpoint cannot be tested"):
        parse_holdout(text, '{"features": ["a", "c"]}')
