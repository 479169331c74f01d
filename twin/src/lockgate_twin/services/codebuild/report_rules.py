"""The `reports` section of a buildspec.

Source: "reports" in "Build specification reference for CodeBuild", and "Specify test files" (CodeBuild User Guide).
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from lockgate_twin.services.codebuild.yaml_reader import YamlReader

_MOST = 5
_MEMBERS = {"files", "file-format", "base-directory", "discard-paths"}
_FORMAT = "JUNITXML"
_OTHER_FORMATS = {
    *("CUCUMBERJSON", "NUNITXML", "NUNIT3XML", "TESTNGXML", "VISUALSTUDIOTRX"),
    *("CLOVERXML", "COBERTURAXML", "JACOCOXML", "SIMPLECOV"),
}


@dataclass(frozen=True, kw_only=True)
class ReportRule:
    """Which files of JUnit XML go into a report of which group; `group` is a name, a `$VARIABLE` or an ARN."""

    group: str
    files: tuple[str, ...]
    base_directory: str | None = None


def read_reports(reader: YamlReader, node: yaml.Node | None) -> tuple[ReportRule, ...]:
    """Read the section; mistakes are added to the reader's."""
    groups = reader.mapping(node, "reports", None)
    if len(groups) > _MOST:
        reader.problems.append(f"reports has {len(groups)} report groups: a project can have at most {_MOST}")
    return tuple(_rule(reader, group, rule) for group, rule in groups.items())


def _rule(reader: YamlReader, group: str, node: yaml.Node) -> ReportRule:
    where = f"reports.{group}"
    members = reader.mapping(node, where, _MEMBERS)
    files = reader.texts(members.get("files"), f"{where}.files")
    if not files:
        reader.problems.append(f"{where}.files is required")
    kind = reader.text(members.get("file-format"), f"{where}.file-format").upper() or _FORMAT
    if kind in _OTHER_FORMATS:
        reader.problems.append(f"{where}.file-format {kind} is not implemented by the twin (only {_FORMAT} is)")
    elif kind != _FORMAT:
        reader.problems.append(f"{where}.file-format '{kind}' is not a report format")
    reader.flag(members.get("discard-paths"), f"{where}.discard-paths")
    base = reader.text(members.get("base-directory"), f"{where}.base-directory") or None
    return ReportRule(group=group, files=files, base_directory=base)
