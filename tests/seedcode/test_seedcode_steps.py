from __future__ import annotations

import hashlib
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockgate_checks import (
    Decision,
    Outcome,
    Verdict,
    from_mapping,
    load_folder,
    read_bias,
    read_model_quality,
)
from lockgate_checks.decide import decide
from lockgate_checks.policy import parse_policy, shipped_policy

from tests.seedcode import modules, processes, rendering
from tests.seedcode.steps import Workspace, run_all


def test_the_default_model_clears_its_own_bar(evidence: Workspace) -> None:
    """On the seed's data the default configuration gives a model that would be registered."""
    config = modules.load(evidence.repository, "pipeline.config").load_config(evidence.repository / "config.toml")
    summary = evidence.summary()
    assert config.quality.auc_threshold < summary["auc"]
    assert summary["auc_lower"] < summary["auc"] < summary["auc_upper"]
    assert summary["rows"] == round(5_226 * config.split.test_fraction)


def test_digests_are_of_the_very_bytes(evidence: Workspace) -> None:
    """The evaluation names the sha256 of the archive it opened and of the table it came from."""
    summary = evidence.summary()
    assert summary["model_digest"] == hashlib.sha256(evidence.archive.read_bytes()).hexdigest()
    table = (evidence.repository / "data" / "arrests.csv").read_bytes()
    assert summary["data_digest"] == hashlib.sha256(table).hexdigest()


def test_the_reports_are_evidence_for_the_checks(evidence: Workspace) -> None:
    """The checks library reads both reports, and they agree with the summary."""
    quality = read_model_quality(evidence.report("statistics.json"))
    summary = evidence.summary()
    assert round(quality.metrics["auc"].value, 6) == summary["auc"]
    assert quality.item_count == summary["rows"]
    found = {(metric.stage, metric.name): metric.value for metric in read_bias(evidence.report("analysis.json"))}
    assert {("pre_training", "CI"), ("pre_training", "DPL"), ("post_training", "AD")} <= set(found)
    assert 0.05 < found["pre_training", "DPL"] < 0.15
    assert 0.8 < found["post_training", "DI"] < 1.25


def decided(folder: Path, **more: Any) -> Decision:
    """What the baseline and the evidence's own policy on top of it say, with more documents beside the evidence."""
    documents = {**load_folder(folder).documents, **more}
    policy = parse_policy((folder / "policy.yaml").read_text(encoding="utf-8"), organization=shipped_policy("baseline"))
    return decide(from_mapping(documents), policy, datetime(2027, 1, 1, tzinfo=UTC))


def test_the_default_model_is_approved_as_a_first_version(evidence: Workspace) -> None:
    """The baseline policy and the project's own on top of it have nothing against what a new project builds."""
    decision = decided(evidence.root / "evidence", champion={"champion": None})
    assert [finding.reason for finding in decision.findings if finding.outcome is Outcome.FAIL] == []
    assert decision.verdict is Verdict.APPROVE


def test_a_better_model_that_knows_the_facet_is_rejected(evidence: Workspace, tmp_path: Path) -> None:
    """One changed line makes the facet a feature: the AUC rises, the build's bar is cleared, and the policy rejects."""
    repository = Path(shutil.copytree(evidence.repository, tmp_path / "repository"))
    config = repository / "config.toml"
    line = 'categorical_features = ["sex", "employed", "citizen"'
    text = config.read_text(encoding="utf-8")
    assert line in text
    config.write_text(text.replace(line, f'{line}, "colour"'), encoding="utf-8")
    biased = run_all(Workspace(repository, tmp_path / "jobs"))
    assert biased.summary()["auc"] > evidence.summary()["auc"]
    decision = decided(biased.root / "evidence", champion={"champion": None})
    assert decision.verdict is Verdict.REJECT
    assert {f.subject for f in decision.findings if f.blocks} == {"AD@colour=Black", "DPPL@colour=Black"}


def test_an_altered_split_is_seen_as_leakage(evidence: Workspace, tmp_path: Path) -> None:
    """Held-out rows copied into the training rows are more than chance explains, and the project's limit fails."""
    root = Path(shutil.copytree(evidence.root, tmp_path / "jobs"))
    header, *rows = (root / "test" / "test.csv").read_text(encoding="utf-8").splitlines()
    with (root / "train" / "train.csv").open("a", encoding="utf-8") as training:
        training.writelines(f"{row}\n" for row in rows)
    workspace = Workspace(evidence.repository, root)
    assert workspace.evaluate().returncode == 0, header
    decision = decided(root / "evidence", champion={"champion": None})
    assert {f.subject for f in decision.findings if f.blocks} == {"leaked_share_lower"}


def test_the_evaluation_needs_neither_yaml_nor_pandas(evidence: Workspace) -> None:
    """The job imports the library from its wheel; the image may lack PyYAML, and pandas would take a second."""
    program = "import sys; import evaluate; print(sorted({'yaml', 'pandas'} & set(sys.modules)))"
    finished = processes.run([sys.executable, "-c", program], evidence.root / "code", {})
    assert finished.stdout == "[]\n", finished.stderr


def test_a_missing_column_ends_prepare_with_one_sentence(build_repo: Path, tmp_path: Path) -> None:
    """The job fails, names the column, and leaves nothing for the next step."""
    workspace = Workspace(build_repo, tmp_path)
    finished = workspace.prepare(b"released,year,age,sex,employed,citizen,checks\nYes,2002,21,Male,Yes,Yes,3\n")
    assert finished.returncode == 1
    assert finished.stderr.strip() == workspace.message()
    assert workspace.message().startswith("table.csv lacks the column 'colour'; it has 'released', 'year'")
    assert not (tmp_path / "train").exists()


def test_a_mistyped_column_ends_prepare_with_one_sentence(build_repo: Path, tmp_path: Path) -> None:
    """A text in a numeric column of the real table is counted and shown."""
    table = (build_repo / "data" / "arrests.csv").read_bytes().replace(b",2002,21,", b",2002,unknown,")
    workspace = Workspace(build_repo, tmp_path)
    assert workspace.prepare(table).returncode == 1
    assert "column 'age' must be numeric but" in workspace.message()
    assert "(the first is 'unknown')" in workspace.message()


def test_the_published_seed_is_what_is_tested(build_repo: Path) -> None:
    """Rendering copies programs unchanged, so what is linted and tested here is what projects get."""
    source = rendering.SEEDS / "build" / "{{cookiecutter.repo_name}}"
    for program in build_repo.rglob("*.py"):
        assert program.read_bytes() == (source / program.relative_to(build_repo)).read_bytes()
