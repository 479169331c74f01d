"""A version with other features than the approved one: each model is asked for what it was made for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.approval.examined import (
    INFERENCE,
    ORGANIZATION,
    PLAN,
    POOR,
    Examination,
    archive,
    evidence,
    manifest,
)

NARROW_INFERENCE = (
    INFERENCE.replace("for row in csv", "for row in _narrow(csv").replace(
        "reader(io.StringIO(body))]", "reader(io.StringIO(body)))]"
    )
    + """
def _narrow(rows):
    for row in rows:
        if len(row) != 1:
            raise ValueError(f"one feature is expected, not {len(row)}")
        yield row
"""
)
CHAMPIONS_PLAN = PLAN | {"features": ["income"]}


def champion() -> bytes:
    """An archive that takes the feature income alone, and refuses anything else."""
    return archive((0.3,), NARROW_INFERENCE)


def examination(folder: Path, files: dict[str, bytes] | None = None, model: bytes | None = None) -> Examination:
    """A version with two features, and the approved one with one of them."""
    found = Examination(folder, files or evidence(), model or archive(), champion())
    found.baseline = {"evaluation_plan.json": json.dumps(CHAMPIONS_PLAN).encode()}
    return found


def against(decision: dict[str, Any], check: str = "champion.difference") -> list[dict[str, Any]]:
    """The findings of a check."""
    return [finding for finding in decision["findings"] if finding["check"] == check]


def test_the_approved_version_is_asked_for_its_own_features(tmp_path: Path) -> None:
    """Both are compared on the same rows, and the better one is approved."""
    decision = examination(tmp_path).run()
    assert decision["verdict"] == "approve"
    kept = json.loads((tmp_path / "evaluate" / "output" / "decision" / "evidence" / "champion.json").read_bytes())
    assert kept["n"] == 600
    assert kept["challenger"] > kept["champion"]


def test_a_worse_version_with_other_features_is_rejected(tmp_path: Path) -> None:
    """By the comparison, not for want of one."""
    decision = examination(tmp_path, evidence(POOR), archive(POOR)).run()
    assert decision["verdict"] == "reject"
    assert "champion_difference" in {finding["subject"] for finding in against(decision)}


def without_income() -> tuple[dict[str, bytes], bytes]:
    """A version that neither has the approved one's feature nor gives it among its evaluation data."""
    model = archive((0.8,))
    files = evidence((0.8, 0.0))
    renamed = files["holdout.csv"].replace(b"age,income,", b"age,salary,", 1)
    plan = json.dumps(PLAN | {"features": ["age"]}).encode()
    lineage = json.dumps({"model_digest": hashlib.sha256(model).hexdigest()}).encode()
    return files | {"holdout.csv": renamed, "evaluation_plan.json": plan, "lineage.json": lineage}, model


@pytest.mark.parametrize(("severity", "verdict"), [("block", "reject"), ("warn", "human")])
def test_without_the_approved_versions_features_there_is_no_comparison(
    tmp_path: Path, severity: str, verdict: str
) -> None:
    """As for missing evidence: it fails what blocks and asks a person where it would warn; the feature is named."""
    tried = examination(tmp_path, *without_income())
    tried.organization = ORGANIZATION.replace("champion: block", f"champion: {severity}").replace("0.68", "0.5")
    decision = tried.run()
    assert decision["verdict"] == verdict
    (finding,) = against(decision)
    assert "lack its feature income" in finding["reason"]
    report = (tmp_path / "evaluate" / "output" / "decision" / "report.html").read_text(encoding="utf-8")
    assert "This version was not compared" in report


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (None, "evaluation_plan.json cannot be read"),
        (PLAN | {"problem": "regression"}, "its problem is regression"),
        (PLAN | {"features": ["income", "label"], "label": "other"}, "is the label or the score"),
        (PLAN | {"features": ["income", "score"], "score": "other"}, "is the label or the score"),
    ],
)
def test_an_approved_version_that_cannot_be_asked_never_approves(
    tmp_path: Path, plan: dict[str, Any] | None, said: str
) -> None:
    """No plan was kept, it predicts something else, or it would be told the label."""
    tried = examination(tmp_path)
    tried.baseline = {} if plan is None else {"evaluation_plan.json": json.dumps(plan).encode()}
    decision = tried.run()
    assert decision["verdict"] == "reject"
    assert said in " ".join(finding["reason"] for finding in against(decision))


def test_what_later_examinations_need_is_kept_with_its_digest(tmp_path: Path) -> None:
    """The version's own plan and its project's policy, byte for byte."""
    policy = b"schema: 1\nname: mine\nlimits:\n  auc: {minimum: 0.7, confidence: 0.95}\n"
    tried = Examination(tmp_path, evidence() | {"policy.yaml": policy}, archive())
    tried.run()
    written = tmp_path / "evaluate" / "output" / "decision"
    digests = json.loads((written / "digests.json").read_bytes())
    for name, content in {
        "evaluation_plan.json": evidence()["evaluation_plan.json"],
        "project-policy.yaml": policy,
    }.items():
        assert (written / name).read_bytes() == content
        assert digests[name] == hashlib.sha256(content).hexdigest()


def test_the_models_code_finds_nothing_of_the_approved_versions_decision(tmp_path: Path) -> None:
    """What was decided about it is gone before any code of a project runs."""
    place = tmp_path / "recompute" / "input" / "baseline"
    code = (
        f"from pathlib import Path\nif Path({str(place)!r}).exists():\n    raise SystemExit('found it')\n" + INFERENCE
    )
    model = archive(inference=code)
    lineage = json.dumps({"model_digest": hashlib.sha256(model).hexdigest()}).encode()
    files = evidence() | {"lineage.json": lineage}
    assert manifest(files)
    assert examination(tmp_path, files, model).run()["verdict"] == "approve"
