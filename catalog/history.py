"""What was decided about a model version, and by whom: read from the registry and the decision store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from catalog.approval.arns import Version
from catalog.approval.case import in_the_way, named
from catalog.approval.chain import BrokenRecordError, Kept, digest_of, read_chain
from catalog.approval.store import Place, UnusableError, place_of, read
from catalog.errors import RefusedError

Json = dict[str, Any]
MOST_BYTES = 8 * 1024**2
_CLOSED = {"AccessDenied", "NoSuchBucket"}


@dataclass(frozen=True, kw_only=True)
class History:
    """The examination's decision, None where there was none, and the record's entries about the version, oldest first.

    `trouble` says what does not fit together; "" where all does.
    """

    version: Version
    package: Json
    place: Place | None
    decision: Json | None
    entries: tuple[Kept, ...]
    trouble: str = ""

    @property
    def objections(self) -> tuple[Json, ...]:
        """Return the findings that keep the version from being approved by code."""
        return tuple(f for f in self.decision["findings"] if in_the_way(f)) if self.decision else ()

    @property
    def against(self) -> tuple[str, ...]:
        """Return the names of those findings."""
        return tuple(map(named, self.objections))


def decision_bucket(version: Version) -> str:
    """Return the name of the decision store in a version's account and region."""
    return f"sagemaker-lockgate-decisions-{version.account}-{version.region}"


def read_history(version: Version, sagemaker: Any, s3: Any) -> History:
    """Read everything that is known about the decisions on a version.

    Raises:
        RefusedError: there is no such version.
        botocore.exceptions.ClientError: AWS refused a request.
    """
    package = describe(sagemaker, version.arn)
    place, decision, trouble = _decided(package, version, s3)
    try:
        record = read_chain(s3, decision_bucket(version), version.group)
    except BrokenRecordError as error:
        record, trouble = [], f"{trouble} {error}".strip()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CLOSED:
            raise
        record = []
    about = tuple(kept for kept in record if _about(kept) == version.arn)
    return History(version=version, package=package, place=place, decision=decision, entries=about, trouble=trouble)


def describe(sagemaker: Any, arn: str) -> Json:
    """Return a version as the registry holds it.

    Raises:
        RefusedError: there is none.
    """
    try:
        described: Json = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            raise RefusedError(f"There is no model version {arn}: check its group and number.") from error
        raise
    return described


def _decided(package: Json, version: Version, s3: Any) -> tuple[Place | None, Json | None, str]:
    said = package.get("CustomerMetadataProperties", {})
    if "DecisionUri" not in said:
        return None, None, ""
    try:
        place = place_of(said["DecisionUri"], decision_bucket(version), "DecisionUri")
        content = read(s3, place.below("decision.json"), MOST_BYTES)
    except UnusableError as error:
        return None, None, f"The decision cannot be read: {error}."
    if digest_of(content) != said.get("DecisionDigest"):
        return place, None, f"{place.uri}decision.json is not the decision that the registry names: it was altered."
    decision: Json = json.loads(content)
    return place, decision, ""


def _about(kept: Kept) -> Any:
    subject = kept.document.get("subject")
    return subject.get("model_package_arn") if isinstance(subject, dict) else None
