"""Bias metrics: worked examples of the AWS guide, tables counted by hand, properties, and data that cannot be used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.bias import bias_report
from lockgate_checks.compute.bias_plan import BiasPlan, Facet, plan_from_clarify
from lockgate_checks.compute.cells import Chunk

Row = tuple[Any, Any, Any, Any]  # facet, label, prediction, group
NAMES = ("facet", "label", "prediction", "group")
PLAN = BiasPlan("label", (Facet("facet", ("d",)),), prediction="prediction", group="group")
UNGROUPED = BiasPlan("label", (Facet("facet", ("d",)),), prediction="prediction")


def confusion(facet: str, counts: tuple[int, int, int, int], group: str = "g") -> list[Row]:
    """Return rows with these numbers of true negatives, false negatives, false positives and true positives."""
    kinds = (("0", "0"), ("1", "0"), ("0", "1"), ("1", "1"))
    return [(facet, y, p, group) for (y, p), number in zip(kinds, counts, strict=True) for _ in range(number)]


def chunk(rows: list[Row], dtype: Any = object) -> Chunk:
    """Return rows as columns."""
    return {name: np.asarray([row[i] for row in rows], dtype=dtype) for i, name in enumerate(NAMES)}


def chunks(rows: list[Row], size: int) -> Iterator[Chunk]:
    """Return rows in chunks of this size."""
    yield from (chunk(rows[start : start + size]) for start in range(0, len(rows), size))


def metrics(report: Mapping[str, Any], facet: str = "facet", place: int = 0) -> dict[str, float | None]:
    """Return all metrics of a facet value by name."""
    stages = ("pre_training_bias_metrics", "post_training_bias_metrics")
    entries = [m for s in stages if s in report for m in report[s]["facets"][facet][place]["metrics"]]
    return {entry["name"]: entry["value"] for entry in entries}


def measured(rows: list[Row], plan: BiasPlan = PLAN) -> dict[str, float | None]:
    """Return the metrics of rows."""
    return metrics(bias_report([chunk(rows)], plan))


def test_the_guides_confusion_matrices_give_the_guides_numbers() -> None:
    """RD and SD of the example on their pages, and the metrics that follow from the same matrices by hand."""
    found = measured(confusion("a", (20, 5, 10, 65)) + confusion("d", (18, 7, 5, 20)))
    assert found["RD"] == pytest.approx(65 / 70 - 20 / 27)
    assert found["SD"] == pytest.approx(0.1159, abs=5e-5)
    assert found["CI"] == pytest.approx(50 / 150)
    assert found["DPL"] == pytest.approx(0.70 - 0.54)
    assert found["DPPL"] == pytest.approx(0.75 - 0.50)
    assert found["DI"] == pytest.approx(0.50 / 0.75)
    assert found["AD"] == pytest.approx(0.85 - 0.76)
    assert found["DAR"] == pytest.approx(65 / 75 - 20 / 25)
    assert found["DRR"] == pytest.approx(18 / 25 - 20 / 25)
    assert found["DCA"] == pytest.approx(70 / 75 - 27 / 25)
    assert found["DCR"] == pytest.approx(23 / 25 - 30 / 25)
    assert found["TE"] == pytest.approx(7 / 5 - 5 / 10)
    benefits = [2] * 15 + [0] * 12 + [1] * 123
    mean = sum(benefits) / 150
    assert found["GE"] == pytest.approx(sum((b / mean) ** 2 - 1 for b in benefits) / (2 * 150))


@pytest.mark.parametrize(
    ("name", "a", "d", "expected"),
    [
        ("TE", (43, 8, 6, 43), (21, 5, 2, 22), 2.5 - 8 / 6),
        ("AD", (10, 20, 10, 60), (10, 40, 10, 40), 0.2),
        ("DAR", (1, 0, 35, 35), (1, 0, 60, 40), 0.10),
        ("DRR", (80, 20, 0, 1), (40, 10, 0, 1), 0.0),
        ("DCA", (30, 10, 0, 60), (20, 0, 10, 20), 0.5),
        ("DCR", (50, 10, 0, 40), (30, 0, 10, 10), 0.5),
        ("KL", (10, 10, 10, 70), (60, 10, 10, 20), 0.8 * math.log(0.8 / 0.3) + 0.2 * math.log(0.2 / 0.7)),
    ],
)
def test_worked_examples_of_the_guide(name: str, a: Any, d: Any, expected: float) -> None:
    """The example on the metric's own page comes out; cells the page leaves open are filled freely."""
    assert measured(confusion("a", a) + confusion("d", d))[name] == pytest.approx(expected)


