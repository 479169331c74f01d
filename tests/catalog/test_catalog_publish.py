"""Publishing into an account in memory: what is called, what is said, and what a failure looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CatalogError, HubError, PublishError
from catalog.polling import Polling, wait
from tests.catalog.fake_account import OUTPUTS, FakeAccount
from tests.catalog.publishing import run
from tests.catalog.sources_for_tests import SOURCES, with_build_seed, with_catalog


def event(resource: str, status: str, reason: str = "") -> dict[str, str]:
    """A stack event."""
    own = "arn:aws:cloudformation:us-east-1:111122223333:stack/sagemaker-lockgate-hub/1"
    return {
        "StackId": own,
        "PhysicalResourceId": own if resource == "sagemaker-lockgate-hub" else resource,
        "LogicalResourceId": resource,
        "ResourceType": "AWS::IAM::Role",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_a_first_publish_makes_everything() -> None:
    """Objects are tagged, the product is visible to Studio, constrained to the launch role and open to the launcher."""
    account = FakeAccount()
    said = run(account)
    catalog = account.servicecatalog
    (product,) = catalog.products
    ((portfolio, principal, kind),) = catalog.principals
    (constraint,) = catalog.constraints.values()
    assert catalog.associations == {(product, portfolio)}
    assert (principal, kind) == ("arn:aws:iam::111122223333:role/SageMakerDataScientist", "IAM")
    assert constraint["Type"] == "LAUNCH"
    assert OUTPUTS["LaunchRoleArn"] in constraint["Parameters"]
    assert catalog.tags[product] == [{"Key": "sagemaker:studio-visibility", "Value": "true"}]
    template = next(key for key in account.s3.bodies if key.startswith("templates/"))
    assert account.s3.tags[template] == {
        "servicecatalog:provisioning": "true",
        "sagemaker:studio-visibility": "true",
    }
    assert catalog.versions[product][0]["Info"]["LoadTemplateFromURL"].endswith(template)
    assert "9 changes made." in said


def test_a_second_publish_changes_nothing_and_says_so() -> None:
    """Only describe and list calls are made."""
    account = FakeAccount()
    run(account)
    account.journal.calls.clear()
    said = run(account)
    assert account.journal.writes() == []
    assert "Nothing to change." in said


def test_a_plan_changes_nothing() -> None:
    """It prints every instruction and makes only describe and list calls."""
    account = FakeAccount()
    said = run(account, only_plan=True)
    assert account.journal.writes() == []
    assert "would create the stack sagemaker-lockgate-hub" in said
    assert "9 changes planned; nothing was done." in said


def test_a_plan_of_published_content_is_empty() -> None:
    """The plan says so as the publish does."""
    account = FakeAccount()
    run(account)
    assert "Nothing to change." in run(account, only_plan=True)


def test_a_changed_seed_adds_a_version_and_keeps_the_old_one() -> None:
    """Running projects keep the version they were made from."""
    account = FakeAccount()
    run(account)
    run(account, with_build_seed(b"changed"))
    (versions,) = account.servicecatalog.versions.values()
    assert len({version["Name"] for version in versions}) == 2


def test_an_interrupted_publish_is_finished_by_the_next() -> None:
    """What was done before stays, what was not is done, and nothing is done twice."""
    account = FakeAccount()
    account.servicecatalog.version_status = "FAILED"
    with pytest.raises(PublishError, match=r"did not accept version 0\.1\.0-\w{8} \(FAILED\)"):
        run(account)
    account.servicecatalog.version_status = "AVAILABLE"
    account.journal.calls.clear()
    run(account)
    assert account.journal.writes() == [
        "servicecatalog:AssociateProductWithPortfolio",
        "servicecatalog:CreateConstraint",
        "servicecatalog:AssociatePrincipalWithPortfolio",
    ]


def test_a_failing_hub_names_the_first_resource_that_failed() -> None:
    """Cancelled resources and events of earlier operations are not the cause."""
    account = FakeAccount()
    account.cloudformation.outcome = "ROLLBACK_COMPLETE"
    account.cloudformation.events = [
        event("Router", "CREATE_FAILED", "Resource creation cancelled"),
        event("RouterRole", "CREATE_FAILED", "second"),
        event("LaunchRole", "CREATE_FAILED", "not authorized to perform: iam:CreateRole."),
        event("sagemaker-lockgate-hub", "CREATE_IN_PROGRESS"),
        event("Key", "CREATE_FAILED", "of an earlier attempt"),
    ]
    with pytest.raises(HubError) as error:
        run(account)
    assert str(error.value) == (
        "The stack sagemaker-lockgate-hub is ROLLBACK_COMPLETE: "
        "LaunchRole (AWS::IAM::Role) failed: not authorized to perform: iam:CreateRole."
    )
    assert "s3:PutObject" not in account.journal.calls


def test_a_failed_hub_is_replaced_by_the_next_publish() -> None:
    """The remains of a rolled back creation are deleted and the stack is created again."""
    account = FakeAccount()
    account.cloudformation.outcome = "ROLLBACK_COMPLETE"
    with pytest.raises(HubError):
        run(account)
    account.cloudformation.outcome = None
    account.journal.calls.clear()
    run(account)
    assert account.journal.writes()[:2] == ["cloudformation:DeleteStack", "cloudformation:CreateStack"]


def test_a_changed_hub_is_updated_and_then_looked_at_again() -> None:
    """A new version is published with the outputs the update led to."""
    account = FakeAccount()
    run(account)
    account.cloudformation.outputs["KmsKeyArn"] = OUTPUTS["KmsKeyArn"].replace("0f9a", "1f9a")
    run(account, replace(SOURCES, hub_template="Resources: {New: {}}\n"))
    newest = list(account.s3.bodies)[-1]
    assert b"key/1f9a" in account.s3.bodies[newest]


def test_two_portfolios_of_one_name_are_refused() -> None:
    """Publishing into either of them would be a guess."""
    account = FakeAccount()
    for _ in range(2):
        account.servicecatalog.create_portfolio(DisplayName="Models", ProviderName="ML platform", IdempotencyToken="t")
    with pytest.raises(PublishError, match="2 portfolios of this account are named 'Models'"):
        run(account)


def test_waiting_backs_off_and_ends() -> None:
    """Intervals grow to the longest one; patience is limited and the sentence says what was waited for."""
    slept: list[float] = []
    polling = Polling(first=0.2, longest=1.0, growth=2.0, patience=3.0, sleep=slept.append)
    with pytest.raises(CatalogError, match="The stack has not ended after 3 s"):
        wait(lambda: None, "The stack", polling)
    assert slept == [0.2, 0.4, 0.8, 1.0, 1.0]
    assert wait(lambda: "done", "The stack", polling) == "done"


def _leave_portfolio(account: FakeAccount) -> None:
    account.servicecatalog.associations.clear()
    account.servicecatalog.constraints.clear()


def _launch_by_name(account: FakeAccount) -> None:
    for constraint in account.servicecatalog.constraints.values():
        constraint["Parameters"] = '{"LocalRoleName": "x"}'


def _lose_tags(account: FakeAccount) -> None:
    account.s3.tags = {key: {} for key in account.s3.tags}
    account.servicecatalog.tags = {key: [] for key in account.servicecatalog.tags}


def _close(account: FakeAccount) -> None:
    account.servicecatalog.principals.clear()


def _age(account: FakeAccount) -> None:
    account.cloudformation.template = "Resources: {Old: {}}"


def _lose_object(account: FakeAccount) -> None:
    account.s3.bodies.popitem()


DRIFTS = (_leave_portfolio, _launch_by_name, _lose_tags, _close, _age, _lose_object)


@given(st.sets(st.sampled_from(DRIFTS)), st.binary(max_size=2), st.sampled_from(["One", "Two"]))
def test_whatever_an_account_held_a_second_publish_finds_nothing_to_do(
    drifts: set[Callable[[FakeAccount], None]], seed: bytes, launcher: str
) -> None:
    """One publish reaches the wanted state from any state of its own making."""
    account = FakeAccount()
    run(account)
    for drift in drifts:
        drift(account)
    wanted = replace(with_catalog(launchers=(launcher,)), seeds=with_build_seed(seed).seeds)
    run(account, wanted)
    account.journal.calls.clear()
    assert "Nothing to change." in run(account, wanted)
    assert account.journal.writes() == []
