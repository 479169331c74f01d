"""A template's form: sections, quotas, attributes, and that everything it refers to exists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lockgate_twin.cloudformation import references
from lockgate_twin.cloudformation.template import parse
from lockgate_twin.errors import ApiError, NotImplementedByTwin

TOPIC = {"Type": "AWS::SNS::Topic"}


def read(**sections: Any) -> None:
    """Parse and check a template with one topic."""
    references.check(parse(json.dumps({"Resources": {"Topic": TOPIC}, **sections})))


def test_a_whole_template_is_read() -> None:
    """Sections become values; defaults are filled in."""
    template = parse(
        "Description: d\nResources: {A: {Type: T, DependsOn: B, DeletionPolicy: Retain}, B: {Type: T, Condition: C}}"
    )
    assert template.description == "d"
    assert template.resources["A"].depends_on == ("B",)
    assert template.resources["A"].deletion_policy == "Retain"
    assert template.resources["B"].condition == "C"
    assert template.resources["B"].deletion_policy == "Delete"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Resources": {}}, "At least one Resources member must be defined."),
        ({"Resource": {}}, "Invalid template property or properties [Resource]"),
        ({"Resources": {"a-b": TOPIC}}, "Resource name a-b is non alphanumeric."),
        ({"Resources": {"A": {"Properties": {}}}}, "[/Resources/A] Every Resources object must contain a Type member."),
        ({"Resources": {"A": {**TOPIC, "Tags": []}}}, "Invalid template resource property 'Tags'"),
        ({"Resources": {"A": {**TOPIC, "DeletionPolicy": "Keep"}}}, "does not support DeletionPolicy Keep"),
        ({"Resources": {"A": {**TOPIC, "Properties": {"X": None}}}}, "[/Resources/A/Properties/X] 'null' values"),
        (
            {"Resources": {"A": {**TOPIC, "Properties": {"DisplayName": {"Ref": "Nowhere"}}}}},
            "Unresolved resource dependencies [Nowhere] in the Resources block",
        ),
        ({"Resources": {"A": {**TOPIC, "DependsOn": "B"}}}, "Unresolved resource dependencies [B]"),
        (
            {"Outputs": {"O": {"Value": {"Ref": "Nowhere"}}}},
            "Unresolved resource dependencies [Nowhere] in the Outputs block",
        ),
        (
            {"Outputs": {"O": {"Value": {"Fn::Sub": "${Nowhere.Arn}"}}}},
            "instance of Fn::GetAtt references undefined resource Nowhere",
        ),
        ({"Outputs": {"O": {"Description": "d"}}}, "Every Outputs member must contain a Value object"),
        ({"Resources": {"A": {**TOPIC, "Condition": "C"}}}, "Unresolved condition dependency C"),
        ({"Conditions": {"C": {"Fn::Equals": [{"Ref": "Topic"}, "x"]}}}, "Unresolved dependencies [Topic]"),
        ({"Resources": {f"R{i}": TOPIC for i in range(501)}}, "501, is greater than maximum allowed, 500"),
        ({"Description": "x" * 1_000_001}, "Template may not exceed 1000000 bytes in size."),
    ],
)
def test_a_malformed_template_is_refused(sections: dict[str, Any], message: str) -> None:
    """Each defect is refused in CloudFormation's words."""
    with pytest.raises(ApiError) as refused:
        read(**sections)
    assert refused.value.code == "ValidationError"
    assert message in refused.value.message


@pytest.mark.parametrize(
    "sections",
    [
        {"Transform": "AWS::Serverless-2016-10-31"},
        {"Resources": {"A": {**TOPIC, "UpdatePolicy": {}}}},
    ],
)
def test_what_the_twin_lacks_is_refused_by_name(sections: dict[str, Any]) -> None:
    """Transforms and attributes the twin does not have are never ignored."""
    with pytest.raises(NotImplementedByTwin, match="is not implemented by the twin"):
        read(**sections)


def test_a_sound_template_passes() -> None:
    """References to parameters, pseudo parameters, resources and variables of Fn::Sub are all resolved."""
    read(
        Parameters={"P": {"Type": "String"}},
        Conditions={"C": {"Fn::Equals": [{"Ref": "P"}, "x"]}},
        Outputs={
            "O": {
                "Condition": "C",
                "Value": {"Fn::Sub": ["${P} ${AWS::Region} ${Topic.TopicArn} ${v} ${!not}", {"v": {"Ref": "Topic"}}]},
            }
        },
    )
