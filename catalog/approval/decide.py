"""Carries out what an examination decided: once per version, recorded before it takes effect.

The only code of the hub that may write a model version's approval. It decides nothing by itself: a version is approved
only if the examination's own findings allow it and nothing was altered since. Claim, record and cards come first, the
registry last; whoever repeats it after a fault finds the claim and completes the same decision.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from . import cards, chain
from .arns import PENDING, Version, own
from .case import OBJECTION, Case, failing, load, rejected
from .store import Place, UnusableError, pin, put_once, read
from .verify import MOST_MANIFEST_BYTES, NONE, claims_of

Json = dict[str, Any]
STATUS = {"approve": "Approved", "reject": "Rejected"}
STAGE = {"approve": "Approved", "reject": "Rejected", "human": "NeedsHuman"}
LONGEST = 1024
"""Characters of ApprovalDescription and StageDescription (UpdateModelPackage)."""

_ENDED = {"Failed", "Stopped"}
_EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
_client = lru_cache(boto3.client)


class IgnoredError(Exception):
    """There is nothing to decide; the text says why."""


@dataclass(frozen=True)
class Task:
    """What to decide about: the version, where its examination is, and what was verified before it."""

    version: Version
    place: Place
    problem: str
    model_pin: str = NONE
    evidence_digest: str = NONE
    verdict_on_problem: str = "reject"


def handler(event: Json, context: Any) -> Json:
    """Decide; return the outputs of the pipeline's step DecideAndRecord, all texts."""
    sagemaker, s3, own_arn = _client("sagemaker"), _client("s3"), context.invoked_function_arn
    try:
        read = _failed if event.get("detail-type") == _EXECUTION else _examined
        task = read(event, sagemaker, own_arn)
        outcome = decide(task, sagemaker, s3)
    except IgnoredError as reason:
        outcome = {"Outcome": "ignored", "Reason": str(reason)}
    print(json.dumps(outcome))
    return outcome


def decide(task: Task, sagemaker: Any, s3: Any) -> Json:
    """Carry out the decision about one version.

    Raises:
        IgnoredError: the version does not wait for a decision.
    """
    package = sagemaker.describe_model_package(ModelPackageName=task.version.arn)
    if package.get("ModelApprovalStatus") != PENDING or _is_decided(task.version, package, s3):
        raise IgnoredError(f"{task.version.arn} is decided")
    case = _claimed(_case(task, package, s3), task.version, s3)
    entry = {"subject": case.subject, "decision": case.decision}
    chain.append(s3, os.environ["DECISION_BUCKET"], task.version.group, entry)
    _write_group_card(case, task.version, package, sagemaker)
    sagemaker.update_model_package(**update(case, package))
    return {"Outcome": "decided", "Verdict": case.verdict, "DecisionUri": case.place.uri, "Version": task.version.arn}


def update(case: Case, package: Json) -> Json:
    """Return the one UpdateModelPackage request of a decision; the status of "human" stays as it is."""
    report = case.report_uri
    return {
        "ModelPackageArn": package["ModelPackageArn"],
        **({"ModelApprovalStatus": STATUS[case.verdict]} if case.verdict in STATUS else {}),
        "ApprovalDescription": description(case, report),
        "CustomerMetadataProperties": {
            "DecisionVerdict": case.verdict,
            "DecisionUri": case.place.uri,
            "DecisionDigest": case.digest,
            "PolicyDigest": case.decision["policy_digest"] or NONE,
            "DecidedBy": os.environ["OWN_ROLE_ARN"],
            "DecidedAt": case.decision["decided_at"],
        },
        "ModelLifeCycle": {
            "Stage": "Approval",
            "StageStatus": STAGE[case.verdict],
            "StageDescription": description(case, report),
        },
        "ModelCard": {
            "ModelCardContent": cards.package_card(case, package, report),
            "ModelCardStatus": cards.STATUS[case.verdict],
        },
    }


