from __future__ import annotations

import hashlib
from pathlib import Path

from lockgate_checks import read_bias, read_model_quality

from tests.seedcode import modules, rendering
from tests.seedcode.steps import Workspace


def test_the_default_model_clears_its_own_bar(evidence: Workspace) -> None:
    """On the seed's data the default configuration gives a model that would be registered."""
    config = modules.load(evidence.repository, "pipeline.config").load_config(evidence.repository / "config.toml")
    summary = evidence.report("evaluation.json")
    assert config.quality.auc_threshold < summary["auc"]
    assert summary["auc_lower"] < summary["auc"] < summary["auc_upper"]
    assert summary["rows"] == round(5_226 * config.split.test_fraction)


def test_digests_are_of_the_very_bytes(evidence: Workspace) -> None:
    """The evaluation names the sha256 of the archive it opened and of the table it came from."""
    summary = evidence.report("evaluation.json")
    assert summary["model_digest"] == hashlib.sha256(evidence.archive.read_bytes()).hexdigest()
    table = (evidence.repository / "data" / "arrests.csv").read_bytes()
    assert summary["data_digest"] == hashlib.sha256(table).hexdigest()


def test_the_reports_are_evidence_for_the_checks(evidence: Workspace) -> None:
    """The checks library reads both reports, and they agree with the summary."""
    quality = read_model_quality(evidence.report("statistics.json"))
    summary = evidence.report("evaluation.json")
    assert round(quality.metrics["auc"].value, 6) == summary["auc"]
    assert quality.item_count == summary["rows"]
    found = {(metric.stage, metric.name): metric.value for metric in read_bias(evidence.report("analysis.json"))}
    assert set(found) == {
        *(("pre_training", name) for name in ("CI", "DPL")),
        *(("post_training", name) for name in ("AD", "DI", "DPPL")),
    }
    assert 0.05 < found["pre_training", "DPL"] < 0.15
    assert 0.8 < found["post_training", "DI"] < 1.25


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
