from __future__ import annotations

from pathlib import Path

import pytest
from lockgate_checks import PolicyError
from lockgate_checks.policy import load_policy, shipped_policy

from pipeline.config import load_config
from pipeline.run import ROOT

POLICY = ROOT / "policy.yaml"


def test_the_policy_of_this_project_has_no_mistake() -> None:
    """It has the form of a policy, and loosens nothing of the baseline; every mistake is named here."""
    try:
        load_policy(POLICY, shipped_policy("baseline"))
    except PolicyError as mistakes:
        pytest.fail(str(mistakes))


def test_the_policy_limits_facets_that_are_measured() -> None:
    """A limit of a facet that config.toml does not declare would fail every version."""
    facets = load_config(ROOT / "config.toml").data.facets
    for limit in load_policy(POLICY).limits:
        metric, _, of = limit.partition("@")
        facet, equals, value = of.partition("=")
        assert not equals or facet in facets, limit
        segment = metric.startswith("segment_")  # every value of a facet is a segment
        assert not equals or segment or value in {"*", *facets[facet]}, limit


def test_mistakes_are_found_together(tmp_path: Path) -> None:
    """A key that does not exist and a limit looser than the baseline's are both named, each with its line."""
    text = "schema: 1\nname: loose\nlimit: {}\nlimits:\n  auc: {minimum: 0.5}\n"
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "policy.yaml", shipped_policy("baseline"))
    assert [mistake.line for mistake in caught.value.mistakes] == [3, 5]
    assert "the minimum 0.5 is below 0.68 of baseline" in str(caught.value)
