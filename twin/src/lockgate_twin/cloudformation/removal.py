"""Removes resources in the right order: what needs a thing goes before the thing.

Source: "Delete a stack" and "DeletionPolicy attribute" of the CloudFormation user guide; a resource that fails to
delete keeps those it depends on.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate_twin.cloudformation import graph
from lockgate_twin.cloudformation.failures import ResourceFailed
from lockgate_twin.cloudformation.stack import Doomed
from lockgate_twin.cloudformation.worker import Worker


def remove(doomed: Sequence[Doomed], worker: Worker) -> tuple[list[Doomed], list[str]]:
    """Remove resources and let go the retained ones.

    Returns those that are left, because they failed or because one that failed needs them, and the names of the
    ones that failed.
    """
    items = {f"{item.resource.logical_id}/{item.resource.physical_id}": item for item in doomed}
    needs = {key: _needed(item, items) for key, item in items.items()}
    left: list[Doomed] = []
    failed: list[str] = []
    blocked: set[str] = set()
    for key in reversed(graph.order(needs)):
        item = items[key]
        if key not in blocked:
            if _removed(item, worker):
                continue
            failed.append(item.resource.logical_id)
        left.append(item)
        blocked |= needs[key]
    return left, failed


def _needed(item: Doomed, items: dict[str, Doomed]) -> frozenset[str]:
    names = item.resource.needs
    return frozenset(key for key, other in items.items() if other.resource.logical_id in names and other is not item)


def _removed(item: Doomed, worker: Worker) -> bool:
    if item.retain:
        worker.skip(item.resource, listed=item.listed)
        return True
    try:
        worker.delete(item.resource, listed=item.listed)
    except ResourceFailed:
        return False
    return True
