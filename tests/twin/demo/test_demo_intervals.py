"""Stretches of time, of which the demo's account of the twin's own share is made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.demo.intervals import Interval, covered, without
from lockgate_twin.demo.report import twin_share

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda p: Interval(p[0], p[0] + p[1])))


@given(SPANS)
def test_what_is_covered_is_counted_once(intervals: list[Interval]) -> None:
    """Overlaps count once: the sum over whole seconds agrees."""
    seconds = {second for start, end in intervals for second in range(int(start), int(end))}
    assert covered(intervals) == len(seconds)


@given(SPANS, SPANS.filter(bool))
def test_what_remains_and_what_is_taken_away_make_the_whole(
    others: list[Interval], given_spans: list[Interval]
) -> None:
    """No second is lost or counted twice."""
    interval = given_spans[0]
    seconds = set(range(int(interval.start), int(interval.end)))
    taken = {second for start, end in others for second in range(int(start), int(end))}
    assert covered(without(interval, others)) == len(seconds - taken)


def test_a_build_that_waits_for_its_pipeline_is_not_at_work_but_its_jobs_are() -> None:
    """Of ten seconds: 2 in the build, 3 in a job of its pipeline, 1.1 in the hub's job and function; 3.9 are left."""
    status = {
        "spans": [
            ("codebuild p:1", 1.0, 8.0),
            ("processing-job train", 3.0, 6.0),
            ("processing-job hub", 8.5, 9.5),
            ("function hub", 8.6, 9.6),
            ("endpoint x", 0.0, 10.0),
        ],
        "pipelines": [("sagemaker-demo", 2.0, 7.0), ("sagemaker-lockgate-approval", 8.0, 10.0)],
    }
    assert twin_share(10.0, status) == pytest.approx(0.39)
