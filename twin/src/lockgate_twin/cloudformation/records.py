"""The stacks of all accounts and regions: current states and histories, safe between threads."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.keeping import StackKeeper, StackTables, Work
from lockgate_twin.cloudformation.stack import STACK_TYPE, Resource, Stack, StackEvent, shown
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import utc_now

USER_INITIATED = "User Initiated"


class Record:
    """One stack's current state and its history."""

    def __init__(self, stack: Stack, keeper: StackKeeper, events: Iterable[StackEvent] = ()) -> None:
        self._stack = stack
        self._keeper = keeper
        self._events: list[StackEvent] = list(events)
        self.lock = threading.RLock()
        self.working = threading.Lock()
        self.cancelled = threading.Event()
        self._children: list[Record] = []

    @property
    def stack(self) -> Stack:
        """Return the state now."""
        return self._stack

    @property
    def events(self) -> Sequence[StackEvent]:
        """Return the history, oldest first."""
        return tuple(self._events)

    def change(self, **fields: Any) -> Stack:
        """Replace fields of the state."""
        with self.lock:
            self._stack = replace(self._stack, **fields)
            self._keeper.head(self._stack)
            return self._stack

    def begin(
        self, allowed: Iterable[str], status: str, refusal: str, work: Callable[[Stack], Work], **fields: Any
    ) -> Stack:
        """Start an operation, if the present status allows it. Returns the state before.

        Starting a deletion cancels a creation under way. `work` is kept until another operation starts.

        Raises:
            ApiError: ValidationError with `refusal`, in which {status} is filled in.
        """
        with self.lock:
            before = self._stack
            if before.status not in allowed:
                raise invalid(refusal.format(status=before.status))
            if status == "DELETE_IN_PROGRESS":
                self.cancel()
            else:
                self.cancelled.clear()
            self._keeper.work(work(before))
            self._stack = replace(before, **fields)
            self.move(status, USER_INITIATED)
            return before

    def start(self, status: str, work: Work) -> None:
        """Begin the first operation of a new stack."""
        with self.lock:
            self._keeper.work(work)
            self.move(status, USER_INITIATED)

    def adopt(self, child: Record) -> None:
        """Let a nested stack's creation be cancelled with this stack's."""
        self._children.append(child)
        if self.cancelled.is_set():
            child.cancel()

    def cancel(self) -> None:
        """Cancel the creation under way, if any, with those of nested stacks."""
        self.cancelled.set()
        for child in self._children:
            child.cancel()

    def move(self, status: str, reason: str = "") -> None:
        """Give the stack a new status and note it in the history; the reason of a rollback stays its reason."""
        with self.lock:
            kept = self._stack.reason if "ROLLBACK" in status and not reason else reason
            self._stack = replace(self._stack, status=status, reason="" if kept == USER_INITIATED else kept)
            stack = self._stack
            event = StackEvent(
                id=str(uuid.uuid4()),
                logical_id=stack.identity.name,
                type=STACK_TYPE,
                status=status,
                time=utc_now(),
                physical_id=stack.identity.id,
                reason=reason,
                token=stack.options.token,
            )
            self._keeper.head(stack)
            self._note(event)

    def complete_creation(self, status: str, reason: str = "") -> bool:
        """End a creation with a status, unless it was cancelled; tell whether it was not."""
        with self.lock:
            if not self.cancelled.is_set():
                self.move(status, reason)
            return not self.cancelled.is_set()

    def put(self, resource: Resource, *, listed: bool = True) -> None:
        """Note a resource's new state in the history and, if `listed`, as the stack's resource of that name."""
        with self.lock:
            if listed:
                self.redefine(resource)
            self._note(self._event(resource))

    def redefine(self, resource: Resource) -> None:
        """List a resource with a new definition; nothing happened to it, so history does not note it."""
        with self.lock:
            self._stack = replace(self._stack, resources={**self._stack.resources, resource.logical_id: resource})
            self._keeper.resource(resource)

    def _note(self, event: StackEvent) -> None:
        self._keeper.event(event)
        self._events.append(event)

    def _event(self, resource: Resource) -> StackEvent:
        stamp = resource.updated.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        return StackEvent(
            id=f"{resource.logical_id}-{resource.status}-{stamp}Z",
            logical_id=resource.logical_id,
            type=resource.type,
            status=resource.status,
            time=resource.updated,
            physical_id=resource.physical_id,
            reason=resource.reason,
            properties=shown(resource.properties, self._stack.secrets),
            token=self._stack.options.token,
        )


class Stacks:
    """All stacks. A name belongs to one stack that is not deleted; an id lasts."""

    def __init__(self, tables: StackTables) -> None:
        self._tables = tables
        self._records: dict[str, Record] = {}
        self._lock = threading.Lock()
        self.interrupted: list[tuple[Record, Work]] = []
        for kept in tables.load():
            record = Record(kept.stack, kept.keeper, kept.events)
            self._records[kept.stack.identity.id] = record
            if kept.work is not None:
                self.interrupted.append((record, kept.work))

    def add(self, stack: Stack, work: Work) -> Record:
        """Add a new stack, on which `work` begins.

        Raises:
            ApiError: AlreadyExistsException when the name is in use.
        """
        identity = stack.identity
        with self._lock:
            if self._by_name(identity.account, identity.region, identity.name) is not None:
                raise ApiError("AlreadyExistsException", f"Stack [{identity.name}] already exists")
            record = Record(stack, StackKeeper(self._tables, identity.id))
            record.start(stack.status, work)
            self._records[identity.id] = record
            return record

    def find(self, account: str, region: str, name_or_id: str) -> Record:
        """Find a stack by name, or by id even when deleted.

        Raises:
            ApiError: ValidationError when there is none.
        """
        record = self._records.get(name_or_id) or self._by_name(account, region, name_or_id)
        if record is None or (record.stack.identity.account, record.stack.identity.region) != (account, region):
            raise invalid(f"Stack with id {name_or_id} does not exist")
        return record

    def named(self, account: str, region: str, name: str) -> Record | None:
        """Return the stack that bears a name now."""
        return self._by_name(account, region, name)

    def all(self, account: str, region: str) -> list[Record]:
        """Return all stacks, deleted ones too, newest first."""
        mine = [r for r in list(self._records.values()) if _place(r) == (account, region)]
        return list(reversed(mine))

    def exports(self, account: str, region: str) -> dict[str, tuple[str, Stack]]:
        """Return the exported values by export name, with the stack that exports each."""
        return {
            output.export: (output.value, record.stack)
            for record in self.all(account, region)
            if record.stack.status != "DELETE_COMPLETE"
            for output in record.stack.outputs
            if output.export
        }

    def _by_name(self, account: str, region: str, name: str) -> Record | None:
        for record in list(self._records.values()):
            stack = record.stack
            if (
                _place(record) == (account, region)
                and stack.identity.name == name
                and stack.status != "DELETE_COMPLETE"
            ):
                return record
        return None


def _place(record: Record) -> tuple[str, str]:
    return record.stack.identity.account, record.stack.identity.region
