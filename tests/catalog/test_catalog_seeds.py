"""Rendering and packing seeds."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from catalog.configuration import SEEDS
from catalog.errors import ConfigurationError
from catalog.seeds import answer_mistakes, archive, pack

ROOT = Path(__file__).parents[2]


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """A small seed with a question of two answers, a script and a hook that refuses one name."""
    folder = tmp_path / "seed"
    repository = folder / "{{cookiecutter.repo_name}}"
    (repository / "steps").mkdir(parents=True)
    (folder / "hooks").mkdir()
    questions = {"repo_name": "model", "size": ["small", "large"], "_hidden": "x"}
    (folder / "cookiecutter.json").write_text(json.dumps(questions))
    (repository / "README.md").write_text("{{ cookiecutter.size }}\n")
    (repository / "steps" / "train.sh").write_text("#!/bin/sh\n")
    (repository / "steps" / "train.sh").chmod(0o755)
    hook = 'import sys\nsys.exit("{{ cookiecutter.repo_name }}" == "bad")\n'
    (folder / "hooks" / "pre_gen_project.py").write_text(hook)
    return folder


def test_rendering_twice_gives_the_same_bytes(seed: Path) -> None:
    """So equal content has an equal key, whenever and wherever it is rendered."""
    first, second = (archive("build", seed, {"size": "large"}) for _ in range(2))
    assert first.content == second.content
    assert first.key == second.key


def test_other_answers_give_another_key(seed: Path) -> None:
    """The key names the content."""
    assert archive("build", seed, {"size": "large"}).key != archive("build", seed, {"size": "small"}).key


def test_the_archive_holds_the_repository_at_its_root_with_modes(seed: Path) -> None:
    """CodeCommit takes the archive's root as the repository's (AWS::CodeCommit::Repository Code)."""
    with zipfile.ZipFile(io.BytesIO(archive("build", seed, {"size": "large"}).content)) as zipped:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in zipped.infolist()}
        assert modes == {"README.md": 0o644, "steps/train.sh": 0o755}
        assert zipped.read("README.md") == b"large\n"


def test_packing_ignores_dates_and_order_of_creation(tmp_path: Path) -> None:
    """Only names, modes and content count."""
    packed = []
    for number, names in enumerate((("b", "a"), ("a", "b"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)
            os.utime(folder / name, (number, number))
        packed.append(pack(folder))
    assert packed[0] == packed[1]


def test_packing_leaves_out_what_tools_left_behind(tmp_path: Path) -> None:
    """Running a seed's tests in place must not make another version of the product."""
    (tmp_path / "a").write_text("a")
    clean = pack(tmp_path)
    for name in (".pytest_cache", "__pycache__"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x")
    assert pack(tmp_path) == clean


def test_rendering_leaves_nothing_in_the_home_folder(
    seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own cookiecutter settings are neither read nor written."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".cookiecutterrc").write_text("default_context: {size: small}\n")
    monkeypatch.setenv("HOME", str(home))
    assert b"large" in archive("build", seed, {"size": "large"}).content
    assert archive("build", seed, {}).content != archive("build", seed, {"size": "large"}).content
    assert [path.name for path in home.iterdir()] == [".cookiecutterrc"]


def test_answers_are_checked_against_the_questions(seed: Path) -> None:
    """An answer must have been asked for, and offered where there is a choice."""
    assert answer_mistakes("build", seed, {"size": "large"}) == []
    assert answer_mistakes("build", seed, {"size": "huge", "colour": "red", "_hidden": "y"}) == [
        "seeds.build.size must be one of small, large, not 'huge'.",
        "seeds.build.colour is not asked by the build seed; it asks repo_name, size.",
        "seeds.build._hidden is not asked by the build seed; it asks repo_name, size.",
    ]


def test_an_answer_that_the_seed_refuses_is_a_mistake(seed: Path) -> None:
    """A seed's hook has the last word."""
    with pytest.raises(ConfigurationError, match=r"The build seed does not render with seeds\.build: "):
        archive("build", seed, {"repo_name": "bad"})


@pytest.mark.parametrize("name", SEEDS)
def test_the_products_seeds_are_packed_reproducibly(name: str) -> None:
    """Both real seeds render with their defaults to one archive, twice."""
    folder = ROOT / "seedcode" / name
    assert archive(name, folder, {}).content == archive(name, folder, {}).content
