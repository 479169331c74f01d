"""Approve or reject one model version, as whoever the credentials belong to.

A person's decision is recorded beside the one of the checks: who, when, why, and against which of their findings.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from catalog.approval.arns import NotAVersionError, Version, parse
from catalog.approval.case import rejected
from catalog.approval.chain import BrokenRecordError, Kept, append
from catalog.approval.store import Place
from catalog.errors import RefusedError
from catalog.history import History, decision_bucket, read_history

LONGEST = 1024
"""Characters that UpdateModelPackage takes as ApprovalDescription."""

_SHORT = 256
"""Characters of a value of CustomerMetadataProperties."""

_NO_STORE = {"AccessDenied", "NoSuchBucket"}


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


def version_of(arn: str) -> Version:
    """Return a model version by its ARN.

    Raises:
        RefusedError: it is not the ARN of a model version.
    """
    try:
        return parse(arn)
    except NotAVersionError as error:
        raise RefusedError(
            f"'{arn}' is not the ARN of a model version; expected is "
            "arn:aws:sagemaker:<region>:<account>:model-package/<group>/<version>."
        ) from error


def region_of(arn: str) -> str:
    """Return the region of a model version's ARN.

    Raises:
        RefusedError: it is not the ARN of a model version.
    """
    return version_of(arn).region


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


@dataclass(frozen=True, kw_only=True)
class Decider:
    """Who decides, and with which clients."""

    arn: str
    sagemaker: Any
    s3: Any


def decide(decision: Decision, decider: Decider) -> str:
    """Record the decision, write it to the registry and return the text written beside it.

    Raises:
        RefusedError: the version does not exist, is not ready, was decided about before, or is the decider's own.
        botocore.exceptions.ClientError: AWS refused the request.
    """
    text = description_of(decision, decider.arn)
    history = read_history(version_of(decision.arn), decider.sagemaker, decider.s3)
    check(decision, history.package, decider.arn)
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    kept = record(decision, history, decider, moment)
    decider.sagemaker.update_model_package(
        ModelPackageArn=decision.arn,
        ModelApprovalStatus=str(decision.status),
        ApprovalDescription=_with_objections(text, history),
        CustomerMetadataProperties={
            "PersonVerdict": str(decision.status),
            "PersonDecidedBy": decider.arn[:_SHORT],
            "PersonDecidedAt": moment,
            "PersonRecord": f"{kept.document['sequence']}:{kept.digest}" if kept else "none",
        },
    )
    return text


def check(decision: Decision, package: dict[str, Any], caller_arn: str) -> None:
    """Hold the decision against the version.

    Raises:
        RefusedError: the version is not ready, was decided about by a person, or was registered by the decider.
    """
    if (state := package["ModelPackageStatus"]) != "Completed":
        raise RefusedError(f"{decision.arn} is {state}: only a Completed version can be decided about.")
    current = package.get("ModelApprovalStatus", "PendingManualApproval")
    if current != "PendingManualApproval" and not decision.again:
        earlier = package.get("ApprovalDescription", "no description")
        raise RefusedError(f"{decision.arn} is already {current} ({earlier}): pass --again to decide again.")
    author = package.get("CreatedBy", {}).get("IamIdentity", {}).get("Arn", "")
    if author and _principal(author) == _principal(caller_arn):
        raise RefusedError(f"{decision.arn} was registered by {author}: somebody else must decide about it.")


def record(decision: Decision, history: History, decider: Decider, moment: str) -> Kept | None:
    """Continue the group's record with a person's decision; None where the account has no record for this person.

    Raises:
        RefusedError: the record was altered.
    """
    version = history.version
    examined = (
        history.decision
        or rejected(Place("", ""), version.arn, moment, "nobody has examined the version", "human").decision
    )
    entry = {
        "subject": {"model_package_arn": version.arn, "evidence": {}, "lineage": {}},
        "decision": examined,
        "person": {
            "arn": decider.arn,
            "at": moment,
            "verdict": str(decision.status),
            "reason": decision.reason.strip(),
            "against": list(history.against),
        },
    }
    try:
        return append(decider.s3, decision_bucket(version), version.group, entry)
    except BrokenRecordError as error:
        raise RefusedError(f"{error} Nothing was decided: find out who altered it.") from error
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_STORE:
            return None
        raise


def _with_objections(text: str, history: History) -> str:
    """Add what the decision goes against, as far as there is room."""
    against = f" (checks in the way: {', '.join(history.against)})" if history.against else ""
    return f"{text}{against}" if len(text) + len(against) <= LONGEST else text


def _principal(arn: str) -> str:
    """Return a role, whatever the session, or another principal as it is."""
    resource = arn.partition(":assumed-role/")[2]
    return f"role {resource.split('/')[0]}" if resource else arn
