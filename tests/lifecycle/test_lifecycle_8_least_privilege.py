"""What the product's roles used on the way here, each of them could not have done without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lockgate_twin.audit.replay import Grant, decide, denied_without, distinct, used_grants
from lockgate_twin.audit.run import Run, open_run
from lockgate_twin.demo.world import Facts, World

PROJECT_ROLES = ("build", "execution", "pipeline", "deploy", "deploy-build")
HUB_ROLES = (
    *("launch", "router", "approver"),
    *("registrations", "deployments", "verify", "decide", "evidence", "approval-pipeline", "scheduler"),
    *("watch", "watch-schedule", "watch-job", "watch-pipeline", "publish-watch", "retrain"),
)
# The templates and seeds in the hub bucket carry the tag by which Service Catalog's copies may be read as well.
GRANTED_TWICE = {"sagemaker-lockgate-launch: ReadTemplatesAndSeeds: s3:GetObject"}


@pytest.fixture(scope="module")
def run(world: World, drifted: Facts) -> Run:  # noqa: ARG001 - the run is the way to production and back
    """Read what the twin has done so far."""
    return open_run(Path(world.state.state_dir))


def role_names(facts: Facts) -> set[str]:
    """Return the names of the product's roles."""
    return {f"sagemaker-{facts.project_id}-{use}" for use in PROJECT_ROLES} | {
        f"sagemaker-lockgate-{use}" for use in HUB_ROLES
    }


def grants(run: Run) -> list[Grant]:
    """Return every (role, statement, action) of the product that the run used."""
    return [grant for role in run.roles if role.is_products for grant in used_grants(role, run.log.of(role.arn))]


def test_every_role_of_the_product_was_used(run: Run, live: Facts) -> None:
    """The proof below leaves no role out."""
    assert {grant.role.name for grant in grants(run)} == role_names(live)


def test_recorded_requests_are_decided_again_as_they_were(run: Run) -> None:
    """The access log and the roles' policies say all that a decision rests on."""
    checks = [check for role in run.roles for check in distinct(run.log.of(role.arn))]
    roles = {role.arn: role for role in run.roles}
    policies = run.snapshot["resource_policies"]
    differing = [c for c in checks if decide(c, roles[c.role_arn], policies).allowed != c.allowed]
    assert not differing
    assert any(not check.allowed for check in checks)


def test_without_any_single_used_action_a_request_of_the_life_cycle_is_denied(run: Run) -> None:
    """No action that the life cycle uses is granted twice, but for one that is named here with its reason."""
    used, policies = grants(run), run.snapshot["resource_policies"]
    assert len(used) > 80
    denied = {str(grant): denied_without(grant, policies) for grant in used}
    assert {name for name, checks in denied.items() if not checks} <= GRANTED_TWICE
    assert all(name.endswith(f": {check.action}") for name, checks in denied.items() for check in checks)


def test_the_audit_tells_it_from_the_command_line(world: World, live: Facts) -> None:
    """`lockgate audit` asks the running twin and knows calls, what was never used, wildcards and CloudFormation."""
    command = [str(world.root / "lockgate"), "audit", "--state", world.state.state_dir, "--role", "launch", "--json"]
    (launch,) = json.loads(world.person("administrator").run(command, cwd=world.root))["roles"]
    statements = {statement["sid"]: statement for statement in launch["statements"]}
    assert launch["assumed_by"].keys() == {"servicecatalog.amazonaws.com"}
    assert launch["operations"]["codepipeline:CreatePipeline"] >= 2
    assert "codepipeline:CreatePipeline" in statements["Pipelines"]["used"]
    assert "codepipeline:DeletePipeline" in statements["Pipelines"]["never_used"]
    assert statements["Buckets"]["reason"].startswith("Bucket names carry the project's id")
    needs = {(need["type"], need["handler"]): need for need in launch["cloudformation_may_need"]}
    assert "codepipeline:DeletePipeline" in needs["AWS::CodePipeline::Pipeline", "delete"]["granted"]
    assert "iam:AttachRolePolicy" in needs["AWS::IAM::Role", "create"]["not_granted"]
    assert live.project_id
