"""What stacks leave in tables, so that they are there when the twin starts again, and work under way can be ended.

A stack is kept in parts, since its template is large and its resources change one by one: its head, which names the
blueprint that holds, its resources, its history, and the operation under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields

from lockgate_twin.cloudformation.blueprint import Blueprint
from lockgate_twin.cloudformation.stack import Resource, Stack, StackEvent
from lockgate_twin.ports import Principal, Table

_SEPARATOR = "\0"
_IN_PARTS = frozenset({"blueprint", "resources"})


@dataclass(frozen=True, kw_only=True)
class Work:
    """An operation under way: who asked for it, and what it started from or is to leave."""

    principal: Principal
    before: Stack | None = None
    retained: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Kept:
    """A stack as an earlier twin left it."""

    stack: Stack
    events: list[StackEvent]
    work: Work | None
    keeper: StackKeeper


class StackTables:
    """The tables of all stacks."""

    def __init__(self, table: Callable[[str], Table]) -> None:
        self.heads = table("cloudformation.stacks")
        self.blueprints = table("cloudformation.blueprints")
        self.resources = table("cloudformation.resources")
        self.events = table("cloudformation.events")
        self.work = table("cloudformation.work")

    def load(self) -> Iterator[Kept]:
        """Yield the stacks that are kept, oldest first."""
        blueprints, work = dict(self.blueprints.items()), dict(self.work.items())
        resources = _by_stack(self.resources)
        events = _by_stack(self.events)
        for stack_id, (head, key) in self.heads.items():
            listed: dict[str, Resource] = {r.logical_id: r for r in resources.get(stack_id, ())}
            stack = Stack(**head, blueprint=blueprints[key], resources=listed)
            history = events.get(stack_id, [])
            keeper = StackKeeper(self, stack_id, _Place(key, stack.blueprint, len(history)))
            yield Kept(stack=stack, events=history, work=work.get(stack_id), keeper=keeper)


def _by_stack(table: Table) -> dict[str, list]:  # type: ignore[type-arg] # of resources or of events
    found: dict[str, list] = {}  # type: ignore[type-arg]
    for key, record in table.items():
        found.setdefault(key.split(_SEPARATOR)[0], []).append(record)
    return found


@dataclass
class _Place:
    """Where the parts of one stack are: the blueprint's key and the number of events."""

    key: str = ""
    blueprint: Blueprint | None = field(default=None, repr=False)
    events: int = 0


class StackKeeper:
    """Keeps one stack; its record has the lock."""

    def __init__(self, tables: StackTables, stack_id: str, place: _Place | None = None) -> None:
        self._tables = tables
        self._id = stack_id
        self._place = place or _Place()

    def head(self, stack: Stack) -> None:
        """Keep everything but resources and history. The new blueprint holds from the moment its head is written."""
        before = self._place.key
        if stack.blueprint is not self._place.blueprint:
            number = int(before.rpartition(_SEPARATOR)[2] or 0) + 1
            self._place.key = f"{self._id}{_SEPARATOR}{number}"
            self._tables.blueprints.put(self._place.key, stack.blueprint)
            self._place.blueprint = stack.blueprint
        members = {f.name: getattr(stack, f.name) for f in fields(stack) if f.name not in _IN_PARTS}
        self._tables.heads.put(self._id, (members, self._place.key))
        if before and before != self._place.key:
            self._tables.blueprints.remove(before)

    def resource(self, resource: Resource) -> None:
        """Keep a resource."""
        self._tables.resources.put(f"{self._id}{_SEPARATOR}{resource.logical_id}", resource)

    def event(self, event: StackEvent) -> None:
        """Keep one more line of the history."""
        self._tables.events.put(f"{self._id}{_SEPARATOR}{self._place.events}", event)
        self._place.events += 1

    def work(self, work: Work) -> None:
        """Keep what an operation needs to be ended by a later twin."""
        self._tables.work.put(self._id, work)
