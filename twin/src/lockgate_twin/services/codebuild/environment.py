"""The environment variables of a build.

Source: "Environment variables in build environments" and "Build specification reference" (CodeBuild User Guide).
Of variables defined in several places the start request's wins, then the project's, then the buildspec's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session
from lockgate_twin.services.codebuild.buildspec import Variables
from lockgate_twin.services.codebuild.errors import PhaseError, failing_as, said
from lockgate_twin.services.codebuild.masking import secret_names
from lockgate_twin.services.codebuild.order import BuildOrder

_ARN_PARTS = 7  # arn:aws:secretsmanager:region:account:secret:name


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The folders of one build."""

    sources: Mapping[str, Path]
    primary: Path
    home: Path


def own_variables(order: BuildOrder, workspace: Workspace) -> dict[str, str]:
    """Return the variables that CodeBuild itself sets (without credentials)."""
    known = {
        "CODEBUILD_BUILD_ARN": order.arn,
        "CODEBUILD_BUILD_ID": order.build_id,
        "CODEBUILD_BUILD_IMAGE": order.environment["image"],
        "CODEBUILD_BUILD_NUMBER": str(order.number),
        "CODEBUILD_INITIATOR": order.initiator,
        "CODEBUILD_KMS_KEY_ID": order.encryption_key,
        "CODEBUILD_LOG_PATH": order.log_stream,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": order.resolved_version,
        "CODEBUILD_SOURCE_VERSION": order.source_version,
        "CODEBUILD_SOURCE_REPO_URL": order.source.get("location"),
        "CODEBUILD_SRC_DIR": str(workspace.primary),
        "CODEBUILD_START_TIME": str(int(order.started.timestamp() * 1000)),
        "HOME": str(workspace.home),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
    }
    secondary = {name: path for name, path in workspace.sources.items() if path != workspace.primary}
    set_ = {name: value for name, value in known.items() if value is not None}
    return set_ | {f"CODEBUILD_SRC_DIR_{name}": str(path) for name, path in secondary.items()}


def custom_variables(order: BuildOrder, declared: Variables, session: Session) -> dict[str, str]:
    """Return the variables of buildspec, project and request, with parameters and secrets read as `session`.

    Raises:
        PhaseError: a parameter or secret cannot be read.
    """
    by_kind = {
        "PLAINTEXT": dict(declared.plaintext),
        "PARAMETER_STORE": dict(declared.parameter_store),
        "SECRETS_MANAGER": dict(declared.secrets_manager),
    }
    for variable in order.variables:
        for values in by_kind.values():
            values.pop(variable["name"], None)
        by_kind[variable.get("type", "PLAINTEXT")][variable["name"]] = variable["value"]
    return {
        **by_kind["PLAINTEXT"],
        **_parameters(by_kind["PARAMETER_STORE"], session),
        **{name: _secret(reference, session) for name, reference in by_kind["SECRETS_MANAGER"].items()},
    }


def exported_variables(order: BuildOrder, declared: Variables, final: Mapping[str, str]) -> dict[str, str]:
    """Return the exported variables as they are at the build's end; what CodeBuild does not export is left out.

    Source: "env/exported-variables" in "Build specification reference": neither parameters and secrets nor variables
    whose names begin with `AWS_` can be exported.
    """
    hidden = secret_names(order, declared)
    exported = (name for name in declared.exported if name not in hidden and not name.startswith("AWS_"))
    return {name: final[name] for name in exported if name in final}


def _parameters(wanted: Mapping[str, str], session: Session) -> dict[str, str]:
    if not wanted:
        return {}
    names = sorted(set(wanted.values()))
    with failing_as("Decrypted Variables Error", "SSM parameters cannot be read"):
        client = session.client("ssm")
        chunks = [names[i : i + 10] for i in range(0, len(names), 10)]
        answers = [client.get_parameters(Names=chunk, WithDecryption=True) for chunk in chunks]
    values = {found["Name"]: found["Value"] for answer in answers for found in answer["Parameters"]}
    missing = [name for name in names if name not in values]
    if missing:
        raise PhaseError("Decrypted Variables Error", f"parameter does not exist: {', '.join(missing)}")
    return {variable: values[name] for variable, name in wanted.items()}


def _secret(reference: str, session: Session) -> str:
    """Read `secret-id:json-key:version-stage:version-id`, of which all but the first may be left out."""
    parts = reference.split(":")
    ends = _ARN_PARTS if reference.startswith("arn:") else 1
    secret_id, (key, stage, version) = ":".join(parts[:ends]), (*parts[ends:], "", "", "")[:3]
    request = {"SecretId": secret_id, "VersionStage": stage, "VersionId": version}
    try:
        answer = session.client("secretsmanager").get_secret_value(**{k: v for k, v in request.items() if v})
        value: Any = answer["SecretString"]
        return str(json.loads(value)[key]) if key else str(value)
    except (ApiError, ClientError, KeyError, ValueError) as error:
        raise PhaseError("Secrets Manager Error", f"secret {reference} cannot be read: {said(error)}") from error
