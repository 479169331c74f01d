"""The catalog file: what it may say, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.configuration import parse_catalog
from catalog.errors import ConfigurationError
from catalog.sources import read_sources

ROOT = Path(__file__).parents[2]
GOOD = """
[portfolio]
name = "Models"
provider = "ML platform"
description = "Gated models"
[product]
name = "Model project"
owner = "ML platform"
description = "Two repositories"
version = "0.1.0"
[access]
launchers = ["SageMakerDataScientist", "arn:aws:iam::111122223333:role/teams/Research"]
[seeds.build]
auc_threshold = "0.7"
"""


def mistakes(text: str) -> tuple[str, ...]:
    """What is said about a text."""
    with pytest.raises(ConfigurationError) as error:
        parse_catalog(text)
    return error.value.mistakes


def test_a_good_file_is_parsed_into_frozen_values() -> None:
    """Answers that are not given stay the seed's defaults."""
    catalog = parse_catalog(GOOD)
    assert catalog.product.version == "0.1.0"
    assert catalog.launchers[1].endswith("role/teams/Research")
    assert catalog.answers == {"build": {"auc_threshold": "0.7"}, "deploy": {}}
    with pytest.raises(AttributeError):
        catalog.product.version = "1"  # type: ignore[misc]


def test_the_file_of_the_product_is_good() -> None:
    """The committed catalog file parses."""
    assert parse_catalog((ROOT / "catalog" / "catalog.toml").read_text(encoding="utf-8")).launchers


def test_all_mistakes_are_reported_together() -> None:
    """An unknown table and key, a missing and an impossible value, a bad name and a number as answer: six sentences."""
    text = (
        GOOD.replace('provider = "ML platform"', 'vendor = "x"')
        .replace('"0.1.0"', '"newest"')
        .replace("SageMakerDataScientist", "not a role")
        .replace('"0.7"', "0.7")
        + "[extra]\n"
    )
    found = mistakes(text)
    assert [sentence.split(": ", 1)[1] for sentence in found] == [
        "'extra' is no setting; known are access, approval, portfolio, product, seeds.",
        "'portfolio.vendor' is no setting; known are description, name, provider.",
        "portfolio.provider is missing.",
        "product.version must be a version such as 0.1.0, not 'newest'.",
        "access.launchers: 'not a role' is neither a role's name nor an IAM ARN.",
        "seeds.build.auc_threshold must be a text, not 0.7.",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[portfolio]", "[porfolio]"), "the table [portfolio] is missing"),
        (('name = "Models"', 'name = ""'), "portfolio.name must be a text that is not empty"),
        (('name = "Models"', f'name = "{"x" * 101}"'), "has 101 characters; at most 100 are allowed"),
        (('["SageMakerDataScientist", ', '["SageMakerDataScientist", "SageMakerDataScientist", '), "more than once"),
        (("launchers = [", "launchers = 1 # ["), "must list at least one role"),
        (("[seeds.build]", "[seeds.test]"), "'seeds.test' is no setting"),
    ],
)
def test_each_mistake_has_its_sentence(change: tuple[str, str], sentence: str) -> None:
    """The sentence names the setting and what is allowed."""
    assert any(sentence in found for found in mistakes(GOOD.replace(*change)))


def test_a_text_that_is_not_toml_is_one_mistake() -> None:
    """The parser's own words say where."""
    (sentence,) = mistakes("portfolio = [")
    assert sentence.startswith("catalog.toml is not TOML:")


def test_a_missing_file_is_named() -> None:
    """With the option that names another one."""
    with pytest.raises(
        ConfigurationError, match=r"nowhere\.toml cannot be read: No such file or directory\. .*--catalog"
    ):
        read_sources(ROOT, Path("nowhere.toml"))


def test_an_unpublished_version_and_an_unasked_answer_are_reported_together(tmp_path: Path) -> None:
    """What can be known only from the rooms beside the catalog is checked before anything is rendered."""
    file = tmp_path / "catalog.toml"
    file.write_text(GOOD.replace('"0.1.0"', '"9.9.9"').replace("auc_threshold", "colour"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        read_sources(ROOT, file)
    template, answer = error.value.mistakes
    assert template == "product.version 9.9.9 has no template in templates/versions (there: 0.1.0)."
    assert answer.startswith("seeds.build.colour is not asked by the build seed; it asks ")
