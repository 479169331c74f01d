"""Walking a YAML document by its nodes, so that mistakes can be named with their lines and are found together."""

from __future__ import annotations

from collections.abc import Collection

import yaml

_NULL = "tag:yaml.org,2002:null"
_TRUE, _FALSE = {"yes", "true", "on"}, {"", "no", "false", "off"}


class YamlReader:
    """Reads nodes as text, lists and mappings; what does not fit is added to `problems`."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def mapping(
        self,
        node: yaml.Node | None,
        where: str,
        allowed: Collection[str] | None,
        not_implemented: Collection[str] = (),
    ) -> dict[str, yaml.Node]:
        """Return a mapping's members by name; `allowed` None takes any name."""
        members = self.members(node)
        if _given(node) and not isinstance(node, yaml.MappingNode):
            self.problems.append(f"{where} must be a mapping{_line(node)}")
        for name in members:
            if name in not_implemented:
                self.problems.append(f"{name} in {where} is not implemented by the twin{_line(members[name])}")
            elif allowed is not None and name not in allowed:
                self.problems.append(f"unknown key '{name}' in {where}{_line(members[name])}")
        return members

    def members(self, node: yaml.Node | None) -> dict[str, yaml.Node]:
        """Return a mapping's members by name without checking them; nothing for any other node."""
        if not isinstance(node, yaml.MappingNode):
            return {}
        return {str(key.value): value for key, value in node.value}

    def text(self, node: yaml.Node | None, where: str) -> str:
        """Return a scalar as it is written, "" if it is left out."""
        if not _given(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.problems.append(f"{where} must be a single value{_line(node)}")
            return ""
        return str(node.value)

    def flag(self, node: yaml.Node | None, where: str) -> bool:
        """Return a scalar that is yes or no; no if it is left out."""
        text = self.text(node, where)
        if text.lower() not in _TRUE | _FALSE:
            self.problems.append(f"{where} must be yes or no, not '{text}'{_line(node)}")
        return text.lower() in _TRUE

    def texts(self, node: yaml.Node | None, where: str) -> tuple[str, ...]:
        """Return a list of scalars (a single scalar counts as a list of one)."""
        if not _given(node):
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return tuple(self._item(item, f"{where}[{index}]") for index, item in enumerate(items))

    def texts_by_name(self, node: yaml.Node | None, where: str) -> dict[str, str]:
        """Return a mapping of scalars."""
        return {name: self.text(value, f"{where}.{name}") for name, value in self.mapping(node, where, None).items()}

    def _item(self, node: yaml.Node, where: str) -> str:
        if isinstance(node, yaml.ScalarNode) and _given(node):
            return str(node.value)
        line = node.start_mark.line + 1
        found = "subkeys" if isinstance(node, yaml.CollectionNode) else "nothing"
        self.problems.append(
            f"Expected {where} to be of string type: found {found} instead at line {line}, "
            f"value of the key tag on line {max(line - 1, 1)} might be empty"
        )
        return ""


def _given(node: yaml.Node | None) -> bool:
    return node is not None and node.tag != _NULL


def _line(node: yaml.Node | None) -> str:
    return f" at line {node.start_mark.line + 1}" if node is not None else ""
