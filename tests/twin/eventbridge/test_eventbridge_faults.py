"""Deliveries that are doubled, reordered, delayed or lost on demand, and handlers that survive them.

Source: EventBridge User Guide, "How EventBridge retries delivering events": at least once, in no promised order.
"""

from __future__ import annotations

import pytest
from lockgate_twin.errors import ApiError
from lockgate_twin.services.eventbridge.faults import Fault, Faults

from tests.support.manual_scheduler import ManualScheduler


class Deliveries:
    """Takes down which deliveries happen, on a clock of the test."""

    def __init__(self, *faults: Fault) -> None:
        self.scheduler = ManualScheduler()
        self.done: list[int] = []
        self.faults = Faults(lambda seconds, work: self.scheduler.after(seconds, "late", work))
        self.faults.switch(faults)

    def deliver(self, *numbers: int, rule: str = "push") -> list[bool]:
        """Deliver these events."""
        return [self.faults.apply(rule, lambda n=number: self.done.append(n)) for number in numbers]  # type: ignore[misc]


def test_without_a_fault_each_event_comes_once_in_order() -> None:
    """Nothing is switched on from the start, and rules that a fault does not name are left alone."""
    deliveries = Deliveries(Fault(rule="other-*", duplicate=3, drop=1.0))
    deliveries.deliver(1, 2, 3)
    assert deliveries.done == [1, 2, 3]


def test_an_event_comes_several_times() -> None:
    """duplicate=3 delivers each event three times."""
    deliveries = Deliveries(Fault(duplicate=3))
    deliveries.deliver(1, 2)
    assert deliveries.done == [1, 1, 1, 2, 2, 2]


def test_events_change_their_order() -> None:
    """reorder=4 collects four events and lets them go in an order that is neither theirs nor its reverse."""
    deliveries = Deliveries(Fault(reorder=4, seed=3))
    deliveries.deliver(1, 2, 3)
    assert deliveries.done == []
    deliveries.deliver(4)
    assert sorted(deliveries.done) == [1, 2, 3, 4]
    assert deliveries.done not in ([1, 2, 3, 4], [4, 3, 2, 1])


def test_events_that_wait_for_others_are_let_go_in_the_end() -> None:
    """Fewer events than reorder asks for are delivered after a second."""
    deliveries = Deliveries(Fault(reorder=10))
    deliveries.deliver(1, 2)
    deliveries.scheduler.wait_for_work()
    assert deliveries.done == [2, 1]
    assert deliveries.scheduler.now() == 1.0


def test_events_come_late() -> None:
    """delay=30 delivers each event 30 seconds late."""
    deliveries = Deliveries(Fault(delay=30))
    deliveries.deliver(1)
    assert deliveries.done == []
    deliveries.scheduler.wait_for_work()
    assert (deliveries.done, deliveries.scheduler.now()) == ([1], 30.0)


def test_events_are_lost_and_the_same_seed_loses_the_same() -> None:
    """drop=0.5 loses about half of the events, says so, and does it again for the same seed."""
    runs = [Deliveries(Fault(drop=0.5, seed=seed)) for seed in (1, 1, 2)]
    told = [run.deliver(*range(200)) for run in runs]
    assert [n for n, kept in enumerate(told[0]) if kept] == runs[0].done
    assert 60 < len(runs[0].done) < 140
    assert runs[0].done == runs[1].done != runs[2].done


def test_switching_faults_off_lets_go_what_was_held() -> None:
    """What waited for its order is delivered at once, and events then come as ever."""
    deliveries = Deliveries(Fault(reorder=10))
    deliveries.deliver(1, 2)
    deliveries.faults.switch([])
    deliveries.deliver(3)
    assert deliveries.done == [1, 2, 3]
    assert deliveries.faults.shown() == []


def test_what_is_no_fault_is_refused_with_every_mistake() -> None:
    """Unknown names, texts that are no numbers and values out of bounds are told together."""
    assert Fault.of({"duplicate": "3", "rule": "a-*"}) == Fault(duplicate=3, rule="a-*")
    with pytest.raises(ApiError) as refused:
        Fault.of({"tripple": 1, "delay": "soon", "drop": 2})
    for part in ("'tripple' is no fault", "delay must be", "drop must be from 0 to 1"):
        assert part in refused.value.message
