"""Approve or reject one model version, as whoever the credentials belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from catalog.errors import RefusedError

LONGEST = 1024
"""Characters that UpdateModelPackage takes as ApprovalDescription."""

_VERSION_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]+):\d{12}:model-package/[a-zA-Z0-9-]+/[1-9]\d*")


class Status(StrEnum):
    """What a model version can be decided to be (ModelApprovalStatus)."""

    APPROVED = "Approved"
    REJECTED = "Rejected"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to decide about which model version, and why; `again` allows to replace an earlier decision."""

    arn: str
    status: Status
    reason: str
    again: bool = False


def region_of(arn: str) -> str:
    """Return the region of a model version's ARN.

    Raises:
        RefusedError: it is not the ARN of a model version.
    """
    match = _VERSION_ARN.fullmatch(arn)
    if match is None:
        raise RefusedError(
            f"'{arn}' is not the ARN of a model version; expected is "
            "arn:aws:sagemaker:<region>:<account>:model-package/<group>/<version>."
        )
    return match[1]


def description_of(decision: Decision, caller_arn: str) -> str:
    """Return the text written beside the status: the decision, who made it and why.

    Raises:
        RefusedError: there is no reason, or the text is too long.
    """
    reason = decision.reason.strip()
    if not reason:
        raise RefusedError(f"No reason is given: say with --reason why the version is {decision.status}.")
    text = f"{decision.status} by {caller_arn}: {reason}"
    if len(text) > LONGEST:
        raise RefusedError(f"The reason is {len(text) - LONGEST} characters too long: shorten it.")
    return text


def decide(decision: Decision, sagemaker: Any, caller_arn: str) -> str:
    """Write the decision and return the text written beside it.

    Raises:
        RefusedError: the version does not exist, is not ready, or was decided about before.
        botocore.exceptions.ClientError: AWS refused the request.
    """
    text = description_of(decision, caller_arn)
    version = _describe(sagemaker, decision.arn)
    if (state := version["ModelPackageStatus"]) != "Completed":
        raise RefusedError(f"{decision.arn} is {state}: only a Completed version can be decided about.")
    current = version.get("ModelApprovalStatus", "PendingManualApproval")
    if current != "PendingManualApproval" and not decision.again:
        earlier = version.get("ApprovalDescription", "no description")
        raise RefusedError(f"{decision.arn} is already {current} ({earlier}): pass --again to decide again.")
    sagemaker.update_model_package(
        ModelPackageArn=decision.arn, ModelApprovalStatus=str(decision.status), ApprovalDescription=text
    )
    return text


def _describe(sagemaker: Any, arn: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            raise RefusedError(f"There is no model version {arn}: check its group and number.") from error
        raise
    return described
