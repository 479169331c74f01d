"""The planner: wanted state and observed state in, instructions out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import HubError
from catalog.instructions import (
    AllowPrincipal,
    CreateHub,
    CreateVersion,
    DeleteFailedHub,
    Instruction,
    PutObject,
    RemovePrincipal,
    TagObject,
    UpdateHub,
    UpdateLaunchConstraint,
    UpdatePortfolio,
    UpdateProduct,
)
from catalog.observed import Account, FoundPortfolio, FoundProduct, HubStack, LaunchConstraint, Observed
from catalog.plan import plan
from catalog.release import UNKNOWN, HubOutputs, make_release
from catalog.sources import Sources
from tests.catalog.fake_account import ACCOUNT, CALLER, OUTPUTS, REGION
from tests.catalog.sources_for_tests import SOURCES, with_build_seed, with_catalog

HUB = HubOutputs.parse(OUTPUTS)
RELEASE = make_release(SOURCES, HUB)
SCIENTIST = (f"arn:aws:iam::{ACCOUNT}:role/SageMakerDataScientist", "IAM")
EMPTY = Observed(
    account=Account(id=ACCOUNT, region=REGION, partition="aws", caller_arn=CALLER),
    hub=None,
    objects={},
    portfolio=None,
    product=None,
)
STACK = HubStack(status="CREATE_COMPLETE", template=SOURCES.hub_template, outputs=HUB)
PORTFOLIO = FoundPortfolio(
    id="port-1", provider="ML platform", description="Gated models", principals=frozenset({SCIENTIST})
)
PRODUCT = FoundProduct(
    id="prod-1",
    owner="ML platform",
    description="Two repositories",
    tags=frozenset({("sagemaker:studio-visibility", "true")}),
    versions=frozenset({RELEASE.version.name}),
    in_portfolio=True,
    launch_constraint=LaunchConstraint(id="cons-1", role_arn=HUB.launch_role_arn),
)
PUBLISHED = replace(
    EMPTY,
    hub=STACK,
    objects={o.key: o.tags for o in RELEASE.objects},
    portfolio=PORTFOLIO,
    product=PRODUCT,
)


def kinds(instructions: tuple[Instruction, ...]) -> list[str]:
    """The names of the instructions' classes."""
    return [type(instruction).__name__ for instruction in instructions]


def test_an_empty_account_gets_everything_in_an_order_that_works() -> None:
    """Stack, objects, portfolio, product, association, launch constraint, and only then somebody who may launch."""
    assert kinds(plan(SOURCES, EMPTY)) == [
        "CreateHub",
        *["PutObject"] * 3,
        "CreatePortfolio",
        "CreateProduct",
        "AddProductToPortfolio",
        "CreateLaunchConstraint",
        "AllowPrincipal",
    ]


def test_without_a_hub_the_plan_says_what_it_cannot_know() -> None:
    """The template's key and the version's name depend on the stack's outputs; seeds' keys do not."""
    said = [str(instruction) for instruction in plan(SOURCES, EMPTY)]
    assert f"put s3://{UNKNOWN}/templates/{UNKNOWN}/project.template.yaml" in said
    assert any(SOURCES.seeds[0].key in line for line in said)
    assert "create the product 'Model project' with version 0.1.0-" + UNKNOWN in said


def test_the_same_content_needs_nothing() -> None:
    """An account that holds the wanted state is left alone."""
    assert plan(SOURCES, PUBLISHED) == ()


def test_planning_is_pure() -> None:
    """Equal arguments give equal plans."""
    assert plan(SOURCES, EMPTY) == plan(SOURCES, EMPTY)


def test_a_changed_seed_makes_a_new_version_beside_the_old() -> None:
    """Seed and template get new keys and the version a new name; nothing is replaced or removed."""
    instructions = plan(with_build_seed(b"changed"), PUBLISHED)
    assert kinds(instructions) == ["PutObject", "PutObject", "CreateVersion"]
    keys = {i.object.key for i in instructions if isinstance(i, PutObject)}
    assert keys.isdisjoint({o.key for o in RELEASE.objects})
    (version,) = (i.version for i in instructions if isinstance(i, CreateVersion))
    assert version.name.startswith("0.1.0-")
    assert version.name != RELEASE.version.name


def test_a_version_is_named_after_the_templates_content() -> None:
    """The first eight digits of the hash under which the template is stored, reached over HTTPS."""
    digest = RELEASE.version.template_url.split("/")[-2]
    assert RELEASE.version.name == f"0.1.0-{digest[:8]}"
    assert RELEASE.version.template_url.startswith(f"https://{OUTPUTS['HubBucketDomainName']}/templates/")


