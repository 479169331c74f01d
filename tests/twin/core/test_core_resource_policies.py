"""Resource policies and who they name (IAM User Guide, "How AWS enforcement code logic evaluates requests")."""

from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.evaluator import Decision, Policies, evaluate

ACCOUNT, OTHER = "111122223333", "444455556666"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/build/me"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/build"
USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"


def policy(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    """Return a document of one statement on everything."""
    return {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "*", "Resource": "*", **elements}}


NOTHING = policy(Action="none:None")


def decide(principal: str, on: str = QUEUE, action: str = "sqs:SendMessage", **policies: Any) -> Decision:
    """Decide a request of a principal of the account for a resource, which is the account's own by default."""
    arn = ROLE if ":assumed-role/" in principal else principal
    context = RequestContext(principal, action, on, {"aws:PrincipalArn": arn})
    return evaluate(context, Policies(**{"resource_account": ACCOUNT, **policies}))


@pytest.mark.parametrize(
    ("principal", "named", "alone", "beyond_boundary", "beyond_session"),
    [
        (SESSION, SESSION, True, True, True),
        (SESSION, "*", True, True, True),
        (SESSION, ROLE, True, False, False),
        (SESSION, ROOT, False, False, False),
        (SESSION, ACCOUNT, False, False, False),
        (SESSION, f"arn:aws:iam::{ACCOUNT}:role/build", False, False, False),
        (SESSION, f"arn:aws:iam::{OTHER}:root", False, False, False),
        (USER, USER, True, True, True),
        (FEDERATED, FEDERATED, True, True, True),
        (FEDERATED, USER, False, False, False),
        (ROOT, ROOT, True, True, True),
    ],
)
def test_what_a_resource_policy_grants_within_an_account(
    principal: str,
    named: str,
    alone: bool,  # noqa: FBT001
    beyond_boundary: bool,  # noqa: FBT001
    beyond_session: bool,  # noqa: FBT001
) -> None:
    """Whom it names decides whether it stands alone, and whether an implicit deny elsewhere limits it.

    "Permissions granted directly to a session are not limited by an implicit deny in an identity-based policy, a
    permissions boundary, or session policy"; neither are those granted with a wildcard in the Principal element.
    """
    own = policy(Principal=named if named == "*" else {"AWS": named})
    assert decide(principal, identity=[NOTHING], resource=own).allowed is alone
    assert decide(principal, identity=[NOTHING], boundary=[NOTHING], resource=own).allowed is beyond_boundary
    assert decide(principal, identity=[policy()], session=[NOTHING], resource=own).allowed is beyond_session


LAYERS = ("identity", "boundary", "session", "service_control", "resource_control", "resource")


@pytest.mark.parametrize("layer", LAYERS)
def test_an_explicit_deny_in_any_layer_wins(layer: str) -> None:
    """Every kind of policy can deny, whatever the others allow."""
    allow, deny = policy(Principal="*"), policy("Deny", Principal="*")
    organized = {"service_control", "resource_control"}
    everything: dict[str, Any] = {name: [[allow]] if name in organized else [allow] for name in LAYERS} | {
        "resource": allow
    }
    assert decide(SESSION, **everything).allowed
    denying: dict[str, Any] = {
        layer: [[allow, deny]] if layer in organized else deny if layer == "resource" else [allow, deny]
    }
    decision = decide(SESSION, **{**everything, **denying})
    assert (decision.allowed, decision.explicit) == (False, True)


def test_every_level_of_the_organization_must_allow() -> None:
    """Service control policies: root, unit and account ("SCP evaluation"); they grant nothing themselves."""
    assert decide(SESSION, identity=[policy()], service_control=[[policy()], [policy()]]).allowed
    assert (
        decide(SESSION, identity=[policy()], service_control=[[policy()], [NOTHING]]).layer == "service control policy"
    )
    assert not decide(SESSION, identity=[NOTHING], service_control=[[policy()]]).allowed


