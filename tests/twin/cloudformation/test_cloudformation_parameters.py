"""Parameters: types, defaults, constraints, previous values."""

from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.cloudformation.parameters import Parameter, bind, check_declarations
from lockgate_twin.errors import ApiError, NotImplementedByTwin


def never(name: str) -> str:
    """Stand for a parameter store that must not be asked."""
    raise AssertionError(name)


def bound(declaration: dict[str, Any], value: str | None = None) -> Parameter:
    """Bind one parameter."""
    check_declarations({"P": declaration})
    given = [] if value is None else [{"ParameterKey": "P", "ParameterValue": value}]
    return bind({"P": declaration}, given, {}, {"/name": "a,b"}.__getitem__)["P"]


@pytest.mark.parametrize(
    ("declaration", "given", "value"),
    [
        ({"Type": "String"}, "text", "text"),
        ({"Type": "String", "Default": True}, None, "true"),
        ({"Type": "Number", "Default": 3}, None, "3"),
        ({"Type": "CommaDelimitedList"}, "a, b", ["a", "b"]),
        ({"Type": "List<Number>", "MaxValue": 2}, "1,2", ["1", "2"]),
        ({"Type": "AWS::SSM::Parameter::Value<String>"}, "/name", "a,b"),
        ({"Type": "AWS::SSM::Parameter::Value<List<String>>"}, "/name", ["a", "b"]),
        ({"Type": "String", "AllowedPattern": "^[a-z](-*[a-z])*"}, "a-b", "a-b"),
    ],
)
def test_a_parameter_has_a_typed_value(declaration: dict[str, Any], given: str | None, value: Any) -> None:
    """Ref gives text, lists for list types, and what the parameter store holds for its types."""
    assert bound(declaration, given).value == value


@pytest.mark.parametrize(
    ("declaration", "given", "message"),
    [
        ({"Type": "String"}, None, "Parameters: [P] must have values"),
        ({"Type": "String", "AllowedValues": ["a"]}, "b", "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc1", "Parameter 'P' must match pattern [a-z]+"),
        ({"Type": "String", "MinLength": 2}, "a", "Parameter 'P' must contain at least 2 characters"),
        ({"Type": "String", "MaxLength": "2"}, "abc", "Parameter 'P' must contain at most 2 characters"),
        ({"Type": "Number"}, "many", "Parameter 'P' must be a number"),
        ({"Type": "Number"}, "nan", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 1}, "0", "Parameter 'P' must be a number not less than 1"),
        ({"Type": "Number", "MaxValue": 1}, "2", "Parameter 'P' must be a number not greater than 1"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "lower case only"},
            "A",
            "Parameter P failed to satisfy constraint: lower case only",
        ),
        ({"Type": "Text"}, "a", "Unrecognized parameter type: Text"),
        ({"Type": "String", "Pattern": "a"}, "a", "Invalid template parameter property 'Pattern'"),
        ({"Type": "String", "AllowedPattern": "["}, "a", "AllowedPattern of P is not a regular expression"),
    ],
)
def test_a_wrong_parameter_is_refused(declaration: dict[str, Any], given: str | None, message: str) -> None:
    """Each broken constraint is refused in CloudFormation's words."""
    with pytest.raises(ApiError) as refused:
        bound(declaration, given)
    assert message in refused.value.message


def test_all_mistakes_are_reported_together() -> None:
    """Two wrong values are told in one refusal."""
    declared: dict[str, dict[str, Any]] = {"A": {"Type": "Number"}, "B": {"Type": "String", "MinLength": 3}}
    given = [{"ParameterKey": "A", "ParameterValue": "x"}, {"ParameterKey": "B", "ParameterValue": "x"}]
    with pytest.raises(ApiError) as refused:
        bind(declared, given, {}, never)
    assert refused.value.message.splitlines() == [
        "Parameter 'A' must be a number",
        "Parameter 'B' must contain at least 3 characters",
    ]


def test_an_unknown_parameter_is_refused() -> None:
    """A value for a parameter that the template does not have is refused."""
    with pytest.raises(ApiError, match=r"Parameters: \[X\] do not exist in the template"):
        bind({}, [{"ParameterKey": "X", "ParameterValue": "1"}], {}, never)


def test_the_previous_value_is_used_only_when_asked_for() -> None:
    """UsePreviousValue keeps the value; saying nothing falls back to the default."""
    declared = {"P": {"Type": "String", "Default": "new"}}
    previous = bind(declared, [{"ParameterKey": "P", "ParameterValue": "old"}], {}, never)
    kept = bind(declared, [{"ParameterKey": "P", "UsePreviousValue": True}], previous, never)
    assert kept["P"].value == "old"
    assert bind(declared, [], previous, never)["P"].value == "new"


def test_a_no_echo_value_is_masked() -> None:
    """DescribeStacks never shows the value of a NoEcho parameter."""
    assert bound({"Type": "String", "NoEcho": "true"}, "secret").described() == {
        "ParameterKey": "P",
        "ParameterValue": "****",
    }
    shown = bound({"Type": "AWS::SSM::Parameter::Value<String>"}, "/name").described()
    assert shown == {"ParameterKey": "P", "ParameterValue": "/name", "ResolvedValue": "a,b"}


def test_types_of_other_services_are_named() -> None:
    """A parameter type that needs EC2 is refused as not implemented, not accepted unchecked."""
    with pytest.raises(NotImplementedByTwin, match="AWS::EC2::VPC::Id"):
        check_declarations({"P": {"Type": "AWS::EC2::VPC::Id"}})
