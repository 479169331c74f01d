from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

from tests.seedcode import rendering

FILES = {
    "build": """
        .gitignore README.md buildspec.yml config.toml policy.yaml
        data/LICENSE.scikit-lego data/README.md data/arrests.csv
        pipeline/__init__.py pipeline/config.py pipeline/definition.py pipeline/environment.py pipeline/errors.py
        pipeline/execution.py pipeline/registry.py pipeline/run.py pipeline/sdk.py pipeline/source.py
        pyproject.toml requirements.excluded.in requirements.in requirements.txt
        steps/archived.py steps/evaluate.py steps/evidence.py steps/inference.py steps/prepare.py steps/train.py
        tests/conftest.py tests/test_archived.py tests/test_config.py tests/test_evaluate.py tests/test_execution.py
        tests/test_policy.py tests/test_prepare.py tests/test_source.py tests/test_train_and_inference.py
        vendor/lockgate_checks-0.1.0-py3-none-any.whl
    """,
    "deploy": """
        .gitignore README.md buildspec.test.yml buildspec.yml
        deploy/__init__.py deploy/environment.py deploy/errors.py deploy/holdout.py deploy/judgement.py
        deploy/measurement.py deploy/model_package.py deploy/prepare.py deploy/serving.py deploy/stages.py
        deploy/storage.py deploy/test_endpoint.py deploy/verify.py
        endpoint.template.yaml pyproject.toml requirements.in requirements.txt stages.toml
        tests/conftest.py tests/test_judgement.py tests/test_model_package.py tests/test_prepare.py
        tests/test_serving.py tests/test_stages.py
    """,
}


@pytest.mark.parametrize("seed", FILES)
def test_every_offered_answer_renders_a_complete_repository(seed: str, tmp_path: Path) -> None:
    """Whatever is chosen, exactly the same files come out and no question is left in them."""
    for number, answers in enumerate(rendering.every_answer(seed)):
        folder = tmp_path / str(number)
        folder.mkdir()
        repository = rendering.render(seed, folder, **answers)
        assert rendering.files(repository) == sorted(FILES[seed].split()), answers
        for name in (name for name in FILES[seed].split() if not name.endswith(".whl")):
            text = (repository / name).read_text(encoding="utf-8")
            assert "cookiecutter" not in text, (name, answers)
            assert "{%" not in text, (name, answers)


def test_the_build_answers_reach_the_configuration(tmp_path: Path) -> None:
    """What was answered is what config.toml says."""
    answers = {"processing_instance_type": "ml.m5.xlarge", "training_instance_type": "ml.c5.2xlarge"}
    repository = rendering.render("build", tmp_path, auc_threshold="0.71", repo_name="churn-2", **answers)
    config = tomllib.loads((repository / "config.toml").read_text(encoding="utf-8"))
    assert repository.name == "churn-2"
    assert config["quality"] == {"auc_threshold": 0.71, "cutoff": 0.58}
    assert config["instances"] == {"processing": "ml.m5.xlarge", "training": "ml.c5.2xlarge"}


@pytest.mark.parametrize(("capture", "percentage"), [("yes", 100), ("no", 0)])
def test_the_deploy_answers_reach_their_own_stage(capture: str, percentage: int, tmp_path: Path) -> None:
    """Staging and production each get what was answered for them."""
    answers = {"staging_instance_type": "ml.c5.xlarge", "prod_instance_type": "ml.m5.xlarge"}
    repository = rendering.render("deploy", tmp_path, prod_instance_count="3", data_capture=capture, **answers)
    stages = tomllib.loads((repository / "stages.toml").read_text(encoding="utf-8"))
    assert (stages["staging"]["instance_type"], stages["staging"]["instance_count"]) == ("ml.c5.xlarge", 1)
    assert (stages["prod"]["instance_type"], stages["prod"]["instance_count"]) == ("ml.m5.xlarge", 3)
    assert stages["staging"]["data_capture_percentage"] == 0
    assert stages["prod"]["data_capture_percentage"] == percentage


@pytest.mark.parametrize(
    ("seed", "answers", "sentences"),
    [
        (
            "build",
            {"auc_threshold": "1.2", "repo_name": "My Repo"},
            ["auc_threshold '1.2' must be a number", "repo_name 'My Repo' must be small letters"],
        ),
        ("build", {"auc_threshold": "high"}, ["auc_threshold 'high' must be a number"]),
        ("deploy", {"prod_instance_count": "0"}, ["prod_instance_count '0' must be a whole number from 1 to 99"]),
    ],
)
def test_answers_that_cannot_work_are_refused_together(
    seed: str, answers: dict[str, str], sentences: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written, and every bad answer has its sentence."""
    with pytest.raises(FailedHookException):
        rendering.render(seed, tmp_path, **answers)
    said = capfd.readouterr().err
    assert all(sentence in said for sentence in sentences)
    assert not list((tmp_path / "repository").rglob("*.*"))


def test_an_answer_that_is_not_offered_is_refused(tmp_path: Path) -> None:
    """A choice takes only what it offers."""
    with pytest.raises(ValueError, match=r"ml\.huge provided for choice variable training_instance_type"):
        rendering.render("build", tmp_path, training_instance_type="ml.huge")
