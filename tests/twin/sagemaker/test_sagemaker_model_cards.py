"""Model cards: standalone ones with versions and events, and the narrower card of a model package.

Source: API reference (CreateModelCard, UpdateModelCard, DescribeModelCard, ListModelCards, ListModelCardVersions,
DeleteModelCard, ModelPackageModelCard); Developer Guide, "Model card JSON schema", "Model card state change".
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.errors import ApiError
from lockgate_twin.services.sagemaker.model_card_schema import OF_PACKAGES, STANDALONE, checked
from lockgate_twin.services.sagemaker.model_cards import ModelCards

KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"
EVENT = "SageMaker Model Card State Change"
METRICS = [
    {"name": "auc", "type": "number", "value": 0.9, "notes": "on the holdout"},
    {"name": "roc", "type": "linear_graph", "value": [[0, 0], [1, 1]], "x_axis_name": "fpr", "y_axis_name": "tpr"},
    {"name": "importance", "type": "bar_chart", "value": [0.5, 0.25], "x_axis_name": ["age", "height"]},
    {"name": "confusion", "type": "matrix", "value": [[1, 2], [3, 4]]},
]
SHARED = {
    "intended_uses": {"purpose_of_model": "credit", "risk_rating": "High"},
    "business_details": {"business_problem": "risk"},
    "training_details": {
        "objective_function": {"function": {"function": "Maximize", "facet": "AUC"}, "notes": "n"},
        "training_job_details": {
            "training_arn": "arn",
            "training_metrics": [{"name": "auc", "value": 0.9}],
            "hyper_parameters": [{"name": "depth", "value": "3"}],
            "training_environment": {"container_image": ["image"]},
        },
    },
    "evaluation_details": [
        {"name": "holdout", "metric_groups": [{"name": "quality", "metric_data": METRICS}], "metadata": {"n": "1"}}
    ],
    "additional_information": {"custom_details": {"decision": "APPROVE"}},
}
PACKAGE = {**SHARED, "model_overview": {"model_creator": "ada", "model_artifact": ["s3://b/model.tar.gz"]}}
CARD = {
    **SHARED,
    "model_overview": {"model_id": "model-1", "model_name": "credit", "model_version": 3, "model_owner": "ada"},
    "model_package_details": {"model_package_arn": "arn:p", "model_approval_status": "Approved"},
}


def create(world: Any, content: Any = CARD, name: str = "credit", **members: Any) -> dict[str, Any]:
    """Create a card."""
    text = content if isinstance(content, str) else json.dumps(content)
    members = {"ModelCardStatus": "Draft", **members}
    return dict(world.call("CreateModelCard", ModelCardName=name, Content=text, **members))


def refused(code: str, world: Any, operation: str, **parameters: Any) -> str:
    """Return how an operation is refused."""
    with pytest.raises(ApiError) as caught:
        world.call(operation, **parameters)
    assert caught.value.code == code
    return caught.value.message


def test_a_card_is_described_as_it_was_created(world: Any) -> None:
    """Create and Describe agree; the event has the documented members."""
    arn = create(world)["ModelCardArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:111122223333:model-card/credit"
    found = world.call("DescribeModelCard", ModelCardName="credit")
    assert json.loads(found["Content"]) == CARD
    assert (found["ModelCardVersion"], found["ModelCardStatus"], found["ModelCardArn"]) == (1, "Draft", arn)
    assert found["CreatedBy"]["IamIdentity"]["Arn"] == world.user.arn
    assert "SecurityConfig" not in found
    assert world.call("DescribeModelCard", ModelCardName=arn) == found
    event = world.events[-1]
    assert (event.detail_type, event.resources) == (EVENT, [arn])
    assert set(event.detail) == {
        "ModelCardVersion",
        "LastModifiedTime",
        "LastModifiedBy",
        "CreationTime",
        "CreatedBy",
        "ModelCardName",
        "ModelId",
        "ModelCardStatus",
        "AccountId",
        "SecurityConfig",
    }
    assert event.detail["SecurityConfig"] == {}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.detail["CreationTime"])


def test_new_content_makes_a_version_and_a_status_does_not(world: Any) -> None:
    """Versions stay readable; a status changes the newest only; each update tells an event."""
    create(world)
    changed = json.dumps({"model_overview": {"model_name": "credit 2"}})
    world.call("UpdateModelCard", ModelCardName="credit", Content=changed)
    world.call("UpdateModelCard", ModelCardName="credit", ModelCardStatus="Approved")
    newest = world.call("DescribeModelCard", ModelCardName="credit")
    assert (newest["ModelCardVersion"], newest["ModelCardStatus"], newest["Content"]) == (2, "Approved", changed)
    first = world.call("DescribeModelCard", ModelCardName="credit", ModelCardVersion=1)
    assert (json.loads(first["Content"]), first["ModelCardStatus"]) == (CARD, "Draft")
    listed = world.call("ListModelCardVersions", ModelCardName="credit", SortOrder="Ascending")
    summaries = listed["ModelCardVersionSummaryList"]
    assert [(s["ModelCardVersion"], s["ModelCardStatus"]) for s in summaries] == [(1, "Draft"), (2, "Approved")]
    assert world.statuses(EVENT, "ModelCardVersion") == [1, 2, 2]
    assert world.statuses(EVENT, "ModelCardStatus") == ["Draft", "Draft", "Approved"]
    assert "has no version 3" in refused(
        "ResourceNotFound", world, "DescribeModelCard", ModelCardName="credit", ModelCardVersion=3
    )


def test_cards_outlive_the_twin(stage: Any) -> None:
    """Another twin over the same tables describes the same versions and goes on counting."""
    world = stage.world
    create(world)
    world.call("UpdateModelCard", ModelCardName="credit", Content="{}")
    before = [world.call("DescribeModelCard", ModelCardName="credit", ModelCardVersion=number) for number in (1, 2)]
    world.handlers.update(ModelCards(world, stage.sagemaker.tags).operations())
    after = [world.call("DescribeModelCard", ModelCardName="credit", ModelCardVersion=number) for number in (1, 2)]
    assert after == before
    world.call("UpdateModelCard", ModelCardName="credit", Content='{"business_details": {}}')
    assert world.call("DescribeModelCard", ModelCardName="credit")["ModelCardVersion"] == 3


def test_content_and_status_cannot_be_updated_together(world: Any) -> None:
    """UpdateModelCard takes one of the two in a call, and none is nothing to do."""
    create(world)
    for given_members in ({"Content": "{}", "ModelCardStatus": "Approved"}, {}):
        told = refused("ValidationException", world, "UpdateModelCard", ModelCardName="credit", **given_members)
        assert "Exactly one of Content and ModelCardStatus" in told


def test_an_archived_card_takes_no_content(world: Any) -> None:
    """An archived card says so until its status changes back."""
    create(world, ModelCardStatus="Archived")
    told = refused("ConflictException", world, "UpdateModelCard", ModelCardName="credit", Content="{}")
    assert "Model Card is in Archived state" in told
    world.call("UpdateModelCard", ModelCardName="credit", ModelCardStatus="Draft")
    world.call("UpdateModelCard", ModelCardName="credit", Content="{}")
    assert world.call("DescribeModelCard", ModelCardName="credit")["ModelCardVersion"] == 2


def test_names_are_taken_once_and_free_after_deletion(world: Any) -> None:
    """A used name conflicts; a deleted card is gone with its versions; unknown ones are not found."""
    create(world, Tags=[{"Key": "team", "Value": "risk"}])
    arn = "arn:aws:sagemaker:us-east-1:111122223333:model-card/credit"
    assert world.call("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "risk"}]
    members = {"ModelCardName": "credit", "Content": "{}", "ModelCardStatus": "Draft"}
    assert "already exists" in refused("ConflictException", world, "CreateModelCard", **members)
    world.call("DeleteModelCard", ModelCardName="credit")
    for operation in ("DescribeModelCard", "DeleteModelCard", "ListModelCardVersions"):
        refused("ResourceNotFound", world, operation, ModelCardName="credit")
    create(world)
    assert world.call("DescribeModelCard", ModelCardName="credit")["ModelCardVersion"] == 1


def test_cards_are_listed_by_status_name_and_page(world: Any) -> None:
    """ListModelCards filters by status and name and pages."""
    for index in range(3):
        create(world, name=f"card-{index}", ModelCardStatus="Approved" if index else "Draft")
    listed = world.call("ListModelCards", SortBy="Name", SortOrder="Ascending", ModelCardStatus="Approved")
    assert [s["ModelCardName"] for s in listed["ModelCardSummaries"]] == ["card-1", "card-2"]
    page = world.call("ListModelCards", SortBy="Name", SortOrder="Ascending", MaxResults=2)
    rest = world.call("ListModelCards", SortBy="Name", SortOrder="Ascending", NextToken=page["NextToken"])
    assert [s["ModelCardName"] for s in rest["ModelCardSummaries"]] == ["card-2"]
    assert world.call("ListModelCards", NameContains="none")["ModelCardSummaries"] == []


def test_a_customers_key_is_asked_for_content_only(world: Any) -> None:
    """With a key of the customer reading content needs kms:Decrypt; MetadataOnly does not and hides the rest."""
    create(world, SecurityConfig={"KmsKeyId": KEY})
    assert ("kms:GenerateDataKey", KEY) in world.required
    world.required.clear()
    found = world.call("DescribeModelCard", ModelCardName="credit", IncludedData="MetadataOnly")
    assert world.required == []
    assert found["SecurityConfig"] == {"KmsKeyId": KEY}
    assert json.loads(found["Content"]) == {
        "model_overview": {"model_id": "model-1", "model_name": "credit"},
        "intended_uses": {"risk_rating": "High"},
        "model_package_details": {"model_package_arn": "arn:p"},
    }
    world.call("DescribeModelCard", ModelCardName="credit")
    assert world.required == [("kms:Decrypt", KEY)]


def test_everything_wrong_with_content_is_named(world: Any) -> None:
    """Unknown members, wrong types, sizes and choices are reported together, by path."""
    content = {
        "model_overviev": {},
        "model_overview": {"model_version": 0, "model_name": "n" * 1025},
        "intended_uses": {"risk_rating": "Huge"},
        "evaluation_details": [{"metric_groups": [{"name": "g", "metric_data": [{"name": "a", "type": "matrix"}]}]}],
        "training_details": {"training_job_details": {"training_metrics": [{"name": "auc", "value": "0.9"}]}},
        "additional_information": {"custom_details": {"n": 1}},
    }
    with pytest.raises(ApiError) as caught:
        create(world, content)
    for told in (
        "model_overviev: unknown member",
        "model_overview.model_version: 0 is less than 1",
        "model_overview.model_name: has 1025 characters, allowed are 0 to 1024",
        "intended_uses.risk_rating: 'Huge' is not one of High, Medium, Low, Unknown",
        "evaluation_details[0].name: required member missing",
        "evaluation_details[0].metric_groups[0].metric_data[0].value: required member missing",
        "training_details.training_job_details.training_metrics[0].value: must be a number, not '0.9'",
        "additional_information.custom_details.n: must be a string, not 1",
    ):
        assert told in caught.value.message
    for text in ("", "[]", "not json"):
        with pytest.raises(ApiError):
            create(world, text)
    assert world.call("ListModelCards")["ModelCardSummaries"] == []


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_no_content_makes_the_checker_raise(value: Any) -> None:
    """Any JSON value is either allowed or refused with a ValidationException."""
    for schema in (STANDALONE, OF_PACKAGES):
        with pytest.raises(ApiError, match="Model card content"):
            checked(json.dumps({"evaluation_details": value, "x": 1}), schema)


def test_what_the_api_does_not_have_here_is_unknown(world: Any) -> None:
    """Export jobs are not served."""
    assert "CreateModelCardExportJob" not in world.handlers


# -- the card of a model package


def register(world: Any, **members: Any) -> str:
    """Register a version of a group."""
    if not world.call("ListModelPackageGroups")["ModelPackageGroupSummaryList"]:
        world.call("CreateModelPackageGroup", ModelPackageGroupName="credit")
    made = world.call("CreateModelPackage", ModelPackageGroupName="credit", SourceUri="s3://b/m", **members)
    return str(made["ModelPackageArn"])


def card(content: Any = PACKAGE, status: str = "Draft") -> dict[str, str]:
    """Return a ModelCard member."""
    return {"ModelCardContent": json.dumps(content), "ModelCardStatus": status}


def test_a_package_carries_its_card(world: Any) -> None:
    """Create and Update keep content and status; MetadataOnly leaves the risk rating."""
    arn = register(world, ModelCard=card())
    assert world.call("DescribeModelPackage", ModelPackageName=arn)["ModelCard"] == card()
    world.call("UpdateModelPackage", ModelPackageArn=arn, ModelCard={"ModelCardStatus": "Approved"})
    assert world.call("DescribeModelPackage", ModelPackageName=arn)["ModelCard"] == card(status="Approved")
    brief = world.call("DescribeModelPackage", ModelPackageName=arn, IncludedData="MetadataOnly")
    assert json.loads(brief["ModelCard"]["ModelCardContent"]) == {"intended_uses": {"risk_rating": "High"}}


def test_a_packages_card_has_the_narrower_schema(world: Any) -> None:
    """model_package_details and most of model_overview are not allowed in it, at creation and at updates."""
    with pytest.raises(ApiError) as caught:
        register(world, ModelCard=card(CARD))
    for told in ("model_package_details: unknown member", "model_overview.model_id: unknown member"):
        assert told in caught.value.message
    arn = register(world)
    told = refused("ValidationException", world, "UpdateModelPackage", ModelPackageArn=arn, ModelCard=card(CARD))
    assert "model_package_details: unknown member" in told
    with pytest.raises(ApiError, match="needs ModelCardStatus"):
        register(world, ModelCard={"ModelCardContent": "{}"})


def test_an_archived_package_card_keeps_its_content(world: Any) -> None:
    """Its content is refused with AWS's words; other updates of the package go on."""
    arn = register(world, ModelCard=card(status="Archived"))
    told = refused("ConflictException", world, "UpdateModelPackage", ModelPackageArn=arn, ModelCard=card({}))
    assert told == "Model Card is in Archived state"
    world.call("UpdateModelPackage", ModelPackageArn=arn, ApprovalDescription="fine")
    assert world.call("DescribeModelPackage", ModelPackageName=arn)["ModelCard"] == card(status="Archived")


