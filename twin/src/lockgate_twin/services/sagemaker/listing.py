"""Filters, order and pages that SageMaker's List operations share.

A page's NextToken holds the position of its last item, not a number of items, so that pages stay right while resources
come and go. Assumption: where AWS documents no default for MaxResults it is taken to be 10, as ListEndpoints documents.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from lockgate_twin.services.sagemaker.errors import validation

DEFAULT_PAGE = 10
Position = tuple[float | str, ...]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a List operation filters and sorts by; `serial` makes positions unique."""

    name: str
    created: datetime
    serial: int = 0
    modified: datetime | None = None
    status: str | None = None


@dataclass(frozen=True)
class Lister(Generic[T]):
    """How one List operation works: what it knows of an item, its defaults, and its answer's members."""

    members: str
    facts: Callable[[T], Facts]
    summary: Callable[[T], dict[str, Any]]
    sort_by: str = "CreationTime"
    sort_order: str = "Descending"
    default_page: int = DEFAULT_PAGE

    def page(self, items: Sequence[T], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response of the List operation for one request.

        Raises:
            ApiError: ValidationException for a NextToken that is not one of ours.
        """
        key = parameters.get("SortBy", self.sort_by)
        descending = parameters.get("SortOrder", self.sort_order) == "Descending"
        kept = [(f, item) for f, item in ((self.facts(i), i) for i in items) if _passes(f, parameters)]
        placed = sorted(((_position(f, key), i) for f, i in kept), key=lambda p: p[0], reverse=descending)
        if after := _decoded(parameters.get("NextToken")):
            placed = [(p, i) for p, i in placed if (p < after if descending else p > after)]
        size = parameters.get("MaxResults", self.default_page)
        answer: dict[str, Any] = {self.members: [self.summary(item) for _, item in placed[:size]]}
        if len(placed) > size:
            answer["NextToken"] = _encoded(placed[size - 1][0])
        return answer


def _passes(facts: Facts, parameters: Mapping[str, Any]) -> bool:
    wanted = {name: _aware(value) for name, value in parameters.items()}
    modified = facts.modified or facts.created
    checks = (
        ("NameContains", lambda text: text.lower() in facts.name.lower()),
        ("PipelineNamePrefix", facts.name.startswith),
        ("StatusEquals", lambda status: status == facts.status),
        ("CreationTimeAfter", lambda time: facts.created > time),
        ("CreationTimeBefore", lambda time: facts.created < time),
        ("CreatedAfter", lambda time: facts.created > time),
        ("CreatedBefore", lambda time: facts.created < time),
        ("LastModifiedTimeAfter", lambda time: modified > time),
        ("LastModifiedTimeBefore", lambda time: modified < time),
    )
    return all(check(wanted[name]) for name, check in checks if name in wanted)


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _position(facts: Facts, key: str) -> Position:
    first: float | str = facts.created.timestamp()
    if key == "Status":
        first = facts.status or ""
    elif key == "LastModifiedTime":
        first = (facts.modified or facts.created).timestamp()
    elif key != "CreationTime":
        first = facts.name
    return (first, facts.serial, facts.name)


def _encoded(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decoded(token: str | None) -> Position | None:
    if not token:
        return None
    try:
        first, serial, name = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error) as error:
        raise validation("Invalid NextToken; use the token of the previous response unchanged.") from error
    return (first, serial, name)
