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
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from lockgate_twin.services.sagemaker.errors import validation

DEFAULT_PAGE = 10
Position = tuple[float | str, ...]
T = TypeVar("T")


class Facts(NamedTuple):
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
        filters = _filters(parameters)
        known = [(self.facts(item), item) for item in items]
        if filters:
            known = [(facts, item) for facts, item in known if all(passes(facts) for passes in filters)]
        placed = [(_position(facts, key), item) for facts, item in known]
        if after := _decoded(parameters.get("NextToken")):
            placed = [(p, i) for p, i in placed if (p < after if descending else p > after)]
        placed.sort(key=itemgetter(0), reverse=descending)
        size = parameters.get("MaxResults", self.default_page)
        answer: dict[str, Any] = {self.members: [self.summary(item) for _, item in placed[:size]]}
        if len(placed) > size:
            answer["NextToken"] = _encoded(placed[size - 1][0])
        return answer


_CHECKS: dict[str, Callable[[Facts, Any], bool]] = {
    "NameContains": lambda facts, text: text.lower() in facts.name.lower(),
    "PipelineNamePrefix": lambda facts, prefix: facts.name.startswith(prefix),
    "StatusEquals": lambda facts, status: status == facts.status,
    "CreationTimeAfter": lambda facts, time: facts.created > time,
    "CreationTimeBefore": lambda facts, time: facts.created < time,
    "CreatedAfter": lambda facts, time: facts.created > time,
    "CreatedBefore": lambda facts, time: facts.created < time,
    "LastModifiedTimeAfter": lambda facts, time: (facts.modified or facts.created) > time,
    "LastModifiedTimeBefore": lambda facts, time: (facts.modified or facts.created) < time,
}


def _filters(parameters: Mapping[str, Any]) -> list[Callable[[Facts], bool]]:
    """Return what the request asks of an item; most requests ask nothing, and lists are long."""

    def of(check: Callable[[Facts, Any], bool], wanted: Any) -> Callable[[Facts], bool]:
        return lambda facts: check(facts, wanted)

    return [of(check, _aware(parameters[name])) for name, check in _CHECKS.items() if name in parameters]


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _position(facts: Facts, key: str) -> Position:
    if key == "CreationTime":
        return (facts.created.timestamp(), facts.serial, facts.name)
    first: float | str = facts.name
    if key == "Status":
        first = facts.status or ""
    elif key == "LastModifiedTime":
        first = (facts.modified or facts.created).timestamp()
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
