from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lockgate_checks import EvidenceError, load_folder, read_model_quality

import archived
import evaluate
from conftest import ROOT, write_csv

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Rows = list[dict[str, str]]


def arguments(archive: Path, prepared: Path, output: Path) -> list[str]:
    """What the pipeline tells the job."""
    given = {
        "model-dir": archive.parent,
        "train-dir": prepared / "train",
        "test-dir": prepared / "test",
        "policy": ROOT / "policy.yaml",
        "output-dir": output / "evaluation",
        "evidence-dir": output / "evidence",
        "message-file": output / "message",
        "commit": COMMIT,
        "image": "image:1",
        "seed-version": "1.0",
        "cutoff": 0.6,
    }
    return [part for name, value in given.items() for part in (f"--{name}", str(value))]


@pytest.fixture(scope="session")
def output(archive: Path, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which Evaluate wrote its two outputs for the archive of the slice."""
    folder = tmp_path_factory.mktemp("output")
    assert evaluate.main(arguments(archive, prepared, folder)) == 0
    return folder


@pytest.fixture(scope="session")
def evidence(output: Path) -> Path:
    """The evidence of the slice."""
    return output / "evidence"


def test_the_summary_pins_the_bytes_it_measured(output: Path, archive: Path, prepared: Path) -> None:
    """evaluation.json has the archive's and the manifest's sha256, the data's, and an AUC in its interval."""
    summary = load(output / "evaluation" / "evaluation.json")
    assert summary["model_digest"] == digest(archive)
    assert summary["evidence_digest"] == digest(output / "evidence" / "manifest.json")
    assert summary["data_digest"] == load(prepared / "test" / "table.json")["data_digest"]
    assert summary["auc_lower"] < summary["auc"] < summary["auc_upper"]
    assert summary["rows"] == 450


def test_the_manifest_has_every_other_file(evidence: Path) -> None:
    """Names and sha256 of all files, so that none can be added, left out or altered unseen."""
    files = {path.relative_to(evidence).as_posix(): digest(path) for path in evidence.rglob("*.*")}
    del files["manifest.json"]
    assert load(evidence / "manifest.json") == {"files": files}
    assert files["policy.yaml"] == digest(ROOT / "policy.yaml")
    bundle = load_folder(evidence)
    assert not bundle.problems
    assert {"model_quality", "bias", "data_quality", "data_constraints", "lineage"} <= set(bundle.documents)


def test_all_evidence_agrees(output: Path, evidence: Path) -> None:
    """Statistics, constraints and summary give the same AUC; every facet value has metrics and a segment."""
    quality = read_model_quality(load(evidence / "statistics.json"))
    auc = quality.metrics["auc"].value
    assert load(output / "evaluation" / "evaluation.json")["auc"] == pytest.approx(auc, abs=1e-6)
    assert load(evidence / "constraints.json")["binary_classification_constraints"]["auc"]["threshold"] == auc
    report = load(evidence / "analysis.json")
    for stage, names in {"pre_training": {"CI", "DPL"}, "post_training": {"AD", "DI", "DPPL"}}.items():
        (black,) = report[f"{stage}_bias_metrics"]["facets"]["colour"]
        assert black["value_or_threshold"] == "Black"
        assert names <= {metric["name"] for metric in black["metrics"]}
    own = load(evidence / "statistics.json")["lockgate"]
    assert {"lower", "upper", "level"} <= set(own["intervals"]["auc"])
    rows = {name: part["dataset"]["item_count"] for name, part in own["segments"]["colour"].items()}
    assert set(rows) == {"Black", "White"}
    assert sum(rows.values()) == quality.item_count


def test_importance_is_by_feature(evidence: Path) -> None:
    """A category counts once, not once for each of its values."""
    (label,) = load(evidence / "analysis.json")["explanations"]["kernel_shap"].values()
    features = ["year", "age", "checks", "sex", "employed", "citizen"]
    assert sorted(label["global_shap_values"]) == sorted(features)
    assert all(value >= 0 for value in label["global_shap_values"].values())


def test_lineage_says_what_made_the_model(evidence: Path, archive: Path) -> None:
    """Commit, image and digests; and how many held-out rows equal a training row more than by chance."""
    lineage = load(evidence / "lineage.json")
    overlap = lineage.pop("overlap")
    assert lineage == {
        "commit": COMMIT,
        "image": "image:1",
        "seed_version": "1.0",
        "model_digest": digest(archive),
        "data_digest": lineage["data_digest"],
        "evaluation_data_digest": digest(evidence / "holdout.csv"),
    }
    assert (overlap["training_rows"], overlap["evaluation_rows"]) == (750, 450)
    assert overlap["shared_share"] > 0.1  # the table is coarse
    assert overlap["leaked_share_lower"] == 0.0


def test_the_held_out_rows_can_be_scored_again(evidence: Path, archive: Path) -> None:
    """holdout.csv is what evaluation_plan.json says; serving its features gives the same scores."""
    plan = load(evidence / "evaluation_plan.json")
    with (evidence / "holdout.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [*plan["features"], "colour", "label", "score"]
    assert plan["facets"] == [{"name": "colour", "values": ["Black"]}]
    assert (plan["problem"], plan["cutoff"], plan["content_type"]) == ("binary", 0.6, "text/csv")
    with archived.opened(archive) as opened:
        again = opened.score([[row[name] for name in plan["features"]] for row in rows[:40]])
    assert again == [float(row["score"]) for row in rows[:40]]


def drop(name: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{key: value for key, value in row.items() if key != name} for row in rows]


def put(name: str, value: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, name: value} for row in rows]


@pytest.mark.parametrize(
    ("part", "change", "sentence"),
    [
        ("test", put("released", "1"), r"All rows have one label \(1\), so nothing can be told apart"),
        ("test", put("released", "Yes"), r"The test data have the label 'Yes', neither 0 nor 1"),
        ("test", drop("colour"), r"The test data lack the column\(s\) 'colour'"),
        ("train", drop("age"), r"The train data lack the column\(s\) 'age'"),
        ("test", lambda _: [], r"The test data lack the column\(s\) "),
        ("test", lambda rows: rows[:1], r"All rows have one label"),
        ("test", put("age", "old"), r"The model answered Refusal\(status=400, sentence=\"row 1: age must be"),
    ],
)
def test_data_that_cannot_be_evaluated_end_with_one_sentence(
    part: str, change: Callable[[Rows], Rows], sentence: str, archive: Path, prepared: Path, tmp_path: Path
) -> None:
    """The reason is where SageMaker looks for it; nothing is raised, and no evidence is left."""
    code, message = run(part, change, archive, prepared, tmp_path)
    assert code == 1
    assert re.match(sentence, message), message
    assert not list((tmp_path / "out").rglob("*.json"))


def test_no_rows_under_a_header_are_named(archive: Path, prepared: Path, tmp_path: Path) -> None:
    """A part with a header alone is no evidence."""
    folder = shutil.copytree(prepared, tmp_path / "prepared")
    header = (folder / "test" / "test.csv").read_text(encoding="utf-8").partition("\n")[0]
    (folder / "test" / "test.csv").write_text(header + "\n", encoding="utf-8")
    assert evaluate.main(arguments(archive, folder, tmp_path / "out")) == 1
    assert (tmp_path / "out" / "message").read_text(encoding="utf-8").startswith("The test data have no rows")


@pytest.mark.parametrize(
    ("name", "value"), [("age", ""), ("sex", "Unknown"), ("colour", "Unheard of"), ("checks", "nan")]
)
def test_what_a_policy_judges_is_evidence_not_an_error(
    name: str, value: str, archive: Path, prepared: Path, tmp_path: Path
) -> None:
    """Missing numbers, unseen categories and an empty facet are measured; null metrics say why."""
    code, _ = run("test", put(name, value), archive, prepared, tmp_path)
    assert code == 0
    after = load(tmp_path / "out" / "evidence" / "analysis.json")["post_training_bias_metrics"]
    (impact,) = [found for found in after["facets"]["colour"][0]["metrics"] if found["name"] == "DI"]
    assert (impact["value"] is None) == (name == "colour")
    assert name != "colour" or impact["error"].startswith("Not computable")


def test_a_facet_with_empty_cells_has_no_segments(archive: Path, prepared: Path, tmp_path: Path) -> None:
    """Rows without a value are counted by the bias report; they are no group of people."""

    def lose(rows: Rows) -> Rows:
        return [{**row, "colour": "" if number < 9 else row["colour"]} for number, row in enumerate(rows)]

    assert run("test", lose, archive, prepared, tmp_path)[0] == 0
    evidence = tmp_path / "out" / "evidence"
    assert "segments" not in load(evidence / "statistics.json")["lockgate"]
    after = load(evidence / "analysis.json")["post_training_bias_metrics"]
    assert after["facets"]["colour"][0]["rows_without_value"] == 9


def test_a_training_column_without_values_is_described(archive: Path, prepared: Path, tmp_path: Path) -> None:
    """Its completeness is zero, for the checks to judge."""
    assert run("train", put("age", "NaN"), archive, prepared, tmp_path)[0] == 0
    features = load(tmp_path / "out" / "evidence" / "data_quality" / "statistics.json")["features"]
    (age,) = [feature for feature in features if feature["name"] == "age"]
    kind = next(key for key in age if key.endswith("_statistics"))
    assert age[kind]["common"] == {"num_present": 0, "num_missing": 750}


def test_an_archive_that_is_not_there_is_a_sentence(archive: Path, prepared: Path, tmp_path: Path) -> None:
    """A job without its model fails with the reason."""
    given = arguments(tmp_path / "none" / archive.name, prepared, tmp_path / "out")
    assert evaluate.main(given) == 1
    message = (tmp_path / "out" / "message").read_text(encoding="utf-8")
    assert message.startswith("model.tar.gz cannot be opened")


def test_evidence_refuses_what_is_no_number(archive: Path, prepared: Path, tmp_path: Path) -> None:
    """A score that is not finite is no evidence."""
    options = evaluate.parse(arguments(archive, prepared, tmp_path))
    examined = evaluate.examine(options)
    examined.scores[0] = float("nan")
    with pytest.raises(EvidenceError, match="Scores"):
        evaluate.evidence.measured_quality(examined)


def run(
    part: str, change: Callable[[Rows], Rows], archive: Path, prepared: Path, folder: Path
) -> tuple[int, str]:
    """Run the job on changed rows of a part; returns its exit code and message."""
    copied = Path(shutil.copytree(prepared, folder / "prepared"))
    path = copied / part / f"{part}.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        rows = change(list(csv.DictReader(stream)))
    write_csv(path, rows or [{"nothing": ""}])
    code = evaluate.main(arguments(archive, copied, folder / "out"))
    message = folder / "out" / "message"
    return code, message.read_text(encoding="utf-8") if message.exists() else ""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
