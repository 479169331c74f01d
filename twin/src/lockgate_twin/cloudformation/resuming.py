"""Ends the operations that an earlier twin had under way: they have failed, and are rolled back or deleted as ever.

Nothing is created or changed any more: a creation or an update fails because the twin ended, and is rolled back with
the permissions it had; a rollback, a clean-up and a deletion go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lockgate_twin.cloudformation.engine import Engine
from lockgate_twin.cloudformation.keeping import Work
from lockgate_twin.cloudformation.records import Record
from lockgate_twin.ports import utc_now

ENDED = "The twin ended while this was under way. "
_FAILED = {"CREATE_IN_PROGRESS": "CREATE_FAILED", "UPDATE_IN_PROGRESS": "UPDATE_FAILED"}


def is_under_way(record: Record) -> bool:
    """Tell whether an operation works on a stack."""
    return record.stack.status.endswith("_IN_PROGRESS") and record.stack.status != "REVIEW_IN_PROGRESS"


def fail_resources(record: Record) -> None:
    """Note that the resources under way have failed."""
    for resource in list(record.stack.resources.values()):
        if resource.status in _FAILED:
            failed = replace(resource, status=_FAILED[resource.status], reason=ENDED.strip(), updated=utc_now())
            record.put(failed)


def ending(record: Record, work: Work, engine: Engine) -> Callable[[], None]:
    """Return what ends the operation under way."""
    before = work.before or record.stack
    ways: dict[str, Callable[[], None]] = {
        "CREATE_IN_PROGRESS": lambda: engine.fail_creation(ENDED),
        "ROLLBACK_IN_PROGRESS": engine.roll_back_creation,
        "UPDATE_IN_PROGRESS": lambda: engine.fail_update(ENDED, before),
        "UPDATE_ROLLBACK_IN_PROGRESS": lambda: engine.roll_back_update(before),
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": engine.complete_update,
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": lambda: engine.finish_update_rollback(before),
        "DELETE_IN_PROGRESS": lambda: engine.delete(work.retained),
    }
    return ways[record.stack.status]