def test_labels_of_several_categories_as_in_the_guides_college_example() -> None:
    """KS of 40/40/20 against 20/10/70 percent is 0.5; TVD and LP follow from the same differences."""
    shares = {"a": (40, 40, 20), "d": (20, 10, 70)}
    rows = [
        (facet, label, "accepted", "g")
        for facet, numbers in shares.items()
        for label, number in zip(("rejected", "waitlisted", "accepted"), numbers, strict=True)
        for _ in range(number)
    ]
    plan = BiasPlan("label", (Facet("facet", ("d",)),), positive=("accepted",), prediction="prediction")
    found = measured(rows, plan)
    assert found["KS"] == pytest.approx(0.5)
    assert found["TVD"] == pytest.approx(0.5)
    assert found["LP"] == pytest.approx(math.sqrt(0.2**2 + 0.3**2 + 0.5**2))
    assert found["DPL"] == pytest.approx(-0.5)


def test_conditional_disparity_is_the_weighted_mean_over_groups() -> None:
    """The guide's admission shares give DD = 0.14; a second group of half the size halves nothing but its weight."""
    rejected = [("d", "0", "0", "x")] * 46 + [("a", "0", "0", "x")] * 54
    accepted = [("d", "1", "1", "x")] * 32 + [("a", "1", "1", "x")] * 68
    assert measured(rejected + accepted)["CDDL"] == pytest.approx(0.14)
    other = [("d", "0", "1", "y")] * 25 + [("a", "0", "0", "y")] * 25 + [("d", "1", "1", "y")] * 10
    other += [("a", "1", "0", "y")] * 40
    found = measured(rejected + accepted + other)
    assert found["CDDL"] == pytest.approx((200 * 0.14 + 100 * (0.5 - 0.2)) / 300)
    assert found["CDDPL"] == pytest.approx((200 * 0.14 + 100 * (0 / 65 - 35 / 35)) / 300)


def test_a_facet_that_got_everything_reaches_the_limits() -> None:
    """All positives in a, all negatives in d: every distance is at its end, and KL has no value."""
    report = bias_report([chunk(confusion("a", (0, 0, 0, 9)) + confusion("d", (9, 0, 0, 0)))], PLAN)
    found = metrics(report)
    assert (found["DPL"], found["DPPL"], found["TVD"], found["KS"], found["CDDL"]) == (1, 1, 1, 1, 1)
    assert found["JS"] == pytest.approx(math.log(2))
    assert found["LP"] == pytest.approx(math.sqrt(2))
    assert found["DI"] == 0
    assert found["GE"] == 0
    kl = next(m for m in report["pre_training_bias_metrics"]["facets"]["facet"][0]["metrics"] if m["name"] == "KL")
    assert kl["value"] is None
    assert "infinite" in kl["error"]


def test_metrics_without_a_value_are_null_and_say_why() -> None:
    """A model that answers no to everybody has no acceptance rates, and TE needs false positives."""
    report = bias_report([chunk(confusion("a", (5, 5, 0, 0)) + confusion("d", (5, 5, 0, 0)))], PLAN)
    entries = {m["name"]: m for m in report["post_training_bias_metrics"]["facets"]["facet"][0]["metrics"]}
    for name in ("DI", "DAR", "DCA", "TE", "CDDPL"):
        assert entries[name]["value"] is None
        assert entries[name]["error"].startswith("Not computable: ")
    assert entries["DPPL"] == {"name": "DPPL", "description": entries["DPPL"]["description"], "value": 0.0}


RATES = st.integers(1, 30)
TABLES = st.tuples(RATES, RATES, RATES, RATES)


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_identical_facets_show_no_difference(counts: tuple[int, int, int, int]) -> None:
    """Where a and d are the same, every difference is zero and the ratio one."""
    found = measured(confusion("a", counts) + confusion("d", counts))
    differences = {name: value for name, value in found.items() if name not in {"DI", "GE"}}
    assert differences == pytest.approx(dict.fromkeys(differences, 0))
    assert found["DI"] == 1


