"""The functions of all accounts and regions."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Table, utc_now
from lockgate_twin.services.lambda_.model import Function
from lockgate_twin.services.lambda_.names import Key, function_arn, not_found


class FunctionStore:
    """Functions by key; changes are made one at a time, and kept when they return."""

    def __init__(self, table: Table) -> None:
        self._lock = threading.RLock()
        self._table = table
        self._functions: dict[Key, Function] = {function.key: function for _, function in table.items()}

    def get(self, key: Key) -> Function:
        """Return a function.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        function = self._functions.get(key)
        if function is None:
            raise not_found(function_arn(key))
        return function

    def add(self, function: Function) -> None:
        """Add a new function.

        Raises:
            ApiError: ResourceConflictException when the name is taken.
        """
        with self._lock:
            self.require_free(function.key)
            self._keep(function)

    def require_free(self, key: Key) -> None:
        """Check that a name is free.

        Raises:
            ApiError: ResourceConflictException.
        """
        if key in self._functions:
            raise ApiError("ResourceConflictException", f"Function already exist: {key[2]}", 409)

    def change(self, key: Key, change: Callable[[Function], Function], *, revision: str | None = None) -> Function:
        """Replace a function by `change(function)`, with a new revision id.

        Raises:
            ApiError: ResourceNotFoundException, or PreconditionFailedException if `revision` is not the newest.
        """
        with self._lock:
            current = self.get(key)
            if revision is not None and revision != current.revision_id:
                message = "The RevisionId provided does not match the latest RevisionId. "
                hint = "Call the GetFunction/GetAlias API to retrieve the latest RevisionId"
                raise ApiError("PreconditionFailedException", message + hint, 412)
            changed = replace(change(current), revision_id=str(uuid.uuid4()), modified=utc_now())
            self._keep(changed)
            return changed

    def remove(self, key: Key) -> Function:
        """Remove a function and return it.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        with self._lock:
            function = self.get(key)
            self._table.remove(function.arn)
            del self._functions[key]
            return function

    def _keep(self, function: Function) -> None:
        self._table.put(function.arn, function)
        self._functions[function.key] = function

    def of(self, account: str, region: str) -> list[Function]:
        """Return the functions of one account and region by name."""
        mine = [f for (a, r, _), f in list(self._functions.items()) if (a, r) == (account, region)]
        return sorted(mine, key=lambda f: f.name)
