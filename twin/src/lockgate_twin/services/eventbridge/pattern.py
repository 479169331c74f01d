"""Does an event match an event pattern? Pure functions.

Source: EventBridge User Guide, "Creating Amazon EventBridge event patterns", and aws/event-ruler's README ("And
and Or With Ruler", "JSON Array Matching", "Exists matching"): all fields of a pattern must match, one of a
field's alternatives is enough, arrays in events match if one element does, and two fields must not be taken
from different elements of the same array. Nothing in an event is "missing" because of what a pattern leaves out.

Assumption: a key that contains a dot is one key; event-ruler treats it like nesting and says not to rely on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lockgate_twin.services.eventbridge.operators import (
    RESERVED_IN_OR,
    PatternError,
    Test,
    compile_test,
)

_ABSENT = object()
_Path = tuple[str, ...]


@dataclass(frozen=True)
class _Leaf:
    """The alternatives of one field; `absent` if one of them is {"exists": false}."""

    tests: tuple[Test, ...]
    absent: bool

    def holds(self, value: Any, path: _Path, present: frozenset[_Path]) -> bool:
        if self.absent and path not in present:
            return True
        return any(test(leaf) for leaf in _leaves(value) for test in self.tests)


@dataclass(frozen=True)
class _Fields:
    """Fields that must all match, and groups ($or) of which one member must match."""

    fields: tuple[tuple[str, _Leaf | _Fields], ...]
    groups: tuple[tuple[_Fields, ...], ...]

    def holds(self, value: Any, path: _Path, present: frozenset[_Path]) -> bool:
        return any(self._holds_in(candidate, path, present) for candidate in _objects(value))

    def _holds_in(self, candidate: Mapping[str, Any], path: _Path, present: frozenset[_Path]) -> bool:
        return all(
            node.holds(candidate.get(name, _ABSENT), (*path, name), present) for name, node in self.fields
        ) and all(any(member.holds(candidate, path, present) for member in group) for group in self.groups)


@dataclass(frozen=True)
class Pattern:
    """A checked event pattern."""

    root: _Fields

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Tell whether an event (its whole envelope) matches."""
        return self.root.holds(event, (), frozenset(_leaf_paths(event, ())))


def compile_pattern(pattern: str | Mapping[str, Any]) -> Pattern:
    """Check an event pattern, given as JSON text or parsed.

    Raises:
        PatternError: EventBridge would refuse it with InvalidEventPatternException.
    """
    return _compile_text(pattern if isinstance(pattern, str) else json.dumps(pattern))


@lru_cache(maxsize=512)
def _compile_text(text: str) -> Pattern:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise PatternError(f"The pattern is not valid JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise PatternError("Filter is not an object")
    return Pattern(_fields(parsed, in_or=False))


def _fields(pattern: Mapping[str, Any], *, in_or: bool) -> _Fields:
    if not pattern:
        raise PatternError("Empty objects are not allowed")
    fields, groups = [], []
    for name, wanted in pattern.items():
        if in_or and name in RESERVED_IN_OR:
            raise PatternError(f"{name} is a reserved name which cannot be used inside $or")
        if name == "$or" and _is_or(wanted):
            groups.append(tuple(_fields(member, in_or=True) for member in wanted))
        else:
            fields.append((name, _node(name, wanted, in_or=in_or)))
    return _Fields(tuple(fields), tuple(groups))


def _is_or(wanted: Any) -> bool:
    """Tell whether "$or" is the operator; older rules used it as a field name (event-ruler README)."""
    if not isinstance(wanted, list) or len(wanted) < 2:
        return False
    return all(isinstance(m, dict) and m and not RESERVED_IN_OR.intersection(m) for m in wanted)


def _node(name: str, wanted: Any, *, in_or: bool) -> _Leaf | _Fields:
    if isinstance(wanted, dict):
        return _fields(wanted, in_or=in_or)
    if not isinstance(wanted, list):
        raise PatternError(f'"{name}" must be an object or an array')
    if not wanted:
        raise PatternError("Empty arrays are not allowed")
    tests = tuple(compile_test(item) for item in wanted if item != {"exists": False})
    return _Leaf(tests, absent={"exists": False} in wanted)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that a pattern's object may apply to: the value itself, or one array element."""
    found = list(_elements(value, Mapping))
    yield from found or [{}]


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the plain values of a field: itself, or its array's elements. Objects are no leaves."""
    return (leaf for leaf in _elements(value, object) if leaf is not _ABSENT and not isinstance(leaf, Mapping))


def _elements(value: Any, kind: type) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _elements(item, kind)
    elif isinstance(value, kind):
        yield value


def _leaf_paths(value: Any, path: _Path) -> Iterator[_Path]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaf_paths(item, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from _leaf_paths(item, path)
    else:
        yield path
