"""Registration to examination: every version once, whatever becomes of its events."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.approval import registrations
from catalog.approval.registrations import ATTEMPTS, GRACE, reconcile, registered
from tests.approval.fake_hub import FUNCTION, GROUP, NOW, FakeContext, FakeSagemaker, arn_of


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVAL_PIPELINE", "sagemaker-lockgate-approval")


def event(arn: Any = "", **detail: Any) -> dict[str, Any]:
    """A registration's event."""
    return {"detail-type": "SageMaker Model Package State Change", "detail": {"ModelPackageArn": arn, **detail}}


def test_a_registered_version_is_examined_by_its_exact_arn() -> None:
    """Not the newest version: the one of the event."""
    sagemaker = FakeSagemaker()
    first, _ = sagemaker.register(1), sagemaker.register(2)
    assert registered(event(first), sagemaker, FUNCTION)["outcome"] == "started"
    assert sagemaker.started == [first]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_multiset_of_events_in_any_order_starts_each_version_once(data: st.DataObject) -> None:
    """Duplicated, reordered and lost events, with reconciliations between: the oracle is one start per version."""
    sagemaker = FakeSagemaker()
    versions = [sagemaker.register(number) for number in range(1, 5)]
    sent = data.draw(st.lists(st.sampled_from([*versions, "reconcile"]), max_size=12))
    for arn in sent:
        if arn == "reconcile":
            reconcile(sagemaker, FUNCTION, NOW)
        else:
            registered(event(arn), sagemaker, FUNCTION)
    reconcile(sagemaker, FUNCTION, NOW)
    assert sorted(sagemaker.started) == versions


def test_all_events_lost_the_reconciler_alone_starts_every_version() -> None:
    """Over pages; versions whose event may still come are left alone."""
    sagemaker = FakeSagemaker()
    versions = [sagemaker.register(number) for number in range(1, 8)]
    young = sagemaker.register(9, CreationTime=NOW - GRACE + dt.timedelta(seconds=1))
    assert reconcile(sagemaker, FUNCTION, NOW)["started"] == versions
    assert young not in sagemaker.started


def test_a_reconciliation_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is the next one's."""
    monkeypatch.setattr(registrations, "MOST_STARTS", 3)
    sagemaker = FakeSagemaker()
    for number in range(1, 8):
        sagemaker.register(number)
    assert len(reconcile(sagemaker, FUNCTION, NOW)["started"]) == 3


def test_an_examination_that_ended_badly_is_begun_again_a_few_times() -> None:
    """Each attempt is one execution, and there is a last one."""
    sagemaker = FakeSagemaker()
    arn = sagemaker.register(1)
    for _ in range(ATTEMPTS + 2):
        reconcile(sagemaker, FUNCTION, NOW)
        sagemaker.status = dict.fromkeys(sagemaker.status, "Failed")
    assert sagemaker.started == [arn] * ATTEMPTS


@pytest.mark.parametrize(
    "facts",
    [
        {"ModelApprovalStatus": "Approved"},
        {"ModelApprovalStatus": "Rejected"},
        {"ModelPackageStatus": "InProgress"},
    ],
)
def test_the_registry_says_whether_a_version_waits(facts: dict[str, Any]) -> None:
    """An event that says Pending starts nothing for a version that is decided or not ready."""
    sagemaker = FakeSagemaker()
    arn = sagemaker.register(1, **facts)
    said = registered(event(arn, ModelApprovalStatus="PendingManualApproval"), sagemaker, FUNCTION)
    assert (said["outcome"], sagemaker.started) == ("ignored", [])


def test_a_decision_that_a_registration_states_itself_does_not_keep_it_from_being_examined() -> None:
    """Only the schedule passes over what the registry calls decided: there it means a person's turn."""
    sagemaker = FakeSagemaker()
    arn = sagemaker.register(1, CustomerMetadataProperties={"DecisionUri": "s3://d/x/"})
    assert reconcile(sagemaker, FUNCTION, NOW)["started"] == []
    assert registered(event(arn), sagemaker, FUNCTION)["outcome"] == "started"


def test_a_group_of_no_project_is_left_alone() -> None:
    """Groups that the product did not make carry no project's id."""
    sagemaker = FakeSagemaker(tags={GROUP: {"team": "risk"}})
    assert registered(event(sagemaker.register(1)), sagemaker, FUNCTION)["outcome"] == "ignored"


@pytest.mark.parametrize(
    "arn",
    [
        arn_of(1).replace("111122223333", "999999999999"),
        arn_of(1).replace("us-east-1", "eu-west-1"),
        arn_of(1).replace("arn:aws:", "arn:aws-cn:"),
        arn_of(1).replace("model-package/", "model-package-group/"),
        arn_of(1) + "/../2",
        arn_of(1) + "\n",
        arn_of(0),
    ],
)
def test_a_foreign_or_malformed_arn_is_refused_before_anything_is_asked(arn: str) -> None:
    """Another account, region, partition or kind of resource never reaches AWS."""

    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    assert registered(event(arn), Untouchable(), FUNCTION)["outcome"] == "ignored"


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.sampled_from(["ModelPackageArn", "ModelApprovalStatus", "Group"]), json_values) | json_values)
def test_no_forged_detail_starts_anything(detail: Any) -> None:
    """Only an ARN that the registry confirms does."""
    sagemaker = FakeSagemaker()
    sagemaker.register(1)
    assert registered({"detail": detail}, sagemaker, FUNCTION)["outcome"] == "ignored"
    assert sagemaker.started == []


def test_the_handler_knows_schedules_from_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule's input asks for a reconciliation."""
    sagemaker = FakeSagemaker()
    arn = sagemaker.register(1)
    monkeypatch.setattr(registrations, "_client", lambda _: sagemaker)
    assert registrations.handler({"action": "reconcile"}, FakeContext())["started"] == [arn]
    assert registrations.handler(event(arn), FakeContext())["outcome"] == "started"
    assert sagemaker.started == [arn]
