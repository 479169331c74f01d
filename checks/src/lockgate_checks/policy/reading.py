"""Reads single values of a policy file; a wrong one is noted as a mistake and read as None, so reading goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from lockgate_checks.errors import Mistake
from lockgate_checks.policy.nodes import Node

LARGEST = 1e100  # beyond it a number is no limit, and differences of two of them may overflow
Choice = TypeVar("Choice", bound=StrEnum)


class Reading:
    """Typed access to nodes; `mistakes` collects what was wrong."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def wrong(self, node: Node, text: str) -> None:
        """Note a mistake."""
        self.mistakes.append(node.mistake(text))

    def fields(self, node: Node, allowed: Iterable[str], required: Iterable[str] = ()) -> Mapping[str, Node]:
        """Return the members of an object that are allowed; note those that are not, and required ones that lack."""
        members = self.members(node)
        known = tuple(allowed)
        for name in members.keys() - set(known):
            self.wrong(members[name], f"there is no {name!r} here; possible are {', '.join(known)}.")
        for name in required:
            if name not in members:
                self.wrong(node, f"{name!r} is missing.")
        return {name: member for name, member in members.items() if name in known}

    def members(self, node: Node | None) -> Mapping[str, Node]:
        """Return the members of an object with names of any kind; nothing has none."""
        if node is None or isinstance(node.value, dict):
            return node.value if node else {}
        self.wrong(node, "here belongs an object of names and values.")
        return {}

    def items(self, node: Node | None) -> list[Node]:
        """Return the items of a list; nothing has none."""
        if node is None or isinstance(node.value, list):
            return node.value if node else []
        self.wrong(node, "here belongs a list.")
        return []

    def text(self, node: Node | None) -> str | None:
        """Return text that is not blank."""
        if node is None:
            return None
        if isinstance(node.value, str) and node.value.strip():
            return node.value.strip()
        self.wrong(node, "here belongs text.")
        return None

    def number(self, node: Node | None) -> float | None:
        """Return a finite number."""
        if node is None:
            return None
        if not isinstance(node.value, bool) and isinstance(node.value, int | float) and abs(node.value) <= LARGEST:
            return float(node.value)
        self.wrong(node, f"{_shown(node)} is no finite number.")
        return None

    def choice(self, node: Node | None, options: type[Choice]) -> Choice | None:
        """Return one of the options."""
        if node is None:
            return None
        found = next((option for option in options if option.value == node.value), None)
        if found is None:
            self.wrong(node, f"{_shown(node)} is none of {', '.join(option.value for option in options)}.")
        return found

    def day(self, node: Node | None) -> date | None:
        """Return a day, written as 2027-03-31."""
        if node is None:
            return None
        if isinstance(node.value, date) and not isinstance(node.value, datetime):
            return node.value
        self.wrong(node, f"{_shown(node)} is no day; write it as 2027-03-31.")
        return None


def _shown(node: Node) -> str:
    if isinstance(node.value, dict):
        return "an object"
    return "a list" if isinstance(node.value, list) else repr(node.value)
