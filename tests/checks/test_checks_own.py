"""An organization's own checks: the example of the documentation, and packages that bring checks."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lockgate_checks.errors import CheckError
from lockgate_checks.policy import parse_policy
from lockgate_checks.registry import BUILT_IN, checks_of, installed_checks
from lockgate_checks.values import Verdict

from tests.checks.complete_evidence import decided, evidence, found, put

PAGE = (Path(__file__).parents[2] / "docs" / "own-check.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's pieces of code in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def acme() -> ModuleType:
    """Return the page's module of checks."""
    module = ModuleType("acme_checks")
    exec(blocks("python")[0], vars(module))  # noqa: S102 - the page's own code
    return module


def ours(gap: float, region: str) -> dict[str, Any]:
    """Return good evidence with this calibration and an image of this region."""
    documents = put(evidence(), "model_quality/lockgate/calibration", {"expected_calibration_error": gap})
    return put(documents, "lineage/image", f"1.dkr.ecr.{region}.amazonaws.com/xgboost:1")


@pytest.mark.parametrize(
    ("gap", "region", "verdict"),
    [
        (0.05, "eu-central-1", Verdict.APPROVE),
        (0.06, "eu-central-1", Verdict.REJECT),
        (0.05, "us-east-1", Verdict.REJECT),
    ],
)
def test_the_documented_checks_work_as_the_page_says(gap: float, region: str, verdict: Verdict) -> None:
    """The page's file and its piece of policy decide together with the library's checks."""
    policy = parse_policy(f"schema: 1\nname: acme\ninclude: baseline\n{blocks('yaml')[0]}")
    decision = decided(ours(gap, region), policy, checks=(*BUILT_IN, *checks_of(acme())))
    assert decision.verdict is verdict
    assert found(decision, "acme.calibration", "calibration_gap").value == gap


def test_the_documented_test_passes() -> None:
    """A check is called like any function."""
    names = vars(acme())
    exec(blocks("python")[1], names)  # noqa: S102 - the page's own code
    names["test_a_wide_gap_is_measured"]()


def install(folder: Path, code: str) -> None:
    """Put a distribution with one module of checks and its entry point into a folder of the path."""
    (folder / "acme_checks_installed.py").write_text(code)
    information = folder / "acme_checks-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n")
    group = blocks("toml")[0].splitlines()[0].removeprefix("[project.entry-points.").removesuffix("]")
    (information / "entry_points.txt").write_text(f"[{group}]\nacme = acme_checks_installed\n")


def test_a_packages_checks_are_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing the page's file makes its checks known."""
    install(tmp_path, blocks("python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    added = installed_checks()[len(BUILT_IN) :]
    assert [check.id for check in added] == ["acme.calibration", "acme.region"]


@pytest.mark.parametrize(("code", "said"), [("1 / 0", "cannot be loaded: division"), ("", "holds no check")])
def test_a_package_without_usable_checks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    """A package that cannot be loaded does not silently check nothing."""
    install(tmp_path, code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "acme_checks_installed", raising=False)
    with pytest.raises(CheckError, match=said):
        installed_checks()
