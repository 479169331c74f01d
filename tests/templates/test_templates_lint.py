"""cfn-lint and cdk-nag find nothing in the template, and what they overlook is reasoned and does not grow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint

from templates.permissions import acknowledgements
from tests.support.template_rules import identity_statements

ACKNOWLEDGEMENTS = 17  # a ratchet: lower it when a pattern goes, do not raise it


def findings(text: str) -> list[str]:
    """What cfn-lint finds in a template of our region."""
    return [f"{match.rule.id} {match.message}" for match in lint(text, regions=["us-east-1"])]


def test_the_committed_template_is_clean(committed: Path) -> None:
    """cfn-lint has no error and no warning about the committed file."""
    assert findings(committed.read_text(encoding="utf-8")) == []


def test_the_published_template_is_clean(published: dict[str, Any]) -> None:
    """With the hub's values in place and every rule on, cfn-lint has no error and no warning either."""
    metadata = {key: value for key, value in published["Metadata"].items() if key != "cfn-lint"}
    assert findings(yaml.safe_dump(published | {"Metadata": metadata})) == []


def test_the_linter_sees_a_value_that_is_no_arn(published: dict[str, Any]) -> None:
    """A wrong value of the hub is found in the published form: the test above is able to fail."""
    settings = published["Mappings"]["Hub"]["Settings"] | {"KmsKeyArn": "not-an-arn"}
    metadata = {key: value for key, value in published["Metadata"].items() if key != "cfn-lint"}
    wrong = published | {"Mappings": {"Hub": {"Settings": settings}}, "Metadata": metadata}
    assert any(finding.startswith("W1034") for finding in findings(yaml.safe_dump(wrong)))


def nag_violations(folder: Path, *, bare_bucket: bool) -> dict[str, list[str]]:
    """Synthesize the product with cdk-nag's AwsSolutions rules and return the violated rules by construct."""
    from aws_cdk import Validations, aws_s3
    from cdk_nag import AwsSolutionsChecks

    from templates.product import add_product
    from templates.settings import Settings
    from templates.synthesis import new_app

    app = new_app(str(folder))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = add_product(app, Settings())
    if bare_bucket:
        aws_s3.CfnBucket(stack, "Bare")
        with pytest.raises(RuntimeError, match="ValidationFailed"):
            app.synth()
    else:
        app.synth()
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for violation in (violation for plugin in report["pluginReports"] for violation in plugin["violations"]):
        for construct in violation["violatingConstructs"]:
            found.setdefault(construct["constructPath"], []).append(violation["ruleName"])
    return found


def test_nothing_is_left_for_cdk_nag(tmp_path: Path) -> None:
    """cdk-nag's AwsSolutions rules have no finding that is not acknowledged."""
    assert nag_violations(tmp_path, bare_bucket=False) == {}


def test_cdk_nag_sees_a_bare_bucket(tmp_path: Path) -> None:
    """A bucket without protection added to the product fails the synthesis, and nothing else is reported."""
    found = nag_violations(tmp_path, bare_bucket=True)
    assert list(found) == ["LockgateProject/Bare"]
    assert {"AwsSolutions-S1", "AwsSolutions-S10"} <= set(found["LockgateProject/Bare"])


def test_acknowledgements_are_granular_and_needed(template: dict[str, Any]) -> None:
    """Each acknowledgement is for one pattern that is really granted and has a reason; each such pattern has one."""
    granted = {
        (resource["Fn::Sub"] if isinstance(resource, dict) else resource).replace("${", "<").replace("}", ">")
        for statement in identity_statements(template)
        if statement.allows
        for resource in statement.resources
        if "*" in str(resource)
    }
    assert set(acknowledgements()) == {f"AwsSolutions-IAM5[Resource::{pattern}]" for pattern in granted}
    assert all(len(reason.split()) >= 4 for reason in acknowledgements().values())


def test_acknowledgements_do_not_grow() -> None:
    """The number of acknowledged patterns only falls."""
    assert len(acknowledgements()) == ACKNOWLEDGEMENTS
