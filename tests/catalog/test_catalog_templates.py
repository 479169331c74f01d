"""The two templates as they leave the repository: the router inlined, the project's settings filled."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import ConfigurationError
from catalog.hub_template import LONGEST, render_hub_template
from catalog.project_template import SETTINGS, fill_settings, template_mistakes
from tests.catalog.hub import HUB_FILE, ROUTER_FILE, hub, rendered_hub
from tests.support.template_rules import load_template

PROJECT = Path(__file__).parents[2] / "templates" / "versions" / "0.1.0" / "project.template.yaml"


def test_the_rendered_hub_holds_the_router_verbatim() -> None:
    """The function's code is the tested source, character by character."""
    code = hub()["Resources"]["Router"]["Properties"]["Code"]["ZipFile"]
    assert code == ROUTER_FILE.read_text(encoding="utf-8")


def test_the_rendered_hub_is_short_enough_for_cloudformation() -> None:
    """CreateStack takes 51,200 bytes; there is no bucket yet from which it could take more."""
    assert len(rendered_hub().encode()) <= LONGEST


def test_rendering_changes_nothing_but_the_code() -> None:
    """Without comments and with the router in place, the template says what the committed file says."""
    committed, rendered = load_template(HUB_FILE), copy.deepcopy(hub())
    rendered["Resources"]["Router"]["Properties"]["Code"]["ZipFile"] = "set-at-publish"
    assert rendered == committed


@pytest.mark.parametrize("template", ["Resources: {}\n", "  ZipFile: set-at-publish\n" * 2])
def test_a_hub_without_one_place_for_the_router_is_refused(template: str) -> None:
    """A hub whose router does nothing must not be deployed."""
    with pytest.raises(ConfigurationError, match="it needs exactly one"):
        render_hub_template(template, "code")


def test_a_hub_that_is_too_long_is_refused() -> None:
    """Before CloudFormation does, with the figures."""
    with pytest.raises(ConfigurationError, match="CloudFormation takes 51200"):
        render_hub_template("  ZipFile: set-at-publish\n", "x" * LONGEST)


def test_cfn_lint_finds_nothing_in_the_hub() -> None:
    """Neither errors nor warnings in the template as it is deployed."""
    findings = lint(rendered_hub(), config=ManualArgs(regions=["us-east-1"]))
    assert [str(finding) for finding in findings] == []


def test_the_committed_project_template_leaves_exactly_the_settings_open() -> None:
    """Each of the six stands there once."""
    assert template_mistakes(PROJECT.read_text(encoding="utf-8"), PROJECT.name) == []


def test_the_committed_project_template_is_filled(tmp_path: Path) -> None:
    """Parsed, the copy differs from the committed template in the mapping only."""
    settings = {key: f"arn:aws:x:::{key}/1" for key in SETTINGS}
    copy = tmp_path / "copy.yaml"
    copy.write_text(fill_settings(PROJECT.read_text(encoding="utf-8"), settings), encoding="utf-8")
    committed, filled = load_template(PROJECT), load_template(copy)
    assert filled.pop("Mappings") == {"Hub": {"Settings": settings}}
    committed.pop("Mappings")
    assert filled == committed


@given(st.sets(st.sampled_from(SETTINGS), max_size=5), st.sampled_from(["", '"', "'"]))
def test_a_template_that_leaves_too_little_open_is_refused(present: set[str], quote: str) -> None:
    """Every missing setting is named, however values are quoted."""
    text = "".join(f"  {key}: {quote}set-at-publish{quote}\n" for key in sorted(present))
    missing = [key for key in SETTINGS if key not in present]
    with pytest.raises(ConfigurationError) as error:
        fill_settings(text, {})
    assert len(error.value.mistakes) == len(missing)
    assert all(key in " ".join(error.value.mistakes) for key in missing)


def test_an_unknown_setting_is_refused() -> None:
    """A template of another hub's making would be filled only half."""
    text = "".join(f"{key}: set-at-publish\n" for key in (*SETTINGS, "VpcId"))
    assert template_mistakes(text, "t.yaml") == ["t.yaml: 'VpcId: set-at-publish' is no setting of the hub."]
