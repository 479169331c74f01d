"""What an update would do, decided without touching anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lockgate_twin.cloudformation.blueprint import Blueprint, Identity
from lockgate_twin.cloudformation.changes import Action, is_different, plan
from lockgate_twin.cloudformation.stack import Options, Resource, Stack
from lockgate_twin.cloudformation.template import parse
from lockgate_twin.ports import utc_now

IDENTITY = Identity("shop", "arn:aws:cloudformation:us-east-1:111122223333:stack/shop/1", "111122223333", "us-east-1")


def note(value: Any = "1", **properties: Any) -> dict[str, Any]:
    """Return a parameter resource without a name of its own."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **properties}}


def blueprint(tags: dict[str, str] | None = None, **resources: Any) -> Blueprint:
    """Return a blueprint of these resources."""
    return Blueprint(identity=IDENTITY, template=parse(json.dumps({"Resources": resources})), tags=tags or {})


def stack(made: Blueprint, status: str = "CREATE_COMPLETE") -> Stack:
    """Return a stack in which everything of a blueprint is made."""
    attributes: dict[str, Any] = {}
    listed: dict[str, Resource] = {}
    for name in made.order:
        properties, _ = made.properties(name, attributes)
        attributes[name] = {"Ref": f"{name}-id", "Value": properties["Value"]}
        listed[name] = Resource(
            definition=made.definitions[name],
            status=status,
            updated=utc_now(),
            physical_id=f"{name}-id",
            properties=properties,
            attributes=attributes[name],
        )
    return Stack(
        identity=IDENTITY, blueprint=made, options=Options(), status=status, created=utc_now(), resources=listed
    )


def actions(before: Blueprint, after: Blueprint) -> dict[str, tuple[Action, tuple[str, ...]]]:
    """Plan an update and return what is done to what, and to which properties."""
    return {change.logical_id: (change.action, change.changed) for change in plan(stack(before), after)}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (note(), {}),
        (note("2"), {"A": (Action.UPDATE, ("Value",))}),
        (note(Name="n"), {"A": (Action.REPLACE, ("Name",))}),
        ({**note(), "Metadata": {"a": 1}}, {"A": (Action.UPDATE, ())}),
        (note(Description="d", Value="3"), {"A": (Action.UPDATE, ("Value", "Description"))}),
    ],
)
def test_a_change_is_an_update_or_a_replacement(after: dict[str, Any], expected: dict[str, Any]) -> None:
    """Create-only properties replace, others update; the same properties are left alone."""
    assert actions(blueprint(A=note()), blueprint(A=after)) == expected


def test_resources_come_and_go() -> None:
    """What is new is added, what is no longer there is removed."""
    found = actions(blueprint(A=note(), B=note()), blueprint(A=note(), C=note()))
    assert found == {"C": (Action.CREATE, ()), "B": (Action.DELETE, ())}


def test_what_refers_to_a_replaced_resource_changes_too() -> None:
    """A dependent's new value is not known before the replacement exists, but that it changes is."""
    before = blueprint(A=note(), B=note({"Ref": "A"}), C=note({"Fn::GetAtt": ["B", "Value"]}))
    after = blueprint(A=note(Name="n"), B=note({"Ref": "A"}), C=note({"Fn::GetAtt": ["B", "Value"]}))
    assert actions(before, after) == {"A": (Action.REPLACE, ("Name",)), "B": (Action.UPDATE, ("Value",))}
    named = blueprint(A=note(Name="n"), B=note(Name={"Ref": "A"}))
    change = plan(stack(blueprint(A=note(), B=note(Name={"Ref": "A"}))), named)[1]
    assert (change.action, change.certain) == (Action.REPLACE, False)


def test_only_differences_count_as_an_update() -> None:
    """Tags, policies and resources make a difference; a resource that failed is tried again."""
    before = stack(blueprint(A=note()))
    assert not is_different(before, blueprint(A=note()))
    assert is_different(before, blueprint(A=note("2")))
    assert is_different(before, blueprint({"k": "v"}, A=note()))
    assert is_different(before, blueprint(A={**note(), "DeletionPolicy": "Retain"}))
    assert is_different(stack(blueprint(A=note()), "UPDATE_FAILED"), blueprint(A=note()))