def description(case: Case, report: str) -> str:
    """Say the verdict, what stands in the way by name, and where the report is, in the registry's length."""
    head = {
        "approve": "Approved by code",
        "reject": "Rejected by code",
        "human": "A person decides",
    }[case.verdict]
    wrong, end = failing(case.decision), f" Report: {report}"
    room = LONGEST - len(head) - len(end) - 4
    told = _examination(case.decision) or ", ".join(wrong) or _first_reason(case.decision)
    return f"{head}: {told if len(told) <= room else told[: room - 3] + '...'}.{end}"


def _examination(decision: Json) -> str:
    """Return why nothing was examined; "" where something was."""
    reasons = [str(f["reason"]).rstrip(".") for f in decision["findings"] if f["check"] == "evidence.examined"]
    return reasons[0] if reasons else ""


def _first_reason(decision: Json) -> str:
    passed = sum(finding["outcome"] == "pass" for finding in decision["findings"])
    if decision["mode"] == "recommend":
        return f"the policy only recommends; the checks say {decision['recommendation']}"
    return f"{passed} findings passed, none in the way"


def _examined(event: Json, sagemaker: Any, own_arn: str) -> Task:
    """The task of the pipeline's last step: an execution of the approval pipeline that examines this very version."""
    version, execution = own(event["model_package_arn"], own_arn), str(event["execution_id"])
    if not re.fullmatch("[A-Za-z0-9-]+", execution):
        raise IgnoredError(f"{execution[:80]!r} is no examination")
    if _version_of(f"{_pipeline(own_arn)}/execution/{execution}", sagemaker) != version.arn:
        raise IgnoredError(f"the examination {execution} is about another model version")
    return Task(
        version=version,
        place=_folder(version, execution),
        problem=event["problem"],
        model_pin=event["model_pin"],
        evidence_digest=event["evidence_digest"],
    )


def _failed(event: Json, sagemaker: Any, own_arn: str) -> Task:
    """The task of an examination that ended without its last step; the event is trusted for the execution's ARN only.

    It is a fault of the examination, not of the model, so a person decides.
    """
    arn = str(event.get("detail", {}).get("pipelineExecutionArn"))
    if not arn.startswith(f"{_pipeline(own_arn)}/execution/"):
        raise IgnoredError(f"{arn} is no examination")
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    if (status := execution["PipelineExecutionStatus"]) not in _ENDED:
        raise IgnoredError(f"{arn} is {status}")
    version = own(_version_of(arn, sagemaker), own_arn)
    reason = str(execution.get("FailureReason") or f"it was {status.lower()}")[:500]
    problem = f"the examination did not end: {reason}"
    return Task(version, _folder(version, arn.rpartition("/")[2]), problem, verdict_on_problem="human")


def _pipeline(own_arn: str) -> str:
    _, partition, _, region, account, *_ = own_arn.split(":")
    return f"arn:{partition}:sagemaker:{region}:{account}:pipeline/{os.environ['APPROVAL_PIPELINE']}"


def _version_of(execution: str, sagemaker: Any) -> str:
    given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution)["PipelineParameters"]
    return next(str(item["Value"]) for item in given if item["Name"] == "ModelPackageArn")


def _folder(version: Version, execution: str) -> Place:
    return Place(os.environ["DECISION_BUCKET"], f"{version.folder}/{execution}/")


def _case(task: Task, package: Json, s3: Any) -> Case:
    """Return what to carry out: the examination's decision, or a rejection with what is wrong about it."""
    try:
        if task.verdict_on_problem == "reject":
            case = load(s3, task.place, task.version.arn)
            if case.verdict != "approve":
                return case
            _check_unaltered(task, case, package, s3)
            return case
        problem = task.problem
    except UnusableError as error:
        problem = str(error)
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    place = task.place.below(OBJECTION)
    return _kept(rejected(place, task.version.arn, moment, problem, task.verdict_on_problem), s3)