@settings(max_examples=40, deadline=None)
@given(TABLES, TABLES)
def test_swapping_the_facets_turns_the_signs(a: Any, d: Any) -> None:
    """Differences change sign, distances and GE stay, DI is inverted."""
    here = measured(confusion("a", a) + confusion("d", d))
    there = measured(confusion("a", d) + confusion("d", a))
    for name in ("CI", "DPL", "DPPL", "DCA", "DCR", "RD", "SD", "DAR", "DRR", "AD", "TE", "CDDL", "CDDPL"):
        assert there[name] == pytest.approx(-(here[name] or 0), abs=1e-12)
    for name in ("JS", "LP", "TVD", "KS", "GE"):
        assert there[name] == pytest.approx(here[name])
    assert there["DI"] == pytest.approx(1 / (here["DI"] or 1))


@settings(max_examples=40, deadline=None)
@given(TABLES, TABLES)
def test_swapping_the_labels_mirrors_acceptance_and_rejection(a: Any, d: Any) -> None:
    """With 0 for 1 in labels and answers DPL, DPPL and CDD turn, RD and SD, DAR and DRR, DCA and DCR change roles."""
    here = measured(confusion("a", a) + confusion("d", d))
    there = measured(confusion("a", a[::-1]) + confusion("d", d[::-1]))
    for one, other in (
        ("DPL", "DPL"),
        ("DPPL", "DPPL"),
        ("CDDL", "CDDL"),
        ("RD", "SD"),
        ("DAR", "DRR"),
        ("DCA", "DCR"),
    ):
        assert there[one] == pytest.approx(-(here[other] or 0), abs=1e-12)
    for name in ("AD", "JS", "LP", "TVD", "KS", "CI"):
        assert there[name] == pytest.approx(here[name])


CELLS = st.tuples(
    st.sampled_from(["a", "d", "e", "", None]),
    st.sampled_from("01"),
    st.sampled_from("01"),
    st.sampled_from(["x", "y", None]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=60), st.randoms(use_true_random=False), st.integers(1, 20))
def test_neither_row_order_nor_chunking_matters(rows: list[Row], random: Any, size: int) -> None:
    """The whole report is the same, to the last digit, or the data is refused in the same words."""
    plan = BiasPlan("label", (Facet("facet"), Facet("group")), prediction="prediction", group="group")
    shuffled = random.sample(rows, len(rows))
    assert outcome([chunk(rows)], plan) == outcome(list(chunks(shuffled, size)), plan)


def outcome(parts: list[Chunk], plan: BiasPlan) -> Any:
    """Return the report, or the words of the refusal."""
    try:
        return bias_report(parts, plan)
    except EvidenceError as error:
        return str(error)


def test_every_value_of_every_facet_is_measured_against_all_others() -> None:
    """Without named values each one is facet d once, in order; numbers sort as numbers; a missing one is left out."""
    rows = confusion("9", (5, 1, 1, 5)) + confusion("10", (4, 2, 2, 4)) + confusion("", (1, 1, 1, 1))
    plan = BiasPlan("label", (Facet("facet"), Facet("group")), prediction="prediction")
    report = bias_report([chunk(rows)], plan)
    entries = report["pre_training_bias_metrics"]["facets"]["facet"]
    assert [entry["value_or_threshold"] for entry in entries] == ["9", "10"]
    assert [entry["rows_without_value"] for entry in entries] == [4, 4]
    assert metrics(report)["AD"] == pytest.approx(8 / 12 - 10 / 12)
    assert set(report["post_training_bias_metrics"]["facets"]) == {"facet", "group"}
    assert "CDDL" not in metrics(report)


def test_text_numbers_typed_numbers_and_bytes_read_the_same() -> None:
    """One value is known by one text, be it "1", "1.0", 1, 1.0, true or a byte."""
    rows = [(f, y, p, 0) for f, y, p in ((0, 0, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 1, 1), (1, 0, 0))]
    plan = BiasPlan("label", (Facet("facet", ("1",)),), prediction="prediction", group="group")
    reports = [bias_report([chunk(rows, dtype)], plan) for dtype in (np.uint8, np.int64, np.float32, bool, object, str)]
    assert all(report == reports[0] for report in reports)
    decimals = [tuple(f"{cell}.0" for cell in row) for row in rows]
    assert bias_report([chunk(decimals)], plan) == reports[0]  # type: ignore[arg-type]


