"""Reading a buildspec (version 0.2) strictly: what the twin does not understand is named, never skipped.

Source: "Build specification reference for CodeBuild" (CodeBuild User Guide). The wording of the first errors is
that of AWS's YAML_FILE_ERROR messages, which name the line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import yaml

from lockgate_twin.errors import TwinError
from lockgate_twin.services.codebuild.on_failure import OnFailure, parse_on_failure
from lockgate_twin.services.codebuild.report_rules import ReportRule, read_reports
from lockgate_twin.services.codebuild.yaml_reader import YamlReader

PHASES = ("install", "pre_build", "build", "post_build")
_TOP = {"version", "env", "phases", "reports", "artifacts", "cache"}
_NOT_IMPLEMENTED = {"run-as", "proxy", "batch"}
_KINDS = ("variables", "parameter-store", "secrets-manager")
_ENV = {*_KINDS, "shell", "exported-variables", "git-credential-helper"}
_ARTIFACTS = {"files", "name", "discard-paths", "base-directory", "exclude-paths"}
_ARTIFACTS_NOT_IMPLEMENTED = {"enable-symlinks", "s3-prefix"}


class BuildspecError(TwinError):
    """The buildspec is not valid; the message names every mistake and its line."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase's commands, and what follows when one of them fails."""

    name: str
    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: OnFailure = field(default_factory=OnFailure)


@dataclass(frozen=True, kw_only=True)
class Variables:
    """Environment variables: plain values, names of SSM parameters, references to secrets."""

    plaintext: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ArtifactRule:
    """Which files make up one output artifact."""

    files: tuple[str, ...]
    base_directory: str | None = None
    discard_paths: bool = False
    name: str | None = None
    exclude_paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    """A whole buildspec. `phases` holds all four, in their order; those left out have no commands."""

    phases: tuple[Phase, ...]
    variables: Variables = Variables()
    runtime_versions: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[ReportRule, ...] = ()
    artifacts: ArtifactRule | None = None
    secondary_artifacts: Mapping[str, ArtifactRule] = field(default_factory=dict)


def parse_buildspec(text: str) -> Buildspec:
    """Parse a buildspec.

    Raises:
        BuildspecError: with all mistakes found.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BuildspecError(f"{error.problem}{line}") from None
    if not isinstance(node, yaml.MappingNode):
        raise BuildspecError("wrong number of container tags, expected 1")
    reader = YamlReader()
    buildspec = _buildspec(reader, reader.mapping(node, "the buildspec", _TOP, _NOT_IMPLEMENTED))
    if reader.problems:
        raise BuildspecError("; ".join(reader.problems))
    return buildspec


def _buildspec(reader: YamlReader, top: Mapping[str, yaml.Node]) -> Buildspec:
    version = reader.text(top.get("version"), "version")
    if version != "0.2":
        reader.problems.append(f"version must be 0.2, not '{version}'")
    if "phases" not in top:
        reader.problems.append("phases is required")
    phases = reader.mapping(top.get("phases"), "phases", set(PHASES))
    install = reader.members(phases.get("install"))
    artifacts = _artifact_members(reader, top.get("artifacts"), "artifacts", _ARTIFACTS | {"secondary-artifacts"})
    secondary = reader.mapping(artifacts.pop("secondary-artifacts", None), "artifacts.secondary-artifacts", None)
    return Buildspec(
        phases=tuple(_phase(reader, name, phases.get(name)) for name in PHASES),
        variables=_variables(reader, top.get("env")),
        runtime_versions=reader.texts_by_name(install.get("runtime-versions"), "runtime-versions"),
        reports=read_reports(reader, top.get("reports")),
        artifacts=_artifact_rule(reader, artifacts, "artifacts") if artifacts else None,
        secondary_artifacts={
            name: _artifact_rule(
                reader, _artifact_members(reader, node, name, _ARTIFACTS), f"secondary-artifacts.{name}"
            )
            for name, node in secondary.items()
        },
    )


def _phase(reader: YamlReader, name: str, node: yaml.Node | None) -> Phase:
    if node is None:
        return Phase(name=name)
    allowed = {"commands", "finally", "on-failure"} | ({"runtime-versions"} if name == "install" else set())
    members = reader.mapping(node, f"phases.{name}", allowed, {"run-as"})
    commands = reader.texts(members.get("commands"), "Commands")
    if not commands and "runtime-versions" not in members:
        reader.problems.append(f"phases.{name}.commands is required")
    finals = reader.texts(members.get("finally"), "Finally")
    on_failure = _on_failure(reader, name, members.get("on-failure"))
    return Phase(name=name, commands=commands, finally_commands=finals, on_failure=on_failure)


def _on_failure(reader: YamlReader, phase: str, node: yaml.Node | None) -> OnFailure:
    try:
        return parse_on_failure(reader.text(node, "on-failure"))
    except ValueError as error:
        reader.problems.append(f"phases.{phase}.on-failure {error}")
        return OnFailure()


def _variables(reader: YamlReader, node: yaml.Node | None) -> Variables:
    env = reader.mapping(node, "env", _ENV)
    if reader.text(env.get("shell"), "env.shell") not in {"", "bash", "sh", "/bin/sh"}:
        reader.problems.append("env.shell must be bash or /bin/sh")
    if reader.flag(env.get("git-credential-helper"), "env.git-credential-helper"):
        reader.problems.append("env.git-credential-helper is not implemented by the twin")
    named = {kind: reader.texts_by_name(env.get(kind), f"env.{kind}") for kind in _KINDS}
    reserved = sorted(name for values in named.values() for name in values if name.startswith("CODEBUILD_"))
    reader.problems += [f"env: the name {name} is reserved for CodeBuild" for name in reserved]
    return Variables(
        plaintext=named["variables"],
        parameter_store=named["parameter-store"],
        secrets_manager=named["secrets-manager"],
        exported=reader.texts(env.get("exported-variables"), "env.exported-variables"),
    )


def _artifact_members(
    reader: YamlReader, node: yaml.Node | None, where: str, allowed: Collection[str]
) -> dict[str, yaml.Node]:
    return reader.mapping(node, where, allowed, _ARTIFACTS_NOT_IMPLEMENTED)


def _artifact_rule(reader: YamlReader, members: Mapping[str, yaml.Node], where: str) -> ArtifactRule:
    files = reader.texts(members.get("files"), f"{where}.files")
    if not files:
        reader.problems.append(f"{where}.files is required")
    return ArtifactRule(
        files=files,
        base_directory=reader.text(members.get("base-directory"), f"{where}.base-directory") or None,
        discard_paths=reader.flag(members.get("discard-paths"), f"{where}.discard-paths"),
        name=reader.text(members.get("name"), f"{where}.name") or None,
        exclude_paths=reader.texts(members.get("exclude-paths"), f"{where}.exclude-paths"),
    )
