"""Uploading a build's artifacts: one archive for each of a pipeline's output artifacts, or files to S3.

Source: "artifacts" and "secondary-artifacts" in "Build specification reference", and "CodePipeline integration with
CodeBuild and multiple input sources and output artifacts sample" (CodeBuild User Guide): one output artifact is made
by the buildspec's `artifacts`; each of several by the secondary artifact of the same name.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.ports import Session
from lockgate_twin.services.codebuild.artifacts import OutputFile, collect, pack
from lockgate_twin.services.codebuild.buildspec import ArtifactRule, Buildspec
from lockgate_twin.services.codebuild.errors import PhaseError, failing_as
from lockgate_twin.services.codebuild.locations import S3Location
from lockgate_twin.services.codebuild.order import BuildOrder


@dataclass(frozen=True)
class _Built:
    """What a build leaves: its folder, its variables, and its service role's session."""

    source: Path
    variables: Mapping[str, str]
    session: Session


def upload(
    order: BuildOrder, buildspec: Buildspec, source: Path, variables: Mapping[str, str], session: Session
) -> dict[str, Any]:
    """Upload what the build made, as its service role; return botocore's BuildArtifacts.

    `variables` are the environment variables at the build's end, which an artifact's name may use.

    Raises:
        PhaseError: an expected artifact is not declared, matches no file or cannot be uploaded.
    """
    if order.artifacts["type"] == "CODEPIPELINE":
        for name, location in order.outputs.items():
            rule = _rule_for(name, buildspec, alone=len(order.outputs) == 1)
            _write(location, pack(collect(rule, source)), session)
        return {"location": next(iter(order.outputs.values())).arn} if order.outputs else {}
    if order.artifacts["type"] == "S3" and buildspec.artifacts is not None:
        return _upload_to_s3(order, order.artifacts, buildspec.artifacts, _Built(source, variables, session))
    return {}


def upload_secondary(
    order: BuildOrder, buildspec: Buildspec, source: Path, variables: Mapping[str, str], session: Session
) -> tuple[dict[str, Any], ...]:
    """Upload a project's own secondary artifacts; return botocore's BuildArtifacts of each.

    Raises:
        PhaseError: one is not declared in the buildspec, matches no file or cannot be uploaded.
    """
    uploaded = []
    for settings in order.secondary_artifacts:
        identifier = settings["artifactIdentifier"]
        rule = buildspec.secondary_artifacts.get(identifier)
        if rule is None:
            message = f"the project has the secondary artifact {identifier}, but the buildspec has no "
            raise PhaseError("CLIENT_ERROR", f"{message}artifacts.secondary-artifacts.{identifier}")
        made = _upload_to_s3(order, settings, rule, _Built(source, variables, session))
        uploaded.append({**made, "artifactIdentifier": identifier})
    return tuple(uploaded)


def _rule_for(name: str, buildspec: Buildspec, *, alone: bool) -> ArtifactRule:
    rule = buildspec.secondary_artifacts.get(name)
    if rule is None and alone:
        rule = buildspec.artifacts
    if rule is None:
        where = "artifacts" if alone else f"artifacts.secondary-artifacts.{name}"
        message = f"the pipeline expects the output artifact {name}, but the buildspec has no {where}"
        raise PhaseError("CLIENT_ERROR", message)
    return rule


def _upload_to_s3(order: BuildOrder, settings: Mapping[str, Any], rule: ArtifactRule, built: _Built) -> dict[str, Any]:
    name = settings.get("name") or settings.get("artifactIdentifier") or order.project
    if settings.get("overrideArtifactName") and rule.name:
        name = _expanded(rule.name, built.variables)
    build_id = order.uuid if settings.get("namespaceType") == "BUILD_ID" else ""
    prefix = "/".join(part.strip("/") for part in (settings.get("path", ""), build_id, name) if part.strip("/"))
    location = S3Location(bucket=settings["location"], key=prefix)
    files = collect(rule, built.source)
    if settings.get("packaging") != "ZIP":
        return _write_each(location, files, built.session)
    archive = pack(files)
    _write(location, archive, built.session)
    md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    return {"location": location.arn, "sha256sum": hashlib.sha256(archive).hexdigest(), "md5sum": md5}


def _write_each(location: S3Location, files: list[OutputFile], session: Session) -> dict[str, Any]:
    for file in files:
        target = S3Location(bucket=location.bucket, key=f"{location.key}/{file.name}")
        _write(target, file.path.read_bytes(), session)
    return {"location": location.arn}


def _write(location: S3Location, body: bytes, session: Session) -> None:
    with failing_as("CLIENT_ERROR", f"the artifact {location.arn} cannot be uploaded"):
        session.write_object(location.bucket, location.key, body)


def _expanded(name: str, variables: Mapping[str, str]) -> str:
    """Let the shell fill in an artifact's name, which may use variables and commands (buildspec reference)."""
    argv = ["bash", "-c", f'printf %s "{name}"']
    done = subprocess.run(argv, env=dict(variables), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PhaseError("CLIENT_ERROR", f"the artifact's name {name} cannot be worked out: {done.stderr.strip()}")
    return done.stdout