def test_thresholds_make_continuous_columns_binary() -> None:
    """Above the threshold is positive, and is facet d."""
    rows = [(age, score, score / 100, "g") for age, score in ((20, 40), (30, 60), (50, 60), (60, 40), (70, 30))]
    plan = BiasPlan(
        "label", (Facet("facet", threshold=40),), label_threshold=50, prediction="prediction", prediction_threshold=0.5
    )
    report = bias_report([chunk(rows)], plan)
    assert report["pre_training_bias_metrics"]["label_value_or_threshold"] == "50"
    assert report["pre_training_bias_metrics"]["facets"]["facet"][0]["value_or_threshold"] == "40"
    assert metrics(report)["DPL"] == pytest.approx(1 / 2 - 1 / 3)
    assert metrics(report)["AD"] == 0


def test_a_facet_value_that_never_occurs_is_null_not_zero() -> None:
    """An empty facet d has a class imbalance of one and no other difference."""
    found = measured(confusion("a", (5, 1, 1, 5)), UNGROUPED)
    assert found.pop("CI") == 1
    assert found.pop("GE") is not None
    assert set(found.values()) == {None}


GOOD = confusion("a", (5, 1, 1, 5)) + confusion("d", (5, 1, 1, 5))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no rows"),
        (GOOD[:1], "Every label 'label' is negative"),
        ([(f, "1", p, g) for f, _, p, g in GOOD], "Every label 'label' is positive"),
        ([(f, "yes" if y == "1" else "no", p, g) for f, y, p, g in GOOD], "positive: '1'"),
        ([(f, y, f"{i}!", g) for i, (f, y, _, g) in enumerate(GOOD)], "never says what the label says"),
        ([(f, math.nan, p, g) for f, _, p, g in GOOD], "has no value in 24 of 24 rows"),
        ([(f, y, None, g) for f, y, _, g in GOOD], "prediction 'prediction' has no value"),
        ([(math.nan, y, p, g) for _, y, p, g in GOOD], "facet 'facet' has no value in any row"),
        ([(i, y, p, g) for i, (_, y, p, g) in enumerate(GOOD * 20)], "more than 255 different values"),
        ([([f], y, p, g) for f, y, p, g in GOOD], "lists or other containers"),
    ],
)
def test_data_that_cannot_show_bias_is_refused(rows: list[Row], words: str) -> None:
    """Each says what is wrong; none gives a report in which nothing was measured."""
    with pytest.raises(EvidenceError, match=words):
        bias_report(columns(rows), PLAN)


def columns(rows: list[Row]) -> list[Chunk]:
    """Return rows as one chunk of untyped columns, lists kept as cells."""
    part: dict[str, Any] = {}
    for i, name in enumerate(NAMES):
        part[name] = np.empty(len(rows), dtype=object)
        part[name][:] = [row[i] for row in rows]
    return [part]


def test_a_missing_column_and_text_under_a_threshold_are_named() -> None:
    """The message names the column, and the text that is no number."""
    part = dict(chunk(GOOD))
    del part["group"]
    with pytest.raises(EvidenceError, match=r"lacks the column\(s\) 'group'"):
        bias_report([part], PLAN)
    with pytest.raises(EvidenceError, match="'a', which is no number"):
        bias_report([chunk(GOOD)], BiasPlan("label", (Facet("facet", threshold=3),)))


def test_infinite_values_fall_on_a_side_of_the_threshold() -> None:
    """Infinity is above, minus infinity below; neither is an error."""
    rows = [(math.inf, "1", "1", "g"), (-math.inf, "0", "0", "g"), ("inf", "0", "1", "g"), ("1", "1", "1", "g")]
    found = measured(rows, BiasPlan("label", (Facet("facet", threshold=3),), prediction="prediction"))
    assert (found["CI"], found["DPPL"]) == (0, -0.5)


def test_a_clarify_configuration_becomes_a_plan() -> None:
    """The documented keys are read; all mistakes are told at once."""
    plan = plan_from_clarify(
        {
            "label": "target",
            "label_values_or_threshold": [1.0],
            "predicted_label": "answer",
            "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}, {"name_or_index": "race"}],
            "group_variable": "region",
        }
    )
    assert plan == BiasPlan("target", (Facet("sex", ("F",)), Facet("race")), ("1",), None, "answer", None, "region")
    with pytest.raises(EvidenceError, match=r"label must be .*; facet must be .*; probability_threshold must be"):
        plan_from_clarify({"facet": [3], "probability_threshold": "high"})
