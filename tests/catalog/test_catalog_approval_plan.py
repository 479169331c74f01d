"""Publishing the stacks beside the hub's: after the objects that hold their code, and only when they change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.cloud_archives import CodeArchive, jobs_archive
from catalog.configuration import parse_catalog
from catalog.errors import ConfigurationError, HubError
from catalog.instructions import CreatePart, UpdatePart
from catalog.observed import Account, FoundStack, HubStack, Observed
from catalog.parts import SETTINGS, Parts, stack_name
from catalog.plan import plan
from catalog.policy_check import policy_mistakes
from catalog.release import CODE, HubOutputs, make_release
from tests.catalog.fake_account import ACCOUNT, CALLER, OUTPUTS, REGION
from tests.catalog.sources_for_tests import SOURCES
from tests.support.iam_decision import allowed

TEMPLATES = {
    part: "Parameters:\n" + "".join(f"  {name}:\n    Type: String\n    Default: set-at-publish\n" for name in names)
    for part, names in SETTINGS.items()
}
PARTS = Parts(
    templates=TEMPLATES,
    functions=CodeArchive(stem="lockgate-functions", ending=".zip", content=b"functions"),
    jobs=CodeArchive(stem="lockgate-checks", ending=".pyz", content=b"jobs"),
    policy=CodeArchive(folder="policies", stem="organization", ending=".yaml", content=b"policy"),
)
ROOT = Path(__file__).parents[2]
WITH_APPROVAL = replace(SOURCES, parts=PARTS)
STACK = stack_name("approval")
HUB = HubOutputs.parse(OUTPUTS)
RELEASE = make_release(WITH_APPROVAL, HUB)
BEFORE = Observed(
    account=Account(id=ACCOUNT, region=REGION, partition="aws", caller_arn=CALLER),
    hub=HubStack(status="CREATE_COMPLETE", template=SOURCES.hub_template, outputs=HUB),
    objects={},
    portfolio=None,
    product=None,
)


def steps(observed: Observed) -> list[str]:
    """The kinds of instructions up to the portfolio."""
    names = [type(instruction).__name__ for instruction in plan(WITH_APPROVAL, observed)]
    return names[: names.index("CreatePortfolio")]


def found(status: str = "CREATE_COMPLETE", template: str | None = None) -> Observed:
    """An account that has both stacks and all objects; the approval's is in this state."""
    stacks = {name: FoundStack(status="CREATE_COMPLETE", template=text) for name, text in RELEASE.parts.items()}
    stacks[STACK] = FoundStack(status=status, template=RELEASE.parts[STACK] if template is None else template)
    return replace(BEFORE, objects={o.key: o.tags for o in RELEASE.objects}, parts=stacks)


def test_the_stack_comes_after_its_code_and_before_the_product() -> None:
    """Code and policy are objects under their digests; the template names them."""
    assert steps(BEFORE) == ["PutObject"] * 6 + ["CreatePart", "CreatePart"]
    code = [o for o in RELEASE.objects if o.tags == {CODE}]
    assert [o.key.partition("/")[0] for o in code] == ["code", "code", "policies"]
    assert all(o.key in RELEASE.parts[STACK] for o in code)
    assert OUTPUTS["KmsKeyArn"] in RELEASE.parts[STACK]


def test_what_is_published_is_left_alone() -> None:
    """A second publish changes nothing."""
    assert steps(found()) == []


def test_other_code_is_another_template() -> None:
    """Since the template names the code by its digest, CloudFormation sees the change."""
    (update,) = [i for i in plan(WITH_APPROVAL, found(template="older")) if isinstance(i, UpdatePart)]
    assert (update.stack, update.template) == (STACK, RELEASE.parts[STACK])


def test_a_failed_creation_is_removed_first() -> None:
    """CloudFormation does not update a stack whose creation was rolled back."""
    assert steps(found("ROLLBACK_COMPLETE")) == ["DeleteFailedPart", "CreatePart"]


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_that_cannot_be_changed_is_named(status: str) -> None:
    """With what to do."""
    with pytest.raises(HubError, match=f"sagemaker-lockgate-approval is {status}"):
        plan(WITH_APPROVAL, found(status))


