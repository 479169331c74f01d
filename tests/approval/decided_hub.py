"""A hub whose versions were examined: what examinations leave, and the registry that decisions are written to."""

from __future__ import annotations

import hashlib
from typing import Any

from catalog.approval.arns import parse
from catalog.approval.chain import canonical, digest_of
from catalog.approval.decide import IgnoredError, Task, decide
from catalog.approval.store import Place
from tests.approval.fake_hub import ACCOUNT, DECISIONS, GROUP, PROJECT, FakeS3, FakeSagemaker, arn_of

ENVIRONMENT = {
    "DECISION_BUCKET": DECISIONS,
    "OWN_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/lockgate/sagemaker-lockgate-decide",
    "APPROVAL_PIPELINE": "approval",
}
MANIFEST = b'{"files": {}}'


def finding(outcome: str = "pass", **more: Any) -> dict[str, Any]:
    """A finding as it stands in decision.json."""
    return {
        "check": "quality.metrics",
        "family": "quality",
        "subject": "auc",
        "outcome": outcome,
        "severity": "block",
        "value": 0.75,
        "limit": {"minimum": 0.7, "maximum": None},
        "reason": "auc is 0.75.",
        "waived_by": None,
        **more,
    }


def decision(arn: str, verdict: str = "approve", *findings: dict[str, Any], mode: str = "enforce") -> dict[str, Any]:
    """decision.json."""
    return {
        "verdict": verdict,
        "recommendation": verdict,
        "mode": mode,
        "model_package_arn": arn,
        "decided_at": "2026-11-22T12:00:00+00:00",
        "policy_digest": "a" * 64,
        "evidence_digests": {},
        "waivers": [],
        "findings": list(findings or [finding()]),
    }


class Hub:
    """Versions that were examined, and the service that decides about them."""

    def __init__(self) -> None:
        self.s3, self.sagemaker = FakeS3(), FakeSagemaker()

    def examined(self, number: int, document: dict[str, Any] | None = None, execution: str = "e1") -> Task:
        """Register a version with its bytes, and leave what an examination leaves."""
        arn, model = arn_of(number), b"model %d" % number
        self.s3.objects[PROJECT, f"m/{number}/model.tar.gz"] = model
        self.s3.objects[PROJECT, f"e/{number}/manifest.json"] = MANIFEST
        digest = hashlib.sha256(model).hexdigest()
        if arn not in self.sagemaker.versions:
            self.sagemaker.register(
                number,
                InferenceSpecification={"Containers": [{"ModelDataUrl": f"s3://{PROJECT}/m/{number}/model.tar.gz"}]},
                CustomerMetadataProperties={
                    "ModelDigest": digest,
                    "EvidenceUri": f"s3://{PROJECT}/e/{number}/",
                    "EvidenceDigest": hashlib.sha256(MANIFEST).hexdigest(),
                },
            )
        place = Place(DECISIONS, f"{GROUP}/{number}/{execution}/")
        self.leave(
            place,
            decision(arn) if document is None else document,
            {"model_package_arn": arn, "evidence": {}, "lineage": {"model_digest": digest}},
        )
        pin = f"{hashlib.md5(model).hexdigest()} {len(model)}"  # noqa: S324 - as S3 names bytes
        return Task(parse(arn), place, "none", pin, hashlib.sha256(MANIFEST).hexdigest())

    def leave(self, place: Place, document: Any, subject: Any) -> None:
        """Write what an examination writes."""
        files = {"decision.json": canonical(document), "subject.json": canonical(subject)}
        files["digests.json"] = canonical({name: digest_of(content) for name, content in files.items()})
        for name, content in files.items():
            self.s3.objects[place.bucket, place.key + name] = content

    def decide(self, task: Task) -> str:
        """Decide and return the version's status; "ignored" where there was nothing to decide."""
        try:
            decide(task, self.sagemaker, self.s3)
        except IgnoredError:
            return "ignored"
        return self.version(task)["ModelApprovalStatus"]

    def version(self, task: Task) -> dict[str, Any]:
        """The version as the registry holds it."""
        return self.sagemaker.versions[task.version.arn]
