"""Authorization of real calls against the caller's real policies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError
from lockgate_twin.services.eventbridge import check_rule

from tests.support.twin_server import client_of

ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    """Return an Allow statement."""
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
    }


@pytest.fixture(scope="module")
def bucket(core: Core) -> str:
    """Make a bucket with one object."""
    s3 = client_of(core, "s3")
    s3.create_bucket(Bucket="authorized")
    s3.put_object(Bucket="authorized", Key="in/a.txt", Body=b"a")
    return "authorized"


def test_what_the_policy_allows_is_served(core: Core, new_role: Callable[..., str], bucket: str) -> None:
    """An allowed action on a matching resource passes."""
    role = core.credentials.issue(new_role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*")), "me")
    assert client_of(core, "s3", role).get_object(Bucket=bucket, Key="in/a.txt")["Body"].read() == b"a"


def test_what_no_policy_allows_is_refused_naming_action_and_resource(
    core: Core, new_role: Callable[..., str], bucket: str
) -> None:
    """The message has AWS's words: who, what, on what, why."""
    role = core.credentials.issue(new_role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*")), "me")
    with pytest.raises(ClientError) as error:
        client_of(core, "s3", role).get_object(Bucket=bucket, Key="out/a.txt")
    message = error.value.response["Error"]["Message"]
    assert error.value.response["Error"]["Code"] == "AccessDenied"
    assert f"s3:GetObject on resource: arn:aws:s3:::{bucket}/out/a.txt" in message


def test_a_boundary_limits_what_the_policy_allows(core: Core, new_role: Callable[..., str], bucket: str) -> None:
    """A permissions boundary that is silent about an action denies it."""
    arn = new_role(ANYTHING, boundary=[allow("iam:ListRoles", "*")])
    role = core.credentials.issue(arn, "me")
    assert client_of(core, "iam", role).list_roles(MaxItems=1)["Roles"]
    with pytest.raises(ClientError, match="permissions boundary"):
        client_of(core, "s3", role).list_objects_v2(Bucket=bucket)


def test_a_bucket_policy_can_deny_what_the_role_allows(core: Core, new_role: Callable[..., str]) -> None:
    """An explicit deny of a resource policy wins."""
    s3 = client_of(core, "s3")
    s3.create_bucket(Bucket="closed-bucket")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::closed-bucket/*"}
    s3.put_bucket_policy(Bucket="closed-bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    role = core.credentials.issue(new_role(ANYTHING), "me")
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        client_of(core, "s3", role).put_object(Bucket="closed-bucket", Key="k", Body=b"")


def test_passing_a_role_needs_pass_role_for_that_service(core: Core, new_role: Callable[..., str]) -> None:
    """iam:PassRole is checked with iam:PassedToService, on the role that is passed."""
    passed = new_role(ANYTHING)
    target = {"Rule": "r", "Targets": [{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:111122223333:q", "RoleArn": passed}]}
    for_lambda = allow("iam:PassRole", passed, StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})
    for_events = allow("iam:PassRole", passed, StringEquals={"iam:PassedToService": "events.amazonaws.com"})
    client_of(core, "events").put_rule(Name="r", EventPattern='{"source": ["a"]}')
    wrong = core.credentials.issue(new_role(allow("events:PutTargets", "*"), for_lambda), "me")
    right = core.credentials.issue(new_role(allow("events:PutTargets", "*"), for_events), "me")
    with pytest.raises(ClientError, match="iam:PassRole"):
        client_of(core, "events", wrong).put_targets(**target)
    assert client_of(core, "events", right).put_targets(**target)["FailedEntryCount"] == 0


def test_creating_a_role_can_be_bound_to_a_boundary(core: Core, new_role: Callable[..., str]) -> None:
    """iam:PermissionsBoundary is the boundary asked for, and later the one the role has."""
    boundary = client_of(core, "iam").create_policy(
        PolicyName="the-boundary", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [ANYTHING]})
    )["Policy"]["Arn"]
    bound = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    maker = core.credentials.issue(
        new_role(allow("iam:CreateRole", "*", **bound), allow("iam:PutRolePolicy", "*", **bound)), "me"
    )
    iam = client_of(core, "iam", maker)
    with pytest.raises(ClientError, match="iam:CreateRole"):
        iam.create_role(RoleName="unbound", AssumeRolePolicyDocument="{}")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="bound", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ANYTHING]})
    iam.put_role_policy(RoleName="bound", PolicyName="p", PolicyDocument=policy)
    client_of(core, "iam").create_role(RoleName="other", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError, match="iam:PutRolePolicy"):
        iam.put_role_policy(RoleName="other", PolicyName="p", PolicyDocument=policy)


def test_a_role_is_assumed_only_under_its_trust_policy(core: Core, new_role: Callable[..., str]) -> None:
    """The trust policy decides who may assume a role."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = new_role(ANYTHING, trust=trust)
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        client_of(core, "sts").assume_role(RoleArn=role, RoleSessionName="me")
    session = core.assume_role(role, service="lambda.amazonaws.com", session_name="f", region="us-east-1")
    assert session.client("sts").get_caller_identity()["Arn"].endswith("/f")
    with pytest.raises(ApiError, match=r"codebuild\.amazonaws\.com is not authorized to assume"):
        core.assume_role(role, service="codebuild.amazonaws.com", session_name="b", region="us-east-1")


def test_a_trust_in_the_account_does_not_let_services_in(core: Core, new_role: Callable[..., str]) -> None:
    """A service principal is nobody of the account."""
    role = new_role(ANYTHING)
    with pytest.raises(ApiError, match="trust policy does not allow"):
        core.assume_role(role, service="lambda.amazonaws.com", session_name="f", region="us-east-1")


def test_a_rule_that_nothing_would_start_is_refused(core: Core) -> None:
    """Moto would keep a rule whose schedule or pattern is none; the twin refuses it as AWS does."""
    core.front.check_before_moto("events", "PutRule", check_rule)
    events = client_of(core, "events")
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        events.put_rule(Name="hourly", ScheduleExpression="rate(1 hours)")
    with pytest.raises(ClientError, match="InvalidEventPatternException"):
        events.put_rule(Name="odd", EventPattern='{"source": "not a list"}')


def test_a_trust_bound_to_a_source_account_keeps_other_sources_out(core: Core, new_role: Callable[..., str]) -> None:
    """aws:SourceAccount and aws:SourceArn are in the context when a service assumes a role (confused deputy)."""
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:codebuild:us-east-1:111122223333:project/mine"}}
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    role = new_role(ANYTHING, trust=trust)
    mine, other = (f"arn:aws:codebuild:us-east-1:111122223333:project/{name}" for name in ("mine", "other"))
    asking = {"service": "codebuild.amazonaws.com", "session_name": "b", "region": "us-east-1"}
    core.assume_role(role, source_arn=mine, **asking)
    with pytest.raises(ApiError, match="trust policy does not allow"):
        core.assume_role(role, source_arn=other, **asking)
    with pytest.raises(ApiError, match="trust policy does not allow"):
        core.assume_role(role, **asking)


def test_inner_checks_use_the_same_policies(core: Core, new_role: Callable[..., str], bucket: str) -> None:
    """What AWS does inside a service is checked like a call."""
    arn = new_role(
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*"),
        trust={"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    )
    job = core.assume_role(arn, service="sagemaker.amazonaws.com", session_name="job", region="us-east-1")
    assert job.read_object(bucket, "in/a.txt") == b"a"
    with pytest.raises(ApiError, match="s3:PutObject"):
        job.write_object(bucket, "in/b.txt", b"b")
    with pytest.raises(ApiError, match="s3:ListBucket"):
        job.list_objects(bucket, "in/")


def test_every_decision_is_in_the_access_log(core: Core, new_role: Callable[..., str], bucket: str) -> None:
    """Allowed and denied checks are written with principal, action and resource."""
    role = core.credentials.issue(new_role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*")), "logged-session")
    s3 = client_of(core, "s3", role)
    s3.get_object(Bucket=bucket, Key="in/a.txt")
    with pytest.raises(ClientError):
        s3.get_object(Bucket=bucket, Key="elsewhere")
    lines = (core.settings.state_dir / "access.jsonl").read_text().splitlines()
    mine = [r for r in map(json.loads, lines) if r["principal"].endswith("/logged-session")]
    assert [(c["action"], c["allowed"]) for r in mine for c in r["checks"]] == [
        ("s3:GetObject", True),
        ("s3:GetObject", False),
    ]
