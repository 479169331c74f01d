"""Properties of the policy evaluation (IAM User Guide, "Policy evaluation logic")."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.evaluator import Policies, evaluate

ACTIONS = ["s3:GetObject", "s3:PutObject", "sagemaker:UpdateModelPackage", "iam:PassRole"]
RESOURCES = ["arn:aws:s3:::a/x", "arn:aws:s3:::b/y", "arn:aws:iam::111122223333:role/r"]
CASES = Path(__file__).parents[4] / "shared" / "data" / "iam_cases.jsonl"

contexts = st.builds(
    RequestContext,
    st.just("arn:aws:sts::111122223333:assumed-role/r/s"),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.fixed_dictionaries({}, optional={"aws:RequestedRegion": st.sampled_from(["us-east-1", "eu-west-1"])}),
)
conditions = st.sampled_from(
    [
        {},
        {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}},
        {"Null": {"aws:RequestedRegion": "true"}},
    ]
)
statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.lists(st.sampled_from([*ACTIONS, "s3:*", "*", "sagemaker:Update*"]), min_size=1, max_size=2),
        "Resource": st.lists(st.sampled_from([*RESOURCES, "*", "arn:aws:s3:::a/*"]), min_size=1, max_size=2),
        "Condition": conditions,
    }
)
documents = st.lists(statements, max_size=4)


def policy(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": found}


def allowed(context: RequestContext, **policies: Any) -> bool:
    """Tell whether these policies allow the request."""
    return evaluate(context, Policies(**policies)).allowed


@given(contexts, documents, statements)
def test_adding_a_deny_never_allows(
    context: RequestContext, found: list[dict[str, Any]], extra: dict[str, Any]
) -> None:
    """A further Deny can only take away."""
    denied = [*found, {**extra, "Effect": "Deny"}]
    assert allowed(context, identity=[policy(found)]) >= allowed(context, identity=[policy(denied)])


@given(contexts, documents, st.randoms(use_true_random=False))
def test_the_order_of_statements_never_matters(
    context: RequestContext, found: list[dict[str, Any]], random: Any
) -> None:
    """A policy is a set of statements."""
    shuffled = list(found)
    random.shuffle(shuffled)
    assert allowed(context, identity=[policy(found)]) == allowed(context, identity=[policy(shuffled)])


@given(contexts, documents, documents)
def test_a_boundary_never_widens(
    context: RequestContext, found: list[dict[str, Any]], boundary: list[dict[str, Any]]
) -> None:
    """With a boundary, nothing is allowed that was not allowed without."""
    without = allowed(context, identity=[policy(found)])
    assert without >= allowed(context, identity=[policy(found)], boundary=[policy(boundary)])


@given(contexts, documents, documents)
def test_a_session_policy_never_widens(
    context: RequestContext, found: list[dict[str, Any]], session: list[dict[str, Any]]
) -> None:
    """With a session policy, nothing is allowed that was not allowed without."""
    without = allowed(context, identity=[policy(found)])
    assert without >= allowed(context, identity=[policy(found)], session=[policy(session)])


@given(contexts, documents, documents)
def test_a_service_control_policy_never_widens(
    context: RequestContext, found: list[dict[str, Any]], organization: list[dict[str, Any]]
) -> None:
    """With a service control policy, nothing is allowed that was not allowed without."""
    without = allowed(context, identity=[policy(found)])
    assert without >= allowed(context, identity=[policy(found)], service_control=[[policy(organization)]])


@given(contexts)
def test_without_any_policy_nothing_is_allowed(context: RequestContext) -> None:
    """The default is deny."""
    assert not allowed(context)


def test_an_operator_iam_does_not_know_is_an_error_and_not_a_pass() -> None:
    """A misspelt condition must not silently hold."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEqual": {"aws:x": "y"}}}
    context = RequestContext("arn:aws:sts::111122223333:assumed-role/r/s", "s3:GetObject", "*", {"aws:x": "y"})
    with pytest.raises(ValueError, match="'StringEqual' is not a condition operator"):
        evaluate(context, Policies(identity=[policy([statement])]))


@pytest.mark.skipif(not CASES.exists(), reason="the decided cases are not part of the product")
def test_decisions_agree_with_decided_cases() -> None:
    """No one of a thousand cases decided by an independent simulator is decided differently."""
    different = [case["id"] for case in map(json.loads, CASES.read_text().splitlines()) if not agrees(case)]
    assert not different


def agrees(case: dict[str, Any]) -> bool:
    """Tell whether our decision on a case is the expected one."""
    request, boundaries = case["request"], case.get("permissionBoundaryPolicies")
    session, resource = case.get("sessionPolicy"), case.get("resourcePolicy")
    decision = evaluate(
        RequestContext(
            request["principal"], request["action"], request["resource"]["resource"], request["contextVariables"]
        ),
        Policies(
            identity=[p["policy"] for p in case["identityPolicies"]],
            boundary=[p["policy"] for p in boundaries] if boundaries is not None else None,
            session=[session.get("policy", session)] if session else None,
            resource=resource.get("policy", resource) if resource else None,
            resource_account=request["resource"]["accountId"],
            service_control=[[p["policy"] for p in level["policies"]] for level in case["serviceControlPolicies"]],
            resource_control=[[p["policy"] for p in level["policies"]] for level in case["resourceControlPolicies"]],
        ),
    )
    found = "Allowed" if decision.allowed else "ExplicitlyDenied" if decision.explicit else "ImplicitlyDenied"
    return bool(found == case["expected"])
