"""Small helpers for requests and answers: tags, pages, members that are left out when empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lockgate_twin.services.paging import page

T = TypeVar("T")


def tags_of(listed: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Read a list of tags."""
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as a list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def changed_tags(tags: Mapping[str, str], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return tags after AddTags and RemoveTags of a request."""
    removed = set(parameters.get("RemoveTags") or ())
    return {**{k: v for k, v in tags.items() if k not in removed}, **tags_of(parameters.get("AddTags"))}


def paged(items: Sequence[T], parameters: Mapping[str, Any]) -> tuple[list[T], dict[str, str]]:
    """Return one page and, if more follow, NextPageToken."""
    found, more = page(
        items,
        parameters.get("PageToken"),
        size=int(parameters.get("PageSize") or 20),
        error="InvalidParametersException",
    )
    return found, {"NextPageToken": more["nextToken"]} if more else {}


def filled(**members: Any) -> dict[str, Any]:
    """Return members without those that are None or empty text."""
    return {name: value for name, value in members.items() if value not in {None, ""}}
