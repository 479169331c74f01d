"""Idempotency tokens: a repeated request gets the first answer and does nothing again.

Source: botocore ("If multiple requests differ only by the idempotency token, the same response is returned for each
repeated request" is said of the token itself).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.ports import Call, Table
from lockgate_twin.services.servicecatalog.errors import invalid

_Answer = dict[str, Any]


class Tokens:
    """Remembers answers by account, region, operation and token."""

    def __init__(self, table: Table) -> None:
        self._lock = threading.RLock()
        self._table = table
        self._answers: dict[str, tuple[Mapping[str, Any], _Answer]] = dict(table.items())

    def once(self, name: str, parameters: dict[str, Any], call: Call, work: Callable[[], _Answer]) -> _Answer:
        """Do `work` unless a request with the same token (member `name`) did it.

        Raises:
            ApiError: InvalidParametersException when the token was used for a different request.
        """
        token = parameters.get(name)
        if not token:
            return work()
        key = "/".join((call.account, call.region, call.operation, str(token)))
        with self._lock:
            if key not in self._answers:
                answered = (parameters, work())
                self._table.put(key, answered)
                self._answers[key] = answered
            before, answer = self._answers[key]
        if before != parameters:
            raise invalid(f"{name} {token} was used for a request with other parameters.")
        return answer
