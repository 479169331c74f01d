"""The state of Service Catalog: everything by id, looked up for one account and region."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from lockgate_twin import ports
from lockgate_twin.ports import Call
from lockgate_twin.services.servicecatalog.errors import not_found
from lockgate_twin.services.servicecatalog.model import (
    Constraint,
    Owned,
    Portfolio,
    Product,
    ProvisionedProduct,
    Record,
)

T = TypeVar("T", bound=Owned)
_TABLES = ("portfolios", "products", "constraints", "provisioned", "records")


class Table(Generic[T]):
    """Things of one kind. A change replaces the value while nobody else can, and is kept in `kept`."""

    def __init__(self, kind: str, lock: threading.RLock, kept: ports.Table) -> None:
        self._kind = kind
        self._lock = lock
        self._kept = kept
        self._rows: dict[str, T] = dict(kept.items())

    def add(self, row: T) -> T:
        """Add a new value."""
        with self._lock:
            self._put(row)
        return row

    def get(self, identifier: str, call: Call) -> T:
        """Return a value of the caller's account and region.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        row = self._rows.get(identifier)
        if row is None or (row.account, row.region) != (call.account, call.region):
            raise not_found(f"{self._kind} {identifier} not found.")
        return row

    def find(self, identifier: str) -> T | None:
        """Return a value of any account, or None."""
        return self._rows.get(identifier)

    def of(self, call: Call) -> list[T]:
        """Return the values of the caller's account and region, oldest first."""
        return [r for r in list(self._rows.values()) if (r.account, r.region) == (call.account, call.region)]

    def change(self, identifier: str, change: Callable[[T], T]) -> T | None:
        """Replace a value by `change(value)`; None if it is gone."""
        with self._lock:
            row = self._rows.get(identifier)
            if row is None:
                return None
            return self._put(change(row))

    def remove(self, identifier: str) -> None:
        """Remove a value."""
        with self._lock:
            self._kept.remove(identifier)
            self._rows.pop(identifier, None)

    def all(self) -> list[T]:
        """Return all values, oldest first."""
        return list(self._rows.values())

    def _put(self, row: T) -> T:
        self._kept.put(row.id, row)
        self._rows[row.id] = row
        return row


class State:
    """All tables; `lock` guards changes that touch several values."""

    def __init__(self, table: Callable[[str], ports.Table]) -> None:
        self.lock = threading.RLock()
        kept = {name: table(f"servicecatalog.{name}") for name in _TABLES}
        self.portfolios: Table[Portfolio] = Table("Portfolio", self.lock, kept["portfolios"])
        self.products: Table[Product] = Table("Product", self.lock, kept["products"])
        self.constraints: Table[Constraint] = Table("Constraint", self.lock, kept["constraints"])
        self.provisioned: Table[ProvisionedProduct] = Table("Provisioned product", self.lock, kept["provisioned"])
        self.records: Table[Record] = Table("Record", self.lock, kept["records"])
