"""The order of resources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.cloudformation.graph import dependencies, levels, order
from lockgate_twin.cloudformation.template import ResourceDefinition
from lockgate_twin.errors import ApiError


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    """Draw dependencies in which a resource only needs ones with smaller numbers."""
    size = draw(st.integers(1, 12))
    return {f"R{i}": frozenset(f"R{j}" for j in draw(st.sets(st.integers(0, i - 1))) if i) for i in range(1, size)}


@given(acyclic())
def test_a_resource_comes_after_all_it_needs(needs: dict[str, frozenset[str]]) -> None:
    """Every resource is ordered once, after those it needs, and no level needs itself."""
    sequence = order(needs)
    assert sorted(sequence) == sorted(needs)
    for name, others in needs.items():
        assert all(sequence.index(other) < sequence.index(name) for other in others & needs.keys())
    for level in levels(needs):
        assert all(not needs[name] & set(level) for name in level)


def test_a_circle_is_refused_with_its_members_alone() -> None:
    """Resources that only hang on the circle are not blamed."""
    needs = {"A": {"B"}, "B": {"C"}, "C": {"B"}, "D": set(), "E": {"D", "C"}}
    with pytest.raises(ApiError) as refused:
        order({name: frozenset(others) for name, others in needs.items()})
    assert refused.value.message == "Circular dependency between resources: [B, C]"


def test_dependencies_are_references_and_depends_on() -> None:
    """Ref, GetAtt, Sub and DependsOn count; so does only the chosen branch of Fn::If."""
    properties = {
        "a": {"Ref": "A"},
        "b": {"Fn::GetAtt": ["B", "Arn"]},
        "c": {"Fn::Sub": "${C}-${D.Arn}-${!X}-${AWS::Region}"},
        "e": {"Fn::If": ["Yes", {"Ref": "E"}, {"Ref": "F"}]},
    }
    definitions = {name: ResourceDefinition(logical_id=name, type="T", properties={}) for name in "ABCDEFGX"}
    definitions["Z"] = ResourceDefinition(logical_id="Z", type="T", properties=properties, depends_on=("G", "Absent"))
    assert dependencies(definitions, {"Yes": True})["Z"] == frozenset("ABCDEG")
