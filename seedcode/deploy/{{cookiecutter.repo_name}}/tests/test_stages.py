from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, VALUES

from deploy.environment import read_environment, read_task
from deploy.errors import ConfigurationError
from deploy.stages import STAGES, load_stages

STAGE = """
[{name}]
instance_type = "ml.m5.large"
instance_count = 1
data_capture_percentage = 0
retrain_on_drift = false
[{name}.test]
rows_per_request = 200
single_row_requests = 40
max_score_difference = 0.00001
max_auc_difference = 0.001
max_p95_milliseconds = 1000
"""
GOOD = STAGE.format(name="staging") + STAGE.format(name="prod")


def test_this_repository_is_configured_correctly() -> None:
    """stages.toml has both stages and no mistake."""
    assert tuple(load_stages(ROOT / "stages.toml")) == STAGES


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    """A wrong type, a missing key, unknown names and an impossible value are six lines of one error."""
    text = GOOD.replace("rows_per_request", "rows", 1).replace("percentage = 0", "percentage = 101", 1)
    text = text.replace("drift = false", "drift = 'yes'", 1)
    (tmp_path / "stages.toml").write_text(
        text.replace("count = 1", "count = 0", 1) + "\n[test]\n", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_stages(tmp_path / "stages.toml")
    assert caught.value.mistakes == (
        "[test] is not a known stage",
        "staging.instance_count must be a whole number of at least 1, not 0",
        "staging.data_capture_percentage must be a whole number from 0 to 100, not 101",
        "staging.retrain_on_drift must be true or false, not 'yes'",
        "staging.test.rows is not a known key",
        "staging.test.rows_per_request is missing",
    )


def test_a_missing_stage_is_named(tmp_path: Path) -> None:
    """A file without production is refused before anything is deployed."""
    (tmp_path / "stages.toml").write_text(STAGE.format(name="staging"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"section \[prod\] is missing"):
        load_stages(tmp_path / "stages.toml")


def test_the_environment_is_read_completely() -> None:
    """Every variable that is missing is named, and a task needs a known mode and stage."""
    with pytest.raises(ConfigurationError) as caught:
        read_environment({**VALUES, "MODEL_PACKAGE_ARN": "", "KMS_KEY_ARN": ""})
    assert caught.value.mistakes == ("MODEL_PACKAGE_ARN is not set", "KMS_KEY_ARN is not set")
    assert read_task({"MODE": "test", "STAGE": "prod"}, STAGES).stage == "prod"
    with pytest.raises(
        ConfigurationError, match=r"MODE must be .*\n.*STAGE must be one of staging, prod, not 'dev'"
    ):
        read_task({"MODE": "guess", "STAGE": "dev"}, STAGES)
