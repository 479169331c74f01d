"""A thread-safe store of one kind of resource, by place and name, that outlives the twin's process."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Table
from lockgate_twin.services.sagemaker.names import Named, Place

T = TypeVar("T")


class Registry(Generic[T]):
    """Resources by place and name; every check-and-change is one step, and kept when it returns.

    A service makes one per kind of resource: `Registry(context.table("sagemaker.<kind>"))`. It then holds what an
    earlier twin of the same folder kept. `add`, `put` and `remove` are written to the table by themselves. Whoever
    changes a resource in place calls `keep(key, resource)` before the call that changed it is answered. Resources are
    pickled: a dataclass with locks, events or sessions derives from `Kept` and marks those fields `NOT_KEPT`; a
    collection that grows within a resource (a group's packages, an execution's steps) is such a field too, and has a
    table of its own with one record per element. What was under way is settled by the service's `resume()`; a
    service's `close()` calls `close()` here first, so that what ends because the twin ends stays under way for it.
    """

    def __init__(self, table: Table) -> None:
        self.lock = threading.RLock()
        self._table = table
        self._closed = False
        self._items: dict[Named, T] = {_named(key): item for key, item in table.items()}

    def add(self, key: Named, item: T, taken: ApiError) -> None:
        """Add a resource, or raise `taken` if the name is used."""
        with self.lock:
            if key in self._items:
                raise taken
            self.put(key, item)

    def put(self, key: Named, item: T) -> None:
        """Add or replace a resource."""
        with self.lock:
            if not self._closed:
                self._table.put(_key(key), item)
            self._items[key] = item

    def keep(self, key: Named, item: T) -> None:
        """Keep a resource as it is now, after a change in place; one that was removed meanwhile stays away."""
        with self.lock:
            if self._items.get(key) is item and not self._closed:
                self._table.put(_key(key), item)

    def get(self, key: Named) -> T | None:
        """Return a resource, or None."""
        return self._items.get(key)

    def find(self, key: Named, missing: ApiError) -> T:
        """Return a resource, or raise `missing`."""
        item = self._items.get(key)
        if item is None:
            raise missing
        return item

    def remove(self, key: Named, missing: ApiError) -> T:
        """Take a resource out, or raise `missing`."""
        with self.lock:
            item = self._items.get(key)
            if item is None:
                raise missing
            if not self._closed:
                self._table.remove(_key(key))
            del self._items[key]
        return item

    def here(self, place: Place) -> list[T]:
        """Return the resources of a place, oldest first."""
        with self.lock:
            return [item for key, item in self._items.items() if key.place == place]

    def all(self) -> list[T]:
        """Return every resource."""
        with self.lock:
            return list(self._items.values())

    def close(self) -> None:
        """Keep nothing more: what happens from now on happens because the twin ends."""
        with self.lock:
            self._closed = True


def _key(key: Named) -> str:
    return f"{key.place.account}/{key.place.region}/{key.name}"


def _named(key: str) -> Named:
    account, region, name = key.split("/", 2)
    return Named(Place(account, region), name)