def test_a_resource_control_policy_denies_only_for_the_services_that_have_them() -> None:
    """Page "List of AWS services that support RCPs": SQS is one, SageMaker is none."""
    deny = [[policy("Deny", Principal="*")]]
    assert not decide(SESSION, identity=[policy()], resource_control=deny).allowed
    group = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/g"
    asked = {"on": group, "action": "sagemaker:DescribeModelPackageGroup"}
    assert decide(SESSION, identity=[policy()], resource_control=deny, **asked).allowed


@pytest.mark.parametrize("named", [SESSION, ROLE, ROOT, ACCOUNT, "*"])
def test_across_accounts_both_sides_must_allow(named: str) -> None:
    """Page "Cross-account policy evaluation logic": however the resource's account names the caller."""
    theirs: dict[str, Any] = {
        "resource_account": OTHER,
        "resource": policy(Principal=named if named == "*" else {"AWS": named}),
    }
    assert decide(SESSION, identity=[policy()], **theirs).allowed
    assert not decide(SESSION, identity=[NOTHING], **theirs).allowed
    assert not decide(SESSION, identity=[policy()], boundary=[NOTHING], **theirs).allowed
    assert not decide(SESSION, identity=[policy()], session=[NOTHING], **theirs).allowed
    assert not decide(SESSION, identity=[policy()], resource_account=OTHER).allowed


@pytest.mark.parametrize(("on", "action"), [(KEY, "kms:Decrypt"), (f"arn:aws:iam::{ACCOUNT}:role/r", "sts:AssumeRole")])
def test_keys_and_roles_must_allow_themselves(on: str, action: str) -> None:
    """Key policies and trust policies: without their allow, identity policies mean nothing; the root delegates."""
    asked = {"on": on, "action": action}
    assert not decide(SESSION, identity=[policy()], resource=None, **asked).allowed
    assert not decide(SESSION, identity=[policy()], resource=policy(Principal={"AWS": USER}), **asked).allowed
    delegating = policy(Principal={"AWS": ROOT})
    assert decide(SESSION, identity=[policy()], resource=delegating, **asked).allowed
    assert not decide(SESSION, identity=[NOTHING], resource=delegating, **asked).allowed
    assert decide(SESSION, identity=[NOTHING], resource=policy(Principal={"AWS": ROLE}), **asked).allowed


def test_a_service_is_allowed_by_the_resource_that_names_it() -> None:
    """A service principal has no identity policies; a trust in the account is not a trust in services."""
    named = policy(Principal={"Service": ["events.amazonaws.com", "s3.amazonaws.com"]})
    assert decide("events.amazonaws.com", resource=named).allowed
    assert not decide("lambda.amazonaws.com", resource=named).allowed
    assert not decide("events.amazonaws.com", resource=policy(Principal={"AWS": ROOT})).allowed


def test_not_principal_denies_everybody_but_the_named() -> None:
    """Page "IAM JSON policy elements: NotPrincipal"."""
    deny = policy("Deny", NotPrincipal={"AWS": [ROLE, SESSION, ROOT]})
    assert decide(SESSION, identity=[policy()], resource=deny).allowed
    assert decide(USER, identity=[policy()], resource=deny).explicit


def test_not_action_and_not_resource_cover_the_rest() -> None:
    """Page "IAM JSON policy elements: NotAction" and "NotResource"."""
    rest = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": [KEY]}}
    assert decide(SESSION, identity=[rest]).allowed
    assert not decide(SESSION, identity=[rest], action="IAM:PassRole").allowed
    assert not decide(SESSION, identity=[rest], on=KEY, resource=policy(Principal={"AWS": ROOT})).allowed


def test_a_decision_names_the_statement_that_made_it() -> None:
    """The audit tells which statement allowed or denied."""
    assert decide(SESSION, identity=[policy(Sid="Queues")]).statement == "Queues"
    assert decide(SESSION, identity=[policy(), policy("Deny", Sid="Never")]).statement == "Never"
