"""Holds a registered version against its bytes, and says where the examination finds everything. Reads only.

Whatever is wrong with the version does not end the examination: it is handed on as a problem, so that the version is
rejected with that reason. Only a fault of AWS is raised.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3

from .arns import PENDING, Version, own, parse
from .store import Place, UnusableError, digest, place_of, read

Json = dict[str, Any]
MOST_MODEL_BYTES = 2 * 1024**3
MOST_EVIDENCE_BYTES = 256 * 1024**2
MOST_FILES = 64
MOST_MANIFEST_BYTES = 64 * 1024
NONE = "none"
"""What an argument says that has nothing to say: processing jobs take no empty arguments."""

LONGEST = 256
"""Characters of one argument of a processing job (AppSpecification.ContainerArguments)."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*){0,3}")
_client = lru_cache(boto3.client)


@dataclass(frozen=True)
class Claims:
    """What the registry says about a version's bytes."""

    model: Place
    model_digest: str
    evidence: Place
    evidence_digest: str


def handler(event: Json, context: Any) -> Json:
    """Return the outputs of the pipeline's step Verify, all texts."""
    sagemaker, s3 = _client("sagemaker"), _client("s3")
    version = own(event["model_package_arn"], context.invoked_function_arn)
    package = sagemaker.describe_model_package(ModelPackageName=version.arn)
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=version.group_arn)["Tags"]}
    bucket = f"sagemaker-project-{tags.get('sagemaker:project-id', '')}"
    try:
        outputs = _verified(package, bucket, s3) | _champion(version, bucket, sagemaker)
    except UnusableError as problem:
        outputs = _unusable(str(problem))
    outputs["Folder"] = version.folder
    print(json.dumps({"version": version.arn, **outputs}))
    return outputs


def claims_of(package: Json, bucket: str) -> Claims:
    """Read what a version says about itself.

    Raises:
        UnusableError: something is missing, or not in the project's own bucket.
    """
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1:
        raise UnusableError(f"the version has {len(containers)} containers, not one")
    said = package.get("CustomerMetadataProperties", {})
    for name in ("ModelDigest", "EvidenceDigest"):
        if not _SHA256.fullmatch(str(said.get(name))):
            raise UnusableError(f"{name} is not registered as a sha256")
    evidence = place_of(said.get("EvidenceUri"), bucket, "EvidenceUri")
    if not evidence.key.endswith("/"):
        raise UnusableError("EvidenceUri does not end in a slash")
    model = place_of(containers[0].get("ModelDataUrl"), bucket, "ModelDataUrl")
    return Claims(model, said["ModelDigest"], evidence, said["EvidenceDigest"])


def _verified(package: Json, bucket: str, s3: Any) -> dict[str, str]:
    if (status := package.get("ModelApprovalStatus")) != PENDING:
        raise UnusableError(f"the version is already {status}")
    claims = claims_of(package, bucket)
    found = digest(s3, claims.model, MOST_MODEL_BYTES)
    if found.sha256 != claims.model_digest:
        raise UnusableError(
            f"altered: the model archive has the sha256 {found.sha256}, registered is {claims.model_digest}"
        )
    _check_evidence(claims, s3)
    return {
        "Problem": NONE,
        "ModelUri": claims.model.uri,
        "ModelPin": found.pin,
        "ModelDigest": claims.model_digest,
        "EvidenceUri": claims.evidence.uri,
        "EvidenceDigest": claims.evidence_digest,
    }


def _check_evidence(claims: Claims, s3: Any) -> None:
    manifest = read(s3, claims.evidence.below("manifest.json"), MOST_MANIFEST_BYTES)
    if hashlib.sha256(manifest).hexdigest() != claims.evidence_digest:
        raise UnusableError("altered: manifest.json of the evidence is not the registered one")
    for name, expected in files_of(manifest).items():
        if digest(s3, claims.evidence.below(name), MOST_EVIDENCE_BYTES).sha256 != expected:
            raise UnusableError(f"altered: {name} of the evidence is not the registered one")


def files_of(manifest: bytes) -> dict[str, str]:
    """Read a manifest: the sha256 of every file by its name.

    Raises:
        UnusableError: it is no manifest.
    """
    try:
        files = json.loads(manifest)["files"]
        named = {str(name): str(value) for name, value in files.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UnusableError("manifest.json of the evidence is no manifest") from None
    if not named or len(named) > MOST_FILES:
        raise UnusableError(f"manifest.json names {len(named)} files; 1 to {MOST_FILES} are allowed")
    for name, value in named.items():
        if not _NAME.fullmatch(name) or not _SHA256.fullmatch(value):
            raise UnusableError(f"manifest.json names {name[:60]!r}, which is no file with a sha256")
    return named


def _champion(version: Version, bucket: str, sagemaker: Any) -> dict[str, str]:
    """Say where the latest approved version of the group is, and what was decided about it."""
    nothing = os.environ["NOTHING_URI"]
    listed = sagemaker.list_model_packages(
        ModelPackageGroupName=version.group,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )["ModelPackageSummaryList"]
    if not listed:
        return {"Champion": NONE, "ChampionUri": nothing, "BaselineUri": nothing}
    arn = listed[0]["ModelPackageArn"]
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    said = package.get("CustomerMetadataProperties", {})
    container = (package.get("InferenceSpecification", {}).get("Containers") or [{}])[0]
    place = place_of(container.get("ModelDataUrl"), bucket, "ModelDataUrl of the approved version")
    return {
        "Champion": f"{arn} {said.get('ModelDigest', NONE)}",
        "ChampionUri": place.uri,
        "BaselineUri": _baseline(parse(arn), said.get("DecisionUri"), nothing),
    }


def _baseline(champion: Version, decision: str | None, nothing: str) -> str:
    """Return the folder of what was decided about the approved version; another version's is not taken."""
    try:
        place = place_of(decision, os.environ["DECISION_BUCKET"], "DecisionUri")
    except UnusableError:
        return nothing
    return place.below("").uri if place.key.startswith(f"{champion.folder}/") else nothing


def _unusable(problem: str) -> dict[str, str]:
    """Everything the jobs ask for, pointing to an object that is always there."""
    nothing = os.environ["NOTHING_URI"]
    addresses = dict.fromkeys(("ModelUri", "ChampionUri", "EvidenceUri", "BaselineUri"), nothing)
    words = dict.fromkeys(("ModelPin", "ModelDigest", "EvidenceDigest", "Champion"), NONE)
    return {"Problem": problem[:LONGEST], **addresses, **words}
