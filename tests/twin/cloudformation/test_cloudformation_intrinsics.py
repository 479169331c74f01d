"""Intrinsic functions: values, refusals, and values not known yet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.cloudformation.intrinsics import NO_VALUE, Scope, Unknown, resolve, unknowns
from lockgate_twin.errors import ApiError, NotImplementedByTwin

SCOPE = Scope(
    values={"Name": "shop", "Many": ["a", "b"], "AWS::Region": "us-east-1", "AWS::NoValue": NO_VALUE, "Flag": True},
    mappings={"Hub": {"Settings": {"Key": "k", "List": ["x", "y"]}}},
    conditions={"Yes": True, "No": False},
    resources={"Bucket": {"Ref": "shop-bucket", "Arn": "arn:aws:s3:::shop-bucket"}},
    pending=frozenset({"Queue"}),
    exports={"shared": "value"},
)
EXTENDED = Scope(values=SCOPE.values, mappings=SCOPE.mappings, extended=True)
PLAIN = st.text(st.characters(blacklist_characters="${}", blacklist_categories=["Cs"]))


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "Name"}, "shop"),
        ({"Ref": "Bucket"}, "shop-bucket"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::shop-bucket"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "arn:aws:s3:::shop-bucket"),
        ({"Fn::Sub": "${Name}/${Bucket.Arn}/${!Literal}"}, "shop/arn:aws:s3:::shop-bucket/${Literal}"),
        ({"Fn::Sub": ["${v}-${Flag}", {"v": {"Ref": "Bucket"}}]}, "shop-bucket-true"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 1]]}, "a-shop-1"),
        ({"Fn::Join": [",", {"Ref": "Many"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Ref": "Many"}]}, "b"),
        ({"Fn::Split": [":", {"Fn::GetAtt": ["Bucket", "Arn"]}]}, ["arn", "aws", "s3", "", "", "shop-bucket"]),
        ({"Fn::FindInMap": ["Hub", "Settings", "Key"]}, "k"),
        ({"Fn::FindInMap": ["Hub", "Settings", "List"]}, ["x", "y"]),
        ({"Fn::If": ["Yes", 1, {"Ref": "Nowhere"}]}, 1),
        ({"Fn::Base64": {"Ref": "Name"}}, "c2hvcA=="),
        ({"Fn::ImportValue": {"Fn::Sub": "shared"}}, "value"),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"Ref": "Name", "other": 1}, {"Ref": "Name", "other": 1}),
        ({"Condition": {"StringEquals": {"a": {"Ref": "Name"}}}}, {"Condition": {"StringEquals": {"a": "shop"}}}),
    ],
)
def test_a_function_gives_its_value(value: Any, result: Any) -> None:
    """Each function is evaluated; data that only resembles one is left alone."""
    assert resolve(value, SCOPE) == result


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Nowhere"}, "Unresolved resource dependencies [Nowhere]"),
        ({"Fn::GetAtt": ["Bucket", "Colour"]}, "resource Bucket does not support attribute type Colour in Fn::GetAtt"),
        ({"Fn::GetAtt": "Bucket"}, "every Fn::GetAtt object requires two non-empty parameters"),
        ({"Fn::Sub": {"a": "b"}}, "Fn::Sub intrinsic functions don't specify expected arguments"),
        ({"Fn::Sub": "${Many}"}, "every value in Fn::Sub must be a string"),
        ({"Fn::Join": ["-", "text"]}, "every Fn::Join object requires two parameters"),
        ({"Fn::Select": [2, ["a", "b"]]}, "Fn::Select cannot select nonexistent value at index 2"),
        ({"Fn::FindInMap": ["Hub", "Settings", "None"]}, "Unable to get mapping for Hub::Settings::None"),
        ({"Fn::If": ["Maybe", 1, 2]}, "unresolved condition dependency Maybe in Fn::If"),
        ({"Fn::ImportValue": "absent"}, "No export named absent found."),
        ({"Fn::Foo": 1}, "Encountered unsupported function: Fn::Foo"),
        ({"Fn::Length": [1]}, "Encountered unsupported function: Fn::Length"),
    ],
)
def test_a_wrong_function_is_refused(value: Any, message: str) -> None:
    """Wrong arguments and unknown functions are refused in CloudFormation's words."""
    with pytest.raises(ApiError) as refused:
        resolve(value, SCOPE)
    assert message in refused.value.message


def test_the_language_extensions_add_functions() -> None:
    """With the transform, Length, ToJsonString and a default for FindInMap work."""
    assert resolve({"Fn::Length": {"Ref": "Many"}}, EXTENDED) == 2
    assert resolve({"Fn::ToJsonString": {"a": {"Ref": "Name"}}}, EXTENDED) == '{"a":"shop"}'
    default = [*("Hub", "Settings", "None"), {"DefaultValue": "d"}]
    assert resolve({"Fn::FindInMap": default}, EXTENDED) == "d"


def test_functions_the_twin_lacks_are_named() -> None:
    """A function of AWS that the twin does not have is refused as such."""
    with pytest.raises(NotImplementedByTwin, match="Fn::GetAZs"):
        resolve({"Fn::GetAZs": ""}, SCOPE)


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Queue"},
        {"Fn::GetAtt": ["Queue", "Arn"]},
        {"Fn::Sub": "${Name}-${Queue.Arn}"},
        {"Fn::Sub": ["${v}", {"v": {"Ref": "Queue"}}]},
        {"Fn::Join": ["", ["a", {"Ref": "Queue"}]]},
        {"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "Queue"}]}]},
        {"Fn::Base64": {"Ref": "Queue"}},
    ],
)
def test_what_depends_on_a_pending_resource_is_unknown(value: Any) -> None:
    """A function of an unknown value is unknown, and says which resource it waits for."""
    assert resolve(value, SCOPE) == Unknown(frozenset({"Queue"}))
    assert unknowns({"a": [resolve(value, SCOPE), "known"]}) == {"Queue"}


@given(st.lists(PLAIN.filter(lambda text: "|" not in text), min_size=1))
def test_split_undoes_join(parts: list[str]) -> None:
    """Splitting what was joined gives the parts back."""
    assert resolve({"Fn::Split": ["|", {"Fn::Join": ["|", parts]}]}, SCOPE) == parts


@given(PLAIN, st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), PLAIN, max_size=4))
def test_sub_replaces_exactly_its_placeholders(text: str, variables: dict[str, str]) -> None:
    """Text without placeholders stays; variables appear where their names stood."""
    template = text + "".join(f"<${{{name}}}>" for name in variables)
    expected = text + "".join(f"<{value}>" for value in variables.values())
    assert resolve({"Fn::Sub": [template, dict(variables)]}, SCOPE) == expected
