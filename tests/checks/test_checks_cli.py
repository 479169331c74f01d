"""The command line, explanations for people, and the generated page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lockgate_checks import catalogue
from lockgate_checks.cli import main
from lockgate_checks.explain import change, explain, failing, line
from lockgate_checks.record import read_decision
from lockgate_checks.registry import BUILT_IN
from lockgate_checks.values import Finding, Limit, Outcome, Severity, Verdict

from tests.checks.complete_evidence import ARN, NOW, decided, evidence, first_version, put

ROOT = Path(__file__).parents[2]
DI = "bias/post_training_bias_metrics/facets/colour/0/metrics/1/value"


def store(folder: Path, documents: Mapping[str, Any], prefix: str = "") -> Path:
    """Write documents into a folder, those with the prefix without it, or those without `baseline_`."""
    folder.mkdir()
    for name, document in documents.items():
        if name.startswith(prefix) and (prefix or not name.startswith("baseline_")):
            (folder / f"{name.removeprefix(prefix)}.json").write_text(json.dumps(document))
    return folder


def run(*arguments: object) -> int:
    """Run the command line at a fixed time."""
    return main([str(argument) for argument in arguments], clock=lambda: NOW)


def test_the_exit_code_is_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 approves, 1 rejects, 3 leaves it to a person, and the text begins with it."""
    approved = store(tmp_path / "before", evidence(), "baseline_")
    for name, documents, code, word in (
        ("good", evidence(), 0, "APPROVE"),
        ("bad", put(evidence(), DI, 0.7), 1, "REJECT"),
        ("unsure", put(evidence(), "champion/interval", [-0.05, 0.07]), 3, "NEEDS A HUMAN"),
    ):
        folder = store(tmp_path / name, documents)
        arguments = (folder, "--policy", "baseline", "--baseline", approved, "--model-package-arn", ARN)
        assert run("decide", *arguments) == code
        assert capsys.readouterr().out.startswith(f"{word}: {ARN}\n")


