"""People's decisions beside those of the checks, and how both are shown."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from catalog.approval.arns import parse
from catalog.approval.chain import append, canonical, digest_of
from catalog.decide import Decider, Decision, Status, decide
from catalog.errors import RefusedError
from catalog.history import read_history
from catalog.trail import change, numbers, show
from tests.approval.fake_hub import ACCOUNT, DECISIONS, GROUP, FakeS3, FakeSagemaker, arn_of, entries

RITA = f"arn:aws:sts::{ACCOUNT}:assumed-role/sagemaker-lockgate-approver/rita"
BUILD = f"arn:aws:sts::{ACCOUNT}:assumed-role/sagemaker-p-1-execution/build"
ARN = arn_of(1)
BIAS = {
    "check": "bias.post_training",
    "family": "bias",
    "subject": "DI@colour=Black",
    "outcome": "fail",
    "severity": "block",
    "value": 0.62,
    "limit": {"minimum": 0.8, "maximum": 1.25},
    "reason": "DI of colour=Black is 0.62.",
    "waived_by": None,
}
DECISION = {
    "verdict": "reject",
    "recommendation": "reject",
    "mode": "enforce",
    "model_package_arn": ARN,
    "decided_at": "2026-11-22T12:00:00+00:00",
    "policy_digest": "a" * 64,
    "evidence_digests": {},
    "waivers": [],
    "findings": [BIAS, {**BIAS, "subject": "AD@colour=Black", "outcome": "pass", "value": 1.0}],
}
SUBJECT: dict[str, Any] = {"model_package_arn": ARN, "evidence": {}, "lineage": {}}


class Account:
    """A version that the checks rejected."""

    def __init__(self) -> None:
        self.s3, self.sagemaker = FakeS3(), FakeSagemaker()
        folder = f"{GROUP}/1/e1/"
        self.s3.objects[DECISIONS, f"{folder}decision.json"] = canonical(DECISION)
        append(self.s3, DECISIONS, GROUP, {"subject": SUBJECT, "decision": DECISION})
        self.sagemaker.register(
            1,
            ModelApprovalStatus="Rejected",
            ApprovalDescription="Rejected by code: bias",
            CreatedBy={"IamIdentity": {"Arn": BUILD}},
            CustomerMetadataProperties={
                "DecisionUri": f"s3://{DECISIONS}/{folder}",
                "DecisionDigest": digest_of(canonical(DECISION)),
            },
        )

    def decide(self, arn: str = RITA) -> None:
        """Approve against the checks."""
        decision = Decision(arn=ARN, status=Status.APPROVED, reason="a waiver is being written", again=True)
        decide(decision, Decider(arn=arn, sagemaker=self.sagemaker, s3=self.s3))

    def explained(self) -> str:
        """What `lockgate explain` prints."""
        printed = io.StringIO()
        show(read_history(parse(ARN), self.sagemaker, self.s3), Console(file=printed, width=160))
        return printed.getvalue()


def test_a_person_who_decides_against_the_checks_is_recorded_with_what_was_against_it() -> None:
    """Who, when, what, why, and the failing findings; the decision of the checks stays beside it."""
    account = Account()
    account.decide()
    machine, person = entries(account.s3)
    assert (machine["decision"], person["decision"]) == (DECISION, DECISION)
    assert person["person"]["arn"] == RITA
    assert person["person"]["against"] == ["bias.post_training DI@colour=Black"]
    version = account.sagemaker.versions[ARN]
    assert version["ModelApprovalStatus"] == "Approved"
    assert version["CustomerMetadataProperties"]["PersonDecidedBy"] == RITA
    assert version["CustomerMetadataProperties"]["PersonRecord"].startswith("1:")
    assert "DI@colour=Black" in version["ApprovalDescription"]


def test_the_author_of_a_version_does_not_decide_about_it() -> None:
    """Another session of the same role is the same author."""
    account = Account()
    with pytest.raises(RefusedError, match="somebody else must decide"):
        account.decide(BUILD.replace("/build", "/me"))
    assert len(entries(account.s3)) == 1
    assert account.sagemaker.updates == []


def test_nothing_is_decided_over_an_altered_record() -> None:
    """Whoever wants to decide learns of it."""
    account = Account()
    account.decide()
    place = (DECISIONS, f"record/{GROUP}/entries/00000000.json")
    account.s3.objects[place] = account.s3.objects[place].replace(b"0.62", b"0.92")
    with pytest.raises(RefusedError, match="broken at entry 1"):
        account.decide()
    assert "Not to be trusted" in account.explained()


def test_an_explanation_shows_numbers_limits_and_what_would_have_to_change() -> None:
    """What stands in the way comes first, with its margin."""
    said = Account().explained()
    assert "Verdict of the checks: reject" in said
    assert said.index("DI@colour=Black") < said.index("AD@colour=Black")
    assert "0.8 .. 1.25" in said
    assert "-0.18" in said
    assert "It must rise by 0.18, from 0.62 to 0.8." in said


def test_an_explanation_shows_the_whole_trail() -> None:
    """Registration, the checks, then the person with the reason."""
    account = Account()
    account.decide()
    trail = account.explained().partition("Trail:")[2]
    assert trail.index(BUILD) < trail.index("reject by the checks") < trail.index("a waiver is being written")


def test_an_altered_decision_is_not_explained_as_if_it_were_true() -> None:
    """The registry names its digest."""
    account = Account()
    place = (DECISIONS, f"{GROUP}/1/e1/decision.json")
    account.s3.objects[place] = account.s3.objects[place].replace(b"reject", b"approve")
    said = account.explained()
    assert "it was altered" in said
    assert "Verdict of the checks" not in said


def test_a_version_that_nobody_examined_is_explained_too() -> None:
    """It says so."""
    account = Account()
    account.sagemaker.register(1)
    account.s3.objects.clear()
    assert "nothing was decided" in account.explained()


@pytest.mark.parametrize(
    ("value", "limit", "shown", "wanted"),
    [
        (0.5, {"minimum": None, "maximum": 0.4}, ("0.5", " .. 0.4", "-0.1"), "It must fall by 0.1, from 0.5 to 0.4."),
        (0.5, {"minimum": 0.4, "maximum": None}, ("0.5", "0.4 .. ", "+0.1"), ""),
        (None, {"minimum": 0.4, "maximum": None}, ("", "0.4 .. ", ""), ""),
        (0.5, None, ("0.5", "", ""), ""),
    ],
)
def test_numbers_are_shown_as_far_as_there_are_any(
    value: float | None, limit: Any, shown: tuple[str, str, str], wanted: str
) -> None:
    """Value, limit and margin; and the distance to go."""
    finding = {**BIAS, "value": value, "limit": limit}
    assert numbers(finding) == shown
    assert change(finding) == wanted
