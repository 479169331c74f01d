"""A policy file as a tree of nodes that know their line and path, so that every mistake can say where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lockgate_checks.errors import Mistake, PolicyError

MOST_CHARACTERS = 256 * 1024
MOST_LEVELS = 8
_CORE = ("str", "int", "float", "bool", "null", "timestamp")


@dataclass(frozen=True)
class Node:
    """A value of the file: a dict of nodes by key, a list of nodes, or a scalar, with its line (from 1) and path."""

    value: Any
    line: int
    path: str
    source: str

    def mistake(self, text: str) -> Mistake:
        """Say what is wrong here."""
        return Mistake(self.source, self.line, self.path, text)


def tree(text: str, source: str) -> Node:
    """Read a YAML file without aliases, tags, or keys that occur twice.

    Raises:
        PolicyError: it cannot be read at all, or holds any of these; all of them are reported.
    """
    if len(text) > MOST_CHARACTERS:
        raise PolicyError([Mistake(source, 1, "", f"the file has more than {MOST_CHARACTERS} characters.")])
    builder = _Builder(source)
    try:
        _bounded(text, source)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        node = builder.node(root, "") if root is not None else Node({}, 1, "", source)
    except yaml.YAMLError as error:
        raise PolicyError([_unreadable(error, source)]) from None
    if builder.mistakes:
        raise PolicyError(builder.mistakes)
    return node


def _bounded(text: str, source: str) -> None:
    """Refuse aliases and deep nesting at their first event: reading on would take PyYAML quadratic time."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_LEVELS:
            raise PolicyError([Mistake(source, line, "", f"the file is nested deeper than {MOST_LEVELS} levels.")])
        if isinstance(event, yaml.AliasEvent):
            raise PolicyError([Mistake(source, line, "", "aliases (*name) are not allowed; write the value out.")])


def _unreadable(error: yaml.YAMLError, source: str) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    return Mistake(source, mark.line + 1 if mark else 1, "", f"this is not YAML: {problem}.")


class _Builder:
    """Turns PyYAML's nodes into ours and collects the mistakes met on the way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.mistakes: list[Mistake] = []

    def node(self, node: yaml.Node, path: str) -> Node:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return Node(dict(self._members(node, path)), line, path, self.source)
        if isinstance(node, yaml.SequenceNode):
            items = [self.node(item, f"{path}[{number}]") for number, item in enumerate(node.value)]
            return Node(items, line, path, self.source)
        return Node(self._scalar(node, line, path), line, path, self.source)

    def _members(self, node: yaml.MappingNode, path: str) -> Iterator[tuple[str, Node]]:
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if key.tag != "tag:yaml.org,2002:str" or not name:
                self.mistakes.append(Mistake(self.source, line, path, "a key must be text."))
            elif name in seen:
                self.mistakes.append(Mistake(self.source, line, path, f"{name!r} is given twice; keep one."))
            else:
                seen.add(name)
                yield name, self.node(value, f"{path}.{name}" if path else name)

    def _scalar(self, node: yaml.Node, line: int, path: str) -> Any:
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _CORE:
            self.mistakes.append(Mistake(self.source, line, path, f"the tag {node.tag} is not allowed."))
            return None
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.mistakes.append(Mistake(self.source, line, path, f"{node.value!r} is no such date or number."))
            return None
