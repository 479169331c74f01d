"""Templates' text: YAML with short forms, JSON, and what is refused."""

from __future__ import annotations

import json

import pytest
from lockgate_twin.cloudformation.documents import load
from lockgate_twin.errors import ApiError


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Bucket", {"Ref": "Bucket"}),
        ("!GetAtt Bucket.Arn", {"Fn::GetAtt": ["Bucket", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!GetAtt [Bucket, Arn]", {"Fn::GetAtt": ["Bucket", "Arn"]}),
        ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        (
            "!If [C, !Ref A, !Ref 'AWS::NoValue']",
            {"Fn::If": ["C", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]},
        ),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!Select [0, !Split [',', 'a,b']]", {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}),
        ("!FindInMap [M, a, b]", {"Fn::FindInMap": ["M", "a", "b"]}),
        (
            "!And [!Equals [a, b], !Condition C]",
            {"Fn::And": [{"Fn::Equals": ["a", "b"]}, {"Condition": "C"}]},
        ),
        (
            "!Not [!Or [!Condition A, !Condition B]]",
            {"Fn::Not": [{"Fn::Or": [{"Condition": "A"}, {"Condition": "B"}]}]},
        ),
        ("!Base64 text", {"Fn::Base64": "text"}),
        ("!ImportValue name", {"Fn::ImportValue": "name"}),
    ],
)
def test_a_short_form_means_its_long_form(short: str, long: object) -> None:
    """Every short-form tag becomes the function it stands for."""
    assert load(f"Value: {short}") == {"Value": long}


def test_dates_stay_text() -> None:
    """A version written without quotes is text, not a date."""
    assert load("Version: 2012-10-17") == {"Version": "2012-10-17"}


def test_json_is_read_as_json() -> None:
    """A body that begins with a brace is JSON."""
    assert load(json.dumps({"A": {"Ref": "B"}})) == {"A": {"Ref": "B"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A: [1, 2\nB: 3", "Template format error: YAML not well-formed. (line 2"),
        ('{"A": 1,}', "Template format error: JSON not well-formed. (line 1, column "),
        ("just text", "Template format error: unsupported structure."),
        ("", "Template format error: unsupported structure."),
        ("A: &x {B: 1}\nC: *x", "YAML aliases are not allowed"),
        ("A: !!python/object:os.system {}", "YAML not well-formed"),
    ],
)
def test_what_is_not_a_template_is_refused(text: str, message: str) -> None:
    """Malformed text, aliases and foreign tags are refused by name and place."""
    with pytest.raises(ApiError) as refused:
        load(text)
    assert refused.value.code == "ValidationError"
    assert message in refused.value.message