def test_another_product_version_is_another_version() -> None:
    """The number from the catalog file leads the name."""
    product = replace(SOURCES.catalog.product, version="0.2.0")
    (create,) = plan(with_catalog(product=product), PUBLISHED)
    assert isinstance(create, CreateVersion)
    assert create.version.name.startswith("0.2.0-")


def test_a_changed_hub_template_updates_the_stack() -> None:
    """And nothing else, as long as its outputs stay."""
    changed = replace(SOURCES, hub_template="Resources: {New: {}}\n")
    assert plan(changed, PUBLISHED) == (UpdateHub(template=changed.hub_template),)


def test_a_rolled_back_creation_is_cleared_away_first() -> None:
    """CloudFormation can only delete a stack whose creation failed."""
    failed = replace(EMPTY, hub=HubStack(status="ROLLBACK_COMPLETE", template="x", outputs=None))
    assert plan(SOURCES, failed)[:2] == (DeleteFailedHub(), CreateHub(template=SOURCES.hub_template))


@pytest.mark.parametrize(
    ("status", "advice"),
    [("UPDATE_IN_PROGRESS", "publish again when"), ("UPDATE_ROLLBACK_FAILED", "continue its rollback")],
)
def test_a_stack_that_cannot_be_changed_stops_the_publish(status: str, advice: str) -> None:
    """The sentence names the state and the next step."""
    busy = replace(PUBLISHED, hub=replace(STACK, status=status))
    with pytest.raises(HubError, match=f"{status}.*{advice}"):
        plan(SOURCES, busy)


def test_lost_tags_of_an_object_are_put_back() -> None:
    """Without them neither Service Catalog's launch role nor Studio would find the object."""
    template = RELEASE.objects[-1]
    objects = {**PUBLISHED.objects, template.key: frozenset[tuple[str, str]]()}
    (tag,) = plan(SOURCES, replace(PUBLISHED, objects=objects))
    assert tag == TagObject(bucket=OUTPUTS["HubBucketName"], key=template.key, tags=template.tags)


def test_who_may_launch_is_exactly_who_the_catalog_names() -> None:
    """A new name is let in, a missing one out, and an ARN without account id is a pattern."""
    pattern = "arn:aws:iam:::role/teams/Scientist*"
    instructions = plan(with_catalog(launchers=(pattern,)), PUBLISHED)
    assert instructions == (
        AllowPrincipal(arn=pattern, type="IAM_PATTERN"),
        RemovePrincipal(arn=SCIENTIST[0], type="IAM"),
    )


def test_a_drifted_product_and_portfolio_are_brought_back() -> None:
    """Texts, the Studio tag and the launch role are restored."""
    drifted = replace(
        PUBLISHED,
        portfolio=replace(PORTFOLIO, description="?"),
        product=replace(
            PRODUCT, tags=frozenset(), launch_constraint=LaunchConstraint(id="cons-1", role_arn="arn:other")
        ),
    )
    portfolio, product, constraint = plan(SOURCES, drifted)
    assert isinstance(portfolio, UpdatePortfolio)
    assert isinstance(product, UpdateProduct)
    assert product.add_tags == {("sagemaker:studio-visibility", "true")}
    assert constraint == UpdateLaunchConstraint(constraint_id="cons-1", role_arn=HUB.launch_role_arn)


def test_a_hub_without_its_outputs_is_not_ours() -> None:
    """A stack of the same name that is not the hub is recognized by its missing outputs."""
    with pytest.raises(HubError, match="lacks the outputs LaunchRoleArn"):
        HubOutputs.parse({key: value for key, value in OUTPUTS.items() if key != "LaunchRoleArn"})


def test_the_template_is_filled_and_otherwise_unchanged() -> None:
    """Every setting has the hub's or the seed's value."""
    text = RELEASE.objects[-1].content.decode()
    assert f'BuildSeedKey: "{SOURCES.seeds[0].key}"' in text
    assert f'KmsKeyArn: "{OUTPUTS["KmsKeyArn"]}"' in text
    assert "set-at-publish" not in text
    assert _without_values(text) == _without_values(_template(SOURCES))


def _template(sources: Sources) -> str:
    return sources.project_template


def _without_values(text: str) -> list[str]:
    return [line.split(":", 1)[0] for line in text.splitlines()]
