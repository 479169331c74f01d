from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.environment import RETRAIN, VARIABLES, read_environment
from pipeline.errors import ConfigurationError
from pipeline.run import ROOT, read_data

GOOD = """
[data]
location = "data/arrests.csv"
label = "released"
positive_label = "Yes"
numeric_features = ["age"]
categorical_features = ["sex"]
facets = { colour = ["Black"] }
[split]
validation_fraction = 0.2
test_fraction = 0.25
seed = 20
[training]
num_boost_round = 60
max_depth = 3
eta = 0.1
subsample = 1.0
min_child_weight = 1
nthread = 2
seed = 7
[quality]
auc_threshold = 0.7
cutoff = 0.5
[instances]
processing = "ml.m5.large"
training = "ml.m5.large"
"""


def test_this_repository_is_configured_correctly() -> None:
    """config.toml has no mistake and its data is there."""
    config = load_config(ROOT / "config.toml")
    assert config.data.is_remote or read_data(ROOT, config)


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    """An unknown key, a wrong type, a missing key and an unknown section are four lines of one error."""
    text = GOOD.replace("max_depth = 3", 'max_depth = "deep"\nmax_dept = 3').replace("seed = 20", "")
    with pytest.raises(ConfigurationError) as caught:
        load_config(written(tmp_path, text + "\n[extra]\n"))
    assert caught.value.mistakes == (
        "[extra] is not a known section",
        "split.seed is missing",
        "training.max_dept is not a known key",
        "training.max_depth must be a whole number",
    )


def test_impossible_values_are_reported_together(tmp_path: Path) -> None:
    """Values of the right type that cannot work are named too."""
    text = GOOD.replace("test_fraction = 0.25", "test_fraction = 0.9").replace("eta = 0.1", "eta = 0.0")
    text = text.replace('["age"]', '["age", "released"]').replace('"ml.m5.large"', '"m5"', 1)
    with pytest.raises(ConfigurationError) as caught:
        load_config(written(tmp_path, text))
    assert [mistake.split(" ")[0] for mistake in caught.value.mistakes] == [
        "split.validation_fraction",
        "training.eta",
        "instances.processing",
        "data.label",
    ]


@pytest.mark.parametrize("facets", ['"Black"', "{}", "{ colour = [] }", '{ colour = "Black" }'])
def test_facets_are_columns_with_values(facets: str, tmp_path: Path) -> None:
    """Without a column, or without a value of it, there is nothing to watch."""
    with pytest.raises(ConfigurationError, match=r"data\.facets must be columns with lists of values"):
        load_config(written(tmp_path, GOOD.replace('{ colour = ["Black"] }', facets)))


def test_the_label_is_no_facet_and_no_column_is_called_score(tmp_path: Path) -> None:
    """Both would be taken for something else in the evidence."""
    text = GOOD.replace("colour", "released").replace('["sex"]', '["score"]')
    with pytest.raises(ConfigurationError) as caught:
        load_config(written(tmp_path, text))
    assert caught.value.mistakes == (
        "data: no feature or facet may be called 'score'",
        "data.label 'released' is also listed as a facet",
    )


def test_a_reason_to_train_again_is_one_line() -> None:
    """`none` and nothing at all are no reason; anything else is, cut to what fits a description."""
    complete = dict.fromkeys(VARIABLES.values(), "x")
    for text in ("", " ", "none", "None\n"):
        assert read_environment({**complete, RETRAIN: text}).retrain_reason == ""
    assert read_environment({**complete, RETRAIN: " drift \n of age "}).retrain_reason == "drift of age"
    assert len(read_environment({**complete, RETRAIN: "x" * 5000}).retrain_reason) == 500


def test_a_file_that_is_not_toml_is_one_clear_error(tmp_path: Path) -> None:
    """A syntax error names the file and the place."""
    with pytest.raises(
        ConfigurationError, match=r"config.toml has 1 mistake:\n  - it is not valid TOML: .* line 2"
    ):
        load_config(written(tmp_path, "[data]\nlabel = \n"))


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    """Data that the configuration names but the repository lacks is an error before anything starts."""
    config = load_config(written(tmp_path, GOOD))
    with pytest.raises(ConfigurationError, match=r"data\.location: there is no file 'data/arrests\.csv'"):
        read_data(tmp_path, config)


def test_the_environment_is_read_once_and_completely() -> None:
    """Every variable that is missing is named."""
    complete = dict.fromkeys(VARIABLES.values(), "x")
    assert read_environment(complete).region == "x"
    with pytest.raises(ConfigurationError) as caught:
        read_environment({**complete, "KMS_KEY_ARN": "", "AWS_REGION": ""})
    assert caught.value.mistakes == ("KMS_KEY_ARN is not set", "AWS_REGION is not set")


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path