def test_a_first_card_may_come_later_but_not_without_content(world: Any) -> None:
    """A package without a card takes content; a status alone has nothing to stand for."""
    arn = register(world)
    lone = {"ModelCardStatus": "Approved"}
    assert "needs ModelCardContent" in refused(
        "ValidationException", world, "UpdateModelPackage", ModelPackageArn=arn, ModelCard=lone
    )
    world.call("UpdateModelPackage", ModelPackageArn=arn, ModelCard=card())
    assert world.call("DescribeModelPackage", ModelPackageName=arn)["ModelCard"] == card()


def test_a_life_cycle_is_replaced_whole_and_told(world: Any) -> None:
    """ModelLifeCycle is kept, listed, replaced as a whole and named in the event."""
    arn = register(world, ModelLifeCycle={"Stage": "Build", "StageStatus": "Done", "StageDescription": "by the build"})
    world.call("UpdateModelPackage", ModelPackageArn=arn, ModelLifeCycle={"Stage": "Review", "StageStatus": "Pending"})
    assert world.call("DescribeModelPackage", ModelPackageName=arn)["ModelLifeCycle"] == {
        "Stage": "Review",
        "StageStatus": "Pending",
    }
    event = world.events[-1]
    assert event.detail["UpdatedModelPackageFields"] == ["ModelLifeCycle"]
    assert event.detail["ModelLifeCycle"]["Stage"] == "Review"
    listed = world.call("ListModelPackages", ModelPackageGroupName="credit")["ModelPackageSummaryList"]
    assert listed[0]["ModelLifeCycle"]["StageStatus"] == "Pending"
