"""A small checker of JSON documents: what is wrong with a value, by the path of the member.

It knows the parts of JSON Schema that AWS's model card schemas use, and refuses every member that is not described.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Shape(Protocol):
    """What a value must be."""

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        ...


@dataclass(frozen=True)
class Text:
    """A string of at least `least` and at most `most` characters, or one of `choices`."""

    most: int
    least: int = 0
    choices: tuple[str, ...] = ()

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        if not isinstance(value, str):
            yield f"{path}: must be a string, not {value!r}"
        elif self.choices and value not in self.choices:
            yield f"{path}: {value!r} is not one of {', '.join(self.choices)}"
        elif not self.choices and not self.least <= len(value) <= self.most:
            yield f"{path}: has {len(value)} characters, allowed are {self.least} to {self.most}"


@dataclass(frozen=True)
class Number:
    """A number, not a boolean."""

    least: float | None = None

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{path}: must be a number, not {value!r}"
        elif self.least is not None and value < self.least:
            yield f"{path}: {value} is less than {self.least:g}"


@dataclass(frozen=True)
class Boolean:
    """True or false."""

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        if not isinstance(value, bool):
            yield f"{path}: must be true or false, not {value!r}"


@dataclass(frozen=True)
class Either:
    """One of several shapes."""

    shapes: tuple[Shape, ...]

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value: the fewest problems that one of the shapes finds."""
        found = [list(shape.problems(value, path)) for shape in self.shapes]
        yield from min(found, key=len)


@dataclass(frozen=True)
class Items:
    """An array."""

    item: Shape
    most: int | None = None
    least: int = 0

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        if not isinstance(value, list):
            yield f"{path}: must be a list, not {value!r}"
            return
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            yield f"{path}: has {len(value)} items, allowed are {self.least} to {self.most}"
        for index, item in enumerate(value):
            yield from self.item.problems(item, f"{path}[{index}]")


@dataclass(frozen=True)
class Values:
    """An object whose members have any name and one shape."""

    value: Shape

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        if not isinstance(value, Mapping):
            yield f"{path}: must be an object, not {value!r}"
            return
        for name, item in value.items():
            yield from self.value.problems(item, f"{path}.{name}")


@dataclass(frozen=True)
class Members:
    """An object with known members."""

    members: Mapping[str, Shape]
    required: tuple[str, ...] = ()

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """Give what is wrong with a value."""
        if not isinstance(value, Mapping):
            yield f"{path or 'the content'}: must be an object, not {value!r}"
            return
        prefix = f"{path}." if path else ""
        for name in self.required:
            if name not in value:
                yield f"{prefix}{name}: required member missing"
        for name, item in value.items():
            if name in self.members:
                yield from self.members[name].problems(item, f"{prefix}{name}")
            else:
                yield f"{prefix}{name}: unknown member"
