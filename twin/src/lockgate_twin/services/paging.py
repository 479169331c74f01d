"""Answering long lists page by page. A token is the position at which the next page starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lockgate_twin.errors import ApiError

T = TypeVar("T")


def page(
    items: Sequence[T], token: str | None, *, size: int, error: str = "InvalidNextTokenException"
) -> tuple[list[T], dict[str, str]]:
    """Return one page of `items` and, if more follow, `{"nextToken": ...}`.

    Raises:
        ApiError: with code `error`, when the token is not one that this function gave.
    """
    if token is not None and not token.isdecimal():
        raise ApiError(error, f"The token '{token}' is not one that this operation returned.")
    start = int(token or 0)
    end = start + size
    return list(items[start:end]), {"nextToken": str(end)} if end < len(items) else {}


def limit(parameters: Mapping[str, Any], name: str, default: int) -> int:
    """Return the page size a request asks for, never above `default`."""
    return min(int(parameters.get(name) or default), default)