def _check_unaltered(task: Task, case: Case, package: Json, s3: Any) -> None:
    if task.problem != NONE:
        raise UnusableError(task.problem)
    claims = claims_of(package, _bucket_of(package))
    if case.subject.get("lineage", {}).get("model_digest") != claims.model_digest:
        raise UnusableError("altered: the examined model is not the registered one")
    if pin(s3, claims.model) != task.model_pin:
        raise UnusableError("altered: the model archive was written again during its examination")
    manifest = read(s3, claims.evidence.below("manifest.json"), MOST_MANIFEST_BYTES)
    if not claims.evidence_digest == task.evidence_digest == hashlib.sha256(manifest).hexdigest():
        raise UnusableError("altered: the evidence was written again during its examination")


def _bucket_of(package: Json) -> str:
    """The bucket was held against the project's when the version was verified; here only that it is still the same."""
    return str(package["CustomerMetadataProperties"]["EvidenceUri"]).removeprefix("s3://").partition("/")[0]


def _kept(case: Case, s3: Any) -> Case:
    """Keep a case that no examination wrote beside those that one did; what is there already counts."""
    decision, subject = chain.canonical(case.decision), chain.canonical(case.subject)
    put_once(s3, case.place.below("subject.json"), subject)
    if put_once(s3, case.place.below("decision.json"), decision):
        digests = {"decision.json": chain.digest_of(decision), "subject.json": chain.digest_of(subject)}
        put_once(s3, case.place.below("digests.json"), chain.canonical(digests))
        return case
    kept = json.loads(read(s3, case.place.below("decision.json"), chain.MOST_BYTES))
    return Case(case.place, case.subject, kept)


def _is_decided(version: Version, package: Json, s3: Any) -> bool:
    """Say whether the registry names the claimed decision; any other one was stated by the version's author."""
    said = package.get("CustomerMetadataProperties", {})
    try:
        claim = json.loads(read(s3, _claim_of(version), chain.MOST_BYTES))
    except UnusableError:
        return False
    return bool(claim["decision"] == said.get("DecisionDigest"))


def _claim_of(version: Version) -> Place:
    return Place(os.environ["DECISION_BUCKET"], f"record/{version.group}/claims/{version.number}.json")


def _claimed(case: Case, version: Version, s3: Any) -> Case:
    """Claim the version for this case; another case that has claimed it before is the one to carry out."""
    place = _claim_of(version)
    claim = chain.canonical({"folder": case.place.key, "decision": case.digest})
    if put_once(s3, place, claim):
        return case
    held = json.loads(read(s3, place, chain.MOST_BYTES))
    if held["folder"] == case.place.key:
        return case
    content = read(s3, Place(place.bucket, held["folder"]).below("decision.json"), chain.MOST_BYTES)
    subject = read(s3, Place(place.bucket, held["folder"]).below("subject.json"), chain.MOST_BYTES)
    earlier = Case(Place(place.bucket, held["folder"]), json.loads(subject), json.loads(content))
    if earlier.digest != held["decision"]:
        raise UnusableError(f"{earlier.place.uri}decision.json is not the one that was claimed")
    return earlier


def _write_group_card(case: Case, version: Version, package: Json, sagemaker: Any) -> None:
    """Write a version of the group's own model card, unless its latest one says the same already.

    Source: UpdateModelCard: "You cannot update both model card content and model card status in a single call."
    """
    report = case.report_uri
    content = cards.group_card(case, version, package, report)
    name, status = {"ModelCardName": version.group}, cards.STATUS[case.verdict]
    try:
        known = sagemaker.describe_model_card(ModelCardName=version.group)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"ResourceNotFound", "ValidationException"}:
            raise
        sagemaker.create_model_card(**name, Content=content, ModelCardStatus=status)
        return
    if known["Content"] != content:
        sagemaker.update_model_card(**name, Content=content)
    if known["ModelCardStatus"] != status:
        sagemaker.update_model_card(**name, ModelCardStatus=status)
