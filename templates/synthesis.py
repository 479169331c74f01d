"""Synthesize the product as text a person can read: the same bytes from the same source, always."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from aws_cdk import App

from templates.product import STACK, add_product
from templates.settings import Settings
from templates.statements import WILDCARD_REASONS

SECTIONS = ("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Resources", "Outputs")
_ATTRIBUTES = ("Type", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata", "Properties")
_HEADER = "# Synthesized by `python -m templates.app` from templates/. Change it there.\n"


class _OneLine(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes lists the usual way, except those that are to be on one line."""


_Dumper.add_representer(
    _OneLine, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)
)


class UnexpectedContentError(ValueError):
    """The synthesis brought something into the template that the product is not meant to have."""


def new_app(directory: str) -> App:
    """An application that writes to this directory and adds nothing of its own to templates.

    The findings of CDK's own template validation are cfn-lint's, which judges the text instead.
    """
    return App(
        outdir=directory, analytics_reporting=False, tree_metadata=False, builtin_cloud_formation_validation=False
    )


def synthesize(settings: Settings) -> str:
    """Synthesize the product's template and return its YAML text; raises UnexpectedContentError for foreign content."""
    with tempfile.TemporaryDirectory() as directory:
        app = new_app(directory)
        add_product(app, settings)
        template: dict[str, Any] = app.synth().get_stack_by_name(STACK).template
    return to_yaml({"AWSTemplateFormatVersion": "2010-09-09"} | template)


def to_yaml(template: dict[str, Any]) -> str:
    """The template as YAML, sections and attributes of resources in a fixed order."""
    ordered = _in_order("template", template, SECTIONS)
    ordered["Resources"] = {
        name: _in_order(name, resource, _ATTRIBUTES) for name, resource in template["Resources"].items()
    }
    for name, resource in ordered["Resources"].items():
        _in_order(f"Metadata of {name}", resource.get("Metadata", {}), (WILDCARD_REASONS,))
    return _HEADER + yaml.dump(_readable(ordered), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def stale(path: Path, text: str) -> str:
    """One sentence saying how the file differs from the text, or nothing if it does not."""
    if not path.is_file():
        return f"{path} does not exist: write it with `python -m templates.app`."
    if path.read_text(encoding="utf-8") != text:
        return f"{path} is not what templates/ synthesizes: renew it with `python -m templates.app`."
    return ""


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _OneLine(item) if key in {"Fn::FindInMap", "Fn::GetAtt"} else _readable(item)
            for key, item in value.items()
        }
    return [_readable(item) for item in value] if isinstance(value, list) else value


def _in_order(owner: str, content: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    foreign = sorted(set(content) - set(keys))
    if foreign:
        raise UnexpectedContentError(f"The synthesized {owner} has {foreign[0]}: remove what brings it in.")
    return {key: content[key] for key in keys if key in content}
