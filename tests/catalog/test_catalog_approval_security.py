"""What the approval's template keeps beyond the rules for every template: who approves, and what is never deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from catalog.cloud_archives import CodeArchive, functions_archive, jobs_archive
from catalog.parts import part_mistakes
from tests.catalog.part_templates import ROOT, resolved, roles_with_policies, template
from tests.support import template_rules as rules

PART = "approval"
FUNCTIONS = [file for name in ("approval", "watching") for file in sorted((ROOT / "catalog" / name).glob("*.py"))]


def test_a_place_that_is_not_left_open_is_reported() -> None:
    """The publisher would deploy the committed text otherwise."""
    text = (ROOT / "catalog" / "approval.yaml").read_text(encoding="utf-8")
    assert part_mistakes("approval", text) == []
    (mistake,) = part_mistakes("approval", text.replace("Default: set-at-publish", "Default: else", 1))
    assert "is left open 0 times" in mistake


def test_only_the_decision_may_approve() -> None:
    """Every other role of the stack is denied both ways to write the status; the decision may not create versions."""
    assert rules.roles_that_may_approve(roles_with_policies(PART), except_for={"DecideRole"}) == []
    may = [
        s for s in rules.identity_statements(template(PART)) if s.allows and "sagemaker:UpdateModelPackage" in s.actions
    ]
    assert [statement.owner for statement in may] == ["DecidePolicy"]
    (denied,) = [s for s in rules.identity_statements(template(PART)) if s.owner == "DecidePolicy" and not s.allows]
    assert denied.actions == ["sagemaker:CreateModelPackage"]


def test_what_was_decided_cannot_be_deleted_or_recorded_by_others() -> None:
    """The decision store's policy denies it to everybody, whatever identity policies say."""
    assert rules.weak_buckets(template(PART)) == []
    statements = resolved(PART, template(PART)["Resources"]["DecisionsPolicy"]["Properties"]["PolicyDocument"])[
        "Statement"
    ]
    denied = {statement["Sid"]: statement for statement in statements}
    assert denied["NothingIsDeleted"]["Principal"] == "*"
    assert set(denied["NothingIsDeleted"]["Action"]) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}
    once = denied["RecordedOnce"]
    assert (once["Principal"], once["Action"]) == ("*", "s3:PutObject")
    assert [arn.partition("/")[2] for arn in once["Resource"]] == ["record/*", "*/objection/*.json"]
    assert once["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    spared = denied["OnlyDecidersRecord"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert [arn.rpartition("/")[2] for arn in spared] == ["sagemaker-lockgate-decide", "sagemaker-lockgate-approver"]


def test_events_and_schedules_are_not_lost() -> None:
    """Every target has a retry policy and a dead-letter queue, and so have the functions that they call."""
    assert rules.lossy_event_targets(template(PART)) == []
    for _, schedule in rules.resources_of(template(PART), "AWS::Scheduler::Schedule"):
        assert {"DeadLetterConfig", "RetryPolicy"} <= schedule["Target"].keys()
    for called in ("Registrations", "Deployments", "Decide"):
        assert "DeadLetterConfig" in template(PART)["Resources"][called]["Properties"]
    assert rules.endless_log_groups(template(PART)) == []


def test_a_decision_does_not_start_another_examination() -> None:
    """Only a creation has no list of updated fields."""
    detail = template(PART)["Resources"]["RegistrationRule"]["Properties"]["EventPattern"]["detail"]
    assert detail["UpdatedModelPackageFields"] == [{"exists": False}]


def definition() -> dict[str, Any]:
    """The pipeline's definition with names in place of ARNs."""
    text, _ = template(PART)["Resources"]["Pipeline"]["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"][
        "Fn::Sub"
    ]
    found: dict[str, Any] = json.loads(text)
    return found


def test_both_jobs_are_cut_off_from_every_network() -> None:
    """And run the packed archive in AWS's XGBoost image, as the role that approves nothing."""
    jobs = [step for step in definition()["Steps"] if step["Type"] == "Processing"]
    assert [job["Name"] for job in jobs] == ["Recompute", "Evaluate"]
    for job in jobs:
        assert job["Arguments"]["NetworkConfig"]["EnableNetworkIsolation"] is True
        assert job["Arguments"]["RoleArn"] == "${EvidenceRole.Arn}"
        assert job["Arguments"]["AppSpecification"]["ContainerEntrypoint"][1].endswith("/${JobsName}")


def test_the_decision_is_the_last_step_and_gets_what_was_verified() -> None:
    """Verify, Recompute, Evaluate, DecideAndRecord; a step has at most ten outputs."""
    steps = definition()["Steps"]
    assert [step["Name"] for step in steps] == ["Verify", "Recompute", "Evaluate", "DecideAndRecord"]
    assert steps[-1]["DependsOn"] == ["Evaluate"]
    assert len(steps[0]["OutputParameters"]) <= 10


def test_the_image_is_known_for_the_regions_that_the_sdk_knows() -> None:
    """Accounts as the SageMaker Python SDK has them for the version that builds use."""
    import sagemaker.core

    found = Path(sagemaker.core.__file__).parent.rglob("image_uri_config/xgboost.json")
    known = json.loads(next(found).read_text(encoding="utf-8"))["inference"]["versions"]["3.2-0"]["registries"]
    mapped: Mapping[str, Mapping[str, str]] = template(PART)["Mappings"]["XGBoostAccounts"]
    assert {region: entry["Account"] for region, entry in mapped.items()} == known


def test_archives_of_code_are_equal_for_equal_source() -> None:
    """Their names change exactly when their content does; no compiled part and no sample data are in them."""
    import io
    import zipfile

    for make in (functions_archive, jobs_archive):
        first, second = make(ROOT), make(ROOT)
        assert (first.content, first.key) == (second.content, second.key)
        names = zipfile.ZipFile(io.BytesIO(first.content)).namelist()
        assert names == sorted(names)
        assert not [name for name in names if name.endswith((".so", ".pyc")) or "/sample/" in name]
    other = CodeArchive(stem="lockgate-functions", ending=".zip", content=b"other")
    assert other.key != functions_archive(ROOT).key


@pytest.mark.parametrize("module", FUNCTIONS, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_functions_need_boto3_and_the_standard_library_alone(module: Path) -> None:
    """Lambda has nothing else."""
    import ast
    import sys

    tree = ast.parse(module.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level}
    foreign = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert foreign <= {"boto3", "botocore"}
