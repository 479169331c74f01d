"""The text of a template -> plain data: JSON, or YAML with CloudFormation's short-form tags.

Source: "CloudFormation template formats" and "Intrinsic function reference" of the CloudFormation user guide:
YAML 1.1 without aliases and timestamps; `!Ref`, `!Condition` and `!Name` for `Fn::Name`.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from lockgate_twin.cloudformation.failures import invalid

_UNPREFIXED = frozenset({"Ref", "Condition"})
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """A safe YAML loader in which dates stay text, as CloudFormation reads them (2012-10-17)."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads this class attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }


def _short_form(loader: Any, name: str, node: yaml.Node) -> dict[str, Any]:
    key = name if name in _UNPREFIXED else f"Fn::{name}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {key: text.split(".", 1) if name == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    return {key: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


def load(text: str) -> dict[str, Any]:
    """Read a template's text.

    Raises:
        ApiError: ValidationError naming line and column when it is not well-formed, not a mapping, or uses
            YAML aliases.
    """
    document = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    if not isinstance(document, dict):
        raise invalid("Template format error: unsupported structure.")
    return document


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise invalid(
            f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno})"
        ) from error


def _yaml(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_aliases(node, set())
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise invalid(f"Template format error: YAML not well-formed.{where}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise invalid("Template format error: YAML not well-formed.") from error
    finally:
        loader.dispose()


def _refuse_aliases(node: yaml.Node, seen: set[int]) -> None:
    """An alias shows as a node reached twice; without aliases a document cannot expand without bound."""
    if id(node) in seen:
        raise invalid("Template error: YAML aliases are not allowed in CloudFormation templates")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _refuse_aliases(key, seen)
            _refuse_aliases(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_aliases(value, seen)
