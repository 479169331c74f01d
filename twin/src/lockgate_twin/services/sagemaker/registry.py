"""A thread-safe store of one kind of resource, by place and name."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from lockgate_twin.errors import ApiError
from lockgate_twin.services.sagemaker.names import Named, Place

T = TypeVar("T")


class Registry(Generic[T]):
    """Resources by place and name; every check-and-change is one step."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._items: dict[Named, T] = {}

    def add(self, key: Named, item: T, taken: ApiError) -> None:
        """Add a resource, or raise `taken` if the name is used."""
        with self.lock:
            if key in self._items:
                raise taken
            self._items[key] = item

    def put(self, key: Named, item: T) -> None:
        """Add or replace a resource."""
        with self.lock:
            self._items[key] = item

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
            item = self._items.pop(key, None)
        if item is None:
            raise missing
        return item

    def here(self, place: Place) -> list[T]:
        """Return the resources of a place, oldest first."""
        with self.lock:
            return [item for key, item in self._items.items() if key.place == place]

    def all(self) -> list[T]:
        """Return every resource."""
        with self.lock:
            return list(self._items.values())
