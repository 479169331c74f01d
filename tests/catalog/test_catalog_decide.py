"""Approving and rejecting one model version."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.decide import Decider, Decision, Status, decide, description_of, region_of
from catalog.errors import RefusedError
from tests.approval.fake_hub import FakeS3
from tests.catalog.fake_account import Journal, client_error

ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-p-idy6c3e1fiqj/2"
RITA = "arn:aws:sts::111122223333:assumed-role/sagemaker-lockgate-approver/rita"
APPROVAL = Decision(arn=ARN, status=Status.APPROVED, reason="holds on the audit sample")


@dataclass
class Registry:
    """A model registry with one version."""

    version: dict[str, Any] = field(
        default_factory=lambda: {"ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval"}
    )
    journal: Journal = field(default_factory=Journal)

    def describe_model_package(self, **request: Any) -> dict[str, Any]:
        """The version, or SageMaker's error for one that does not exist."""
        self.journal.note("sagemaker", "DescribeModelPackage", request)
        if request["ModelPackageName"] != ARN:
            raise client_error("DescribeModelPackage", "ValidationException", "ModelPackage does not exist.")
        return self.version

    def update_model_package(self, **request: Any) -> dict[str, Any]:
        """Change the version."""
        self.journal.note("sagemaker", "UpdateModelPackage", request)
        self.version = {**self.version, **request}
        return {}


def by(registry: Registry, arn: str = RITA) -> Decider:
    """Who decides, where there is no record yet."""
    return Decider(arn=arn, sagemaker=registry, s3=FakeS3())


@pytest.mark.parametrize("status", list(Status))
def test_a_decision_is_written_with_who_and_why(status: Status) -> None:
    """Status and description go to the registry in one call."""
    registry = Registry()
    said = decide(replace(APPROVAL, status=status), by(registry))
    assert said == f"{status} by {RITA}: holds on the audit sample"
    assert registry.version["ModelApprovalStatus"] == status.value
    assert registry.version["ApprovalDescription"] == said
    assert registry.journal.writes() == ["sagemaker:UpdateModelPackage"]


def refusal(decision: Decision, registry: Registry) -> str:
    """What is said when a decision is refused; nothing was written."""
    with pytest.raises(RefusedError) as error:
        decide(decision, by(registry))
    assert registry.journal.writes() == []
    return str(error.value)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_nothing_is_decided(reason: str) -> None:
    """The registry is not even asked."""
    registry = Registry()
    assert "say with --reason" in refusal(replace(APPROVAL, reason=reason), registry)
    assert registry.journal.calls == []


def test_a_version_that_does_not_exist_is_refused() -> None:
    """In one sentence that names the ARN."""
    missing = ARN.replace("/2", "/9")
    assert refusal(replace(APPROVAL, arn=missing), Registry()).startswith(f"There is no model version {missing}")


@pytest.mark.parametrize("status", ["Failed", "InProgress"])
def test_a_version_that_is_not_ready_is_refused(status: str) -> None:
    """Only what was registered completely can be decided about."""
    registry = Registry({"ModelPackageStatus": status, "ModelApprovalStatus": "PendingManualApproval"})
    assert f"is {status}: only a Completed version" in refusal(APPROVAL, registry)


def test_an_earlier_decision_is_kept_unless_asked_for() -> None:
    """The sentence repeats who decided and why; --again replaces it."""
    registry = Registry()
    decide(replace(APPROVAL, status=Status.REJECTED, reason="biased"), by(registry))
    with pytest.raises(RefusedError, match=r"already Rejected \(Rejected by .*/rita: biased\): pass --again"):
        decide(APPROVAL, by(registry))
    decide(replace(APPROVAL, again=True), by(registry))
    assert registry.version["ModelApprovalStatus"] == "Approved"


def test_the_text_has_at_most_the_registrys_length() -> None:
    """A longest reason fits exactly; one character more is refused with the figure."""
    longest = "x" * (1024 - len(f"Approved by {RITA}: "))
    assert len(description_of(replace(APPROVAL, reason=longest), RITA)) == 1024
    with pytest.raises(RefusedError, match="is 1 characters too long"):
        description_of(replace(APPROVAL, reason=longest + "x"), RITA)


@pytest.mark.parametrize(
    "text",
    ["2", "fraud-p-idy6c3e1fiqj/2", ARN.rpartition("/")[0], ARN.replace("/2", "/0"), ARN + " ", ARN.replace("3:", ":")],
)
def test_what_is_no_arn_of_a_version_is_refused(text: str) -> None:
    """Groups, names and numbers are not exact enough to approve."""
    with pytest.raises(RefusedError, match="is not the ARN of a model version"):
        region_of(text)


def test_the_region_is_that_of_the_version() -> None:
    """So a decision needs no region of its own, in any partition."""
    assert region_of(ARN) == "us-east-1"
    assert region_of(ARN.replace("arn:aws:", "arn:aws-cn:").replace("us-east-1", "cn-north-1")) == "cn-north-1"


def test_a_denied_decision_is_aws_to_explain() -> None:
    """Errors other than a missing version are passed on."""

    class Closed(Registry):
        def describe_model_package(self, **_: Any) -> dict[str, Any]:
            raise client_error("DescribeModelPackage", "AccessDeniedException", "no")

    with pytest.raises(ClientError):
        decide(APPROVAL, by(Closed()))