def test_the_decision_is_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is the decision itself."""
    folder = store(tmp_path / "good", first_version())
    assert run("decide", folder, "--policy", "baseline", "--json") == 0
    decision = read_decision(json.loads(capsys.readouterr().out))
    assert (decision.verdict, decision.decided_at) == (Verdict.APPROVE, NOW)


def test_a_projects_policy_stands_on_the_organizations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its stricter limit decides; a looser one is refused with its line."""
    folder = store(tmp_path / "good", first_version())
    project = tmp_path / "project.yaml"
    project.write_text("schema: 1\nname: project\nlimits: {rows: {minimum: 9999}}\n")
    assert run("decide", folder, "--policy", "baseline", "--project-policy", project) == 1
    project.write_text("schema: 1\nname: project\nlimits:\n  rows: {minimum: 9}\n")
    assert run("decide", folder, "--policy", "baseline", "--project-policy", project) == 2
    printed = capsys.readouterr()
    assert f"{project}, line 4, limits.rows: the minimum 9 is below 200 of baseline" in printed.err
    assert run("decide", folder, "--policy", project) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("decide", "nowhere", "--policy", "baseline"), "is no folder"),
        (("decide", ".", "--policy", "nowhere.yaml"), "nowhere.yaml, line 1: the file cannot be read"),
        (("explain", "quality.nothing"), "There is no check quality.nothing"),
    ],
)
def test_a_question_that_cannot_be_put_ends_in_one_sentence(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is decided, and nothing looks like a decision."""
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out


def test_checks_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its question in the list, and its text on demand."""
    assert run("list") == 0
    printed = capsys.readouterr().out
    assert all(f"{check.id} " in printed and check.question in printed for check in BUILT_IN)
    assert run("explain", "champion.difference") == 0
    printed = capsys.readouterr().out
    assert "Evidence: champion\n" in printed
    assert "Metrics: champion_difference, champion_rows" in printed
    assert "When it fails: The approved version is better" in printed


def test_the_page_of_checks_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/checks.md is what the command on the page prints."""
    assert run("list", "--markdown") == 0
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert page == capsys.readouterr().out == catalogue.markdown(BUILT_IN)
    assert all(f"### {check.id}\n" in page for check in BUILT_IN)


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    """Its exit code and output are those of the command line, whatever the terminal can show."""
    documents = put(evidence(), "bias/post_training_bias_metrics/facets/colour/0/value_or_threshold", "Größe")
    folder = store(tmp_path / "unsure", documents)
    command = [sys.executable, "-m", "lockgate_checks", "decide", str(folder), "--policy", "baseline"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "checks" / "src"), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert "the evidence baseline_bias is missing" in done.stdout
    assert "colour=Gr\\xf6\\xdfe" in done.stdout


def finding(value: float | None, limit: Limit | None, outcome: Outcome = Outcome.FAIL) -> Finding:
    """Return a finding with this number and limit."""
    return Finding("quality.metrics", "quality", "auc", outcome, Severity.BLOCK, value, limit, "Because.")


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        (0.6, Limit(0.7), "To pass, it must rise by 0.1, from 0.6 to 0.7."),
        (1.5, Limit(0.8, 1.25), "To pass, it must fall by 0.25, from 1.5 to 1.25."),
        (0.5, Limit(0.8, 1.25), "To pass, it must rise by 0.3, from 0.5 to 0.8."),
        (3.0, Limit(None, 2), "To pass, it must fall by 1, from 3 to 2."),
        (0.7, Limit(0.7), ""),
        (None, Limit(0.7), ""),
        (0.7, None, ""),
    ],
)
def test_what_would_have_to_change_is_said_in_numbers(value: float | None, limit: Limit | None, said: str) -> None:
    """By how much, in which direction, to which bound."""
    assert change(finding(value, limit)) == said


def test_a_finding_reads_as_a_line() -> None:
    """Outcome, check, subject, value, limit and margin, as far as they are known."""
    assert line(finding(0.75, Limit(0.7), Outcome.PASS)) == (
        "pass  quality.metrics  auc  value 0.75  limit >= 0.7  margin +0.05"
    )
    bare = Finding("lineage.complete", "lineage", "lineage.complete", Outcome.SKIP, Severity.WARN)
    assert line(bare) == "skip  lineage.complete"


def test_an_explanation_puts_first_what_stands_in_the_way() -> None:
    """Then what was waived, what only warns, what passed and what was not asked, each with its count."""
    low = {"num_present": 9, "num_missing": 91}
    documents = put(put(evidence(), DI, 0.7), "data_quality/features/0/numerical_statistics/common", low)
    decision = decided(documents)
    text = explain(decision)
    assert text.startswith("REJECT\nDecided 2027-03-01 12:00:00 UTC under the policy with sha256 ")
    titles = ["In the way (1):", "Warnings (2):", "Passed (15):", "Not asked (3):"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert "To pass, it must rise by 0.1, from 0.7 to 0.8." in text
    assert failing(decision) == ("bias.post_training DI@colour=Black",)
    assert failing(decided(evidence())) == ()


def test_an_explanation_shows_waivers_and_recommendations() -> None:
    """Who excepted what until when; and that a person decides where the policy only recommends."""
    policy = (
        "schema: 1\nname: own\nmode: recommend\npacks: {bias: block}\nlimits: {DI: {minimum: 0.99}, AD: {maximum: 1}}\n"
        "waivers: [{check: bias.post_training, reason: known, owner: risk, expires: 2027-09-09}]"
    )
    text = explain(decided(evidence(), policy))
    assert text.startswith("NEEDS A HUMAN\n")
    assert "The policy only recommends, and a person decides. Recommendation of the checks: approve." in text
    assert "Waived (1):" in text
    assert "Waivers in force (1):\n  bias.post_training *, risk until 2027-09-09: known" in text
    unsure = decided(put(evidence(), "champion/interval", [-0.05, 0.07]))
    assert failing(unsure) == ("champion.difference champion_difference",)