def test_switching_off_what_goes_on_deciding_is_refused() -> None:
    """A publish deletes no stack, so it must not say that code no longer decides."""
    with pytest.raises(HubError, match="sagemaker-lockgate-watch and sagemaker-lockgate-approval are there"):
        plan(SOURCES, found())
    assert plan(SOURCES, BEFORE)


def test_before_there_is_a_hub_the_plan_says_that_the_stack_will_be_made() -> None:
    """Its template is known when the hub's values are."""
    assert any(isinstance(i, CreatePart) for i in plan(WITH_APPROVAL, replace(BEFORE, hub=None)))


@pytest.mark.parametrize("table", ["[approval]\nenabled = 1\n", "[approval]\non = true\n"])
def test_the_switch_is_true_or_false(table: str) -> None:
    """Anything else is a mistake of the catalog file."""
    text = (ROOT / "catalog" / "catalog.toml").read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match="approval"):
        parse_catalog(text.replace("[approval]", "[else]") + table)


def test_the_platform_engineer_may_make_every_resource_of_the_stack() -> None:
    """By the second of the two policies; neither reaches the record of decisions."""
    from tests.catalog.test_catalog_people import statements

    policy = statements("platform-engineer.approval")
    account = f"{REGION}:{ACCOUNT}"
    for action, resource in (
        ("cloudformation:CreateStack", f"arn:aws:cloudformation:{account}:stack/sagemaker-lockgate-approval/1"),
        ("s3:CreateBucket", f"arn:aws:s3:::sagemaker-lockgate-decisions-{ACCOUNT}-{REGION}"),
        ("s3:PutObject", f"arn:aws:s3:::{OUTPUTS['HubBucketName']}/code/x.zip"),
        ("s3:PutObject", f"arn:aws:s3:::{OUTPUTS['HubBucketName']}/policies/x.yaml"),
        ("lambda:CreateFunction", f"arn:aws:lambda:{account}:function:sagemaker-lockgate-decide"),
        ("sagemaker:CreatePipeline", f"arn:aws:sagemaker:{account}:pipeline/sagemaker-lockgate-approval"),
        ("scheduler:CreateSchedule", f"arn:aws:scheduler:{account}:schedule/default/sagemaker-lockgate-reconcile"),
    ):
        assert allowed(policy, action, resource), action
    record = f"arn:aws:s3:::sagemaker-lockgate-decisions-{ACCOUNT}-{REGION}/record/g/entries/0.json"
    assert not allowed(policy, "s3:PutObject", record)


def test_the_published_policy_has_no_mistake() -> None:
    """It is read by the archive that the jobs get."""
    assert policy_mistakes(jobs_archive(ROOT), policy((ROOT / "catalog" / "policy.yaml").read_bytes())) == []


def test_mistakes_of_the_policy_are_named_together_with_their_lines() -> None:
    """Before anything is published: with such a policy every version would be rejected."""
    text = b"schema: 1\nname: acme\nmode: enforced\nlimits:\n  auc: {minimum: high}\n  f1: {minimal: 0}\nfoo: 1\n"
    found = policy_mistakes(jobs_archive(ROOT), policy(text))
    assert {line for line in range(1, 9) if any(f"policy.yaml, line {line}" in said for said in found)} == {3, 5, 6, 7}


@pytest.mark.parametrize("content", [b"", b"- 1", b"a: [", b"\xff\xfe", b"schema: 1\nname: a\ninclude: ./other.yaml\n"])
def test_a_policy_that_cannot_be_read_alone_is_refused(content: bytes) -> None:
    """Nothing, a list, no YAML, no text, and one that rests on a file which is not published with it."""
    assert policy_mistakes(jobs_archive(ROOT), policy(content))


def policy(content: bytes) -> CodeArchive:
    """The organization's policy as it is published."""
    return CodeArchive(folder="policies", stem="organization", ending=".yaml", content=content)
