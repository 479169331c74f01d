from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.seedcode import processes, rendering

LOCKED = rendering.ROOT / "requirements" / "lockgate.txt"
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9_.\-]+)==(?P<version>[^\s;\\]+)[^\n]*\\\n(?P<hashes>(?:    --hash=\S+[ \\]*\n)+)",
    re.MULTILINE,
)
ARRESTS = "b795af23d2704da70cc4b265e1700c69faa03659283091f01e74c3ea1f813c6d"


@pytest.fixture(params=["build", "deploy"])
def repository(request: pytest.FixtureRequest) -> Path:
    """Each rendered repository in turn."""
    path: Path = request.getfixturevalue(f"{request.param}_repo")
    return path


def pins(path: Path) -> dict[tuple[str, str], int]:
    """Pinned names with versions, and the number of hashes of each."""
    found = PIN.finditer(path.read_text(encoding="utf-8"))
    return {(pin["name"], pin["version"]): pin["hashes"].count("--hash=sha256:") for pin in found}


def test_its_own_tests_are_green_on_day_one(repository: Path) -> None:
    """The unit tests a new team starts with pass, without any plug-in."""
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": str(repository.parent)}
    finished = processes.run_module(repository, "pytest", environment, "-q")
    assert finished.returncode == 0, finished.stdout
    assert re.search(r"^\d+ passed in", finished.stdout, re.MULTILINE), finished.stdout


def test_its_own_linter_has_nothing_to_say(repository: Path) -> None:
    """Code and form follow the rules the repository itself sets."""
    for command in (["check"], ["format", "--check"]):
        argv = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
        finished = processes.run(argv, repository, {"HOME": str(repository.parent)})
        assert finished.returncode == 0, finished.stdout


def test_requirements_pin_the_tested_versions_by_hash(repository: Path) -> None:
    """Every package is pinned by hash, at the version this product is tested with, from no particular index."""
    text = (repository / "requirements.txt").read_text(encoding="utf-8")
    found = pins(repository / "requirements.txt")
    assert len(found) == len(re.findall(r"^[a-z][^=\n]*==", text, re.MULTILINE))
    assert all(found.values())
    assert set(found) <= set(pins_with_comments(LOCKED))
    assert not re.search(r"://|--index|--find-links", text)


def pins_with_comments(path: Path) -> set[tuple[str, str]]:
    """Pinned names with versions of a file with annotations."""
    return set(re.findall(r"^([A-Za-z0-9_.\-]+)==([^\s;\\]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_everything_asked_for_is_pinned_and_nothing_excluded_is(build_repo: Path, deploy_repo: Path) -> None:
    """requirements.txt fits the files it is compiled from."""
    for repository in (build_repo, deploy_repo):
        names = {name for name, _ in pins(repository / "requirements.txt")}
        assert asked(repository / "requirements.in") <= names
        excluded = repository / "requirements.excluded.in"
        assert not excluded.exists() or not asked(excluded) & names


def asked(path: Path) -> set[str]:
    """Names in a requirements file written by hand."""
    return set(re.findall(r"^([a-z][a-z0-9\-]*)", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    ("seed", "name", "modules", "artifacts"),
    [
        ("build", "buildspec.yml", ["pip", "pytest", "pipeline.run"], []),
        (
            "deploy",
            "buildspec.yml",
            ["pip", "pytest", "deploy.prepare"],
            ["template-export.yaml", "staging-config-export.json", "prod-config-export.json"],
        ),
        ("deploy", "buildspec.test.yml", ["pip", "deploy.verify", "deploy.test_endpoint"], []),
    ],
)
def test_a_buildspec_runs_modules_that_exist(
    seed: str, name: str, modules: list[str], artifacts: list[str], request: pytest.FixtureRequest
) -> None:
    """It is a buildspec of version 0.2, installs by hash only, and every command is a module of the repository."""
    repository: Path = request.getfixturevalue(f"{seed}_repo")
    spec = yaml.safe_load((repository / name).read_text(encoding="utf-8"))
    commands = [command for phase in spec["phases"].values() for command in phase["commands"]]
    assert spec["version"] == 0.2
    assert set(spec["phases"]) <= {"install", "pre_build", "build"}
    assert [re.findall(r"python -m ([\w.]+)", command)[0] for command in commands] == modules
    assert "--no-deps --require-hashes -r requirements.txt" in commands[0]
    assert spec.get("artifacts", {}).get("files", []) == artifacts
    own = [module for module in modules if "." in module]
    assert all((repository / module.replace(".", "/")).with_suffix(".py").is_file() for module in own)


def test_the_seed_data_is_what_its_provenance_says(build_repo: Path) -> None:
    """The table is the published one, unchanged, and the digest is on record beside it."""
    content = (build_repo / "data" / "arrests.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() == ARRESTS
    assert ARRESTS in (build_repo / "data" / "README.md").read_text(encoding="utf-8")
    assert content.count(b"\n") == 5_226 + 1
