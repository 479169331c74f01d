"""The two jobs as SageMaker runs them: the packed archive, in folders of their own."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lockgate_checks.bundle import from_mapping
from lockgate_checks.integrity import Subject
from lockgate_checks.policy import parse_policy
from lockgate_checks.record import Entry, decision_document, read_decision, replay

from tests.approval.examined import (
    INFERENCE,
    ORGANIZATION,
    POOR,
    Examination,
    archive,
    evidence,
    holdout,
    scores,
)

Files = dict[str, bytes]


def reasons(decision: dict[str, Any]) -> str:
    """What is said against the version."""
    return " ".join(f["reason"] for f in decision["findings"] if f["outcome"] != "pass")


def test_a_true_declaration_of_a_good_model_is_approved(tmp_path: Path) -> None:
    """The whole way, and everything the decision rests on is written down with its digest."""
    examination = Examination(tmp_path, evidence(), archive())
    assert examination.run()["verdict"] == "approve"
    written = tmp_path / "evaluate" / "output" / "decision"
    names = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    assert names >= {"decision.json", "report.html", "predictions.csv", "evidence/champion.json", "policy.json"}
    assert set(json.loads((written / "digests.json").read_bytes())) == names - {"digests.json"}


def test_deciding_again_on_what_was_kept_gives_the_same_decision(tmp_path: Path) -> None:
    """Replayed from the stored evidence, policy and subject alone."""
    decision = Examination(tmp_path, evidence(), archive()).run()
    written = tmp_path / "evaluate" / "output" / "decision"
    bundle = from_mapping({path.stem: path.read_bytes() for path in (written / "evidence").glob("*.json")})
    said = json.loads((written / "subject.json").read_bytes())
    entry = Entry(
        0, None, Subject(said["model_package_arn"], said["evidence"], said["lineage"]), read_decision(decision)
    )
    assert decision_document(replay(entry, bundle, parse_policy(ORGANIZATION))) == decision


def test_a_better_model_replaces_the_champion_and_a_worse_one_does_not(tmp_path: Path) -> None:
    """Both models answer the same rows, whatever either declared."""
    assert Examination(tmp_path / "a", evidence(), archive(), archive(POOR)).run()["verdict"] == "approve"
    worse = Examination(tmp_path / "b", evidence(POOR), archive(POOR), archive()).run()
    assert worse["verdict"] == "reject"
    assert "champion.difference" in {f["check"] for f in worse["findings"] if f["outcome"] == "fail"}


def forged_scores() -> Files:
    """Evidence of the good model, declared for the poor one; only the lineage names the registered archive."""
    return evidence() | {"lineage.json": evidence(POOR)["lineage.json"]}


@pytest.mark.parametrize(
    "forged",
    [
        forged_scores(),
        evidence(POOR) | {"model_quality/statistics.json": evidence()["model_quality/statistics.json"]},
        evidence(POOR) | {"recomputed.json": b'{"scores": "declared"}'},
        evidence(POOR) | {"champion.json": b'{"metric": "auc", "champion": null}', "baseline_bias.json": b"{}"},
    ],
)
def test_a_project_cannot_supply_its_own_favourable_numbers(tmp_path: Path, forged: Files) -> None:
    """The registered model's own scores are judged, and the hub's documents are the hub's."""
    decision = Examination(tmp_path, forged, archive(POOR)).run()
    assert decision["verdict"] == "reject"


def test_a_forged_number_is_named_with_the_true_one(tmp_path: Path) -> None:
    """The finding is about the declaration, not only about the model."""
    decision = Examination(tmp_path, forged_scores(), archive(POOR)).run()
    assert "is declared as" in reasons(decision)


def test_declared_scores_count_where_the_organization_says_so(tmp_path: Path) -> None:
    """And the decision says it."""
    examination = Examination(tmp_path, evidence(), archive())
    examination.organization = ORGANIZATION + "recompute: declared\n"
    decision = examination.run()
    assert decision["verdict"] == "approve"
    assert "those that the project declares" in reasons(decision)


def test_a_project_cannot_loosen_the_organizations_policy(tmp_path: Path) -> None:
    """A looser limit is a mistake, and a mistake is a rejection with its text."""
    loose = b"schema: 1\nname: mine\nlimits:\n  auc: {minimum: 0.1}\n"
    decision = Examination(tmp_path, evidence() | {"policy.yaml": loose}, archive()).run()
    assert decision["verdict"] == "reject"
    assert "the minimum 0.1 is below 0.68 of acme" in reasons(decision)


def test_a_project_can_tighten_the_organizations_policy(tmp_path: Path) -> None:
    """Its own limit decides."""
    tight = b"schema: 1\nname: mine\nlimits:\n  auc: {minimum: 0.999}\n"
    decision = Examination(tmp_path, evidence() | {"policy.yaml": tight}, archive()).run()
    assert decision["verdict"] == "reject"


def test_a_pickle_runs_nowhere_but_in_the_models_own_process(tmp_path: Path) -> None:
    """Its code runs while scores are asked for, and never while the decision is made."""
    sentinel = tmp_path / "sentinel"

    class Evil:
        def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
            import os

            return os.system, (f"touch {sentinel}",)

    loading = INFERENCE.replace(
        "def model_fn(folder):",
        "def model_fn(folder):\n    import pickle\n    pickle.load((Path(folder) / 'extra.pkl').open('rb'))",
    )
    model = archive(inference=loading, **{"extra.pkl": pickle.dumps(Evil())})
    files = evidence() | {"lineage.json": json.dumps({"model_digest": digest(model)}).encode()}
    tmp_path.chmod(0o777)
    examination = Examination(tmp_path / "job", files, model)
    examination.job("recompute")
    assert sentinel.exists(), "the control: the model's own process did load it"
    sentinel.unlink()
    assert examination.evaluate()["verdict"] == "approve"
    assert not sentinel.exists()


def test_a_pickle_that_nobody_loads_never_runs(tmp_path: Path) -> None:
    """Extracting an archive loads nothing."""
    place = tmp_path / "sentinel"
    model = archive(**{"extra.pkl": b"cos\nsystem\n(S'touch %s'\ntR." % str(place).encode()})
    files = evidence() | {"lineage.json": json.dumps({"model_digest": digest(model)}).encode()}
    assert Examination(tmp_path / "job", files, model).run()["verdict"] == "approve"
    assert not place.exists()


def digest(model: bytes) -> str:
    """sha256 hex."""
    import hashlib

    return hashlib.sha256(model).hexdigest()


SPYING = """
import os
from pathlib import Path

_found = []
for root, _, names in os.walk({root!r}):
    for name in names:
        try:
            text = (Path(root) / name).read_bytes()
        except OSError:
            continue
        if b"colour" in text and b",label" in text:
            _found.append(name)
if _found:
    raise SystemExit("labels are readable in " + ", ".join(_found))
"""


def test_the_models_code_finds_no_labels(tmp_path: Path) -> None:
    """The evaluation data are gone before it runs: a search of the job's folder finds no file with labels."""
    code = SPYING.format(root=str(tmp_path / "recompute")) + INFERENCE
    model = archive(inference=code)
    files = evidence() | {"lineage.json": json.dumps({"model_digest": digest(model)}).encode()}
    examination = Examination(tmp_path, files, model)
    examination.job("recompute")
    written = json.loads((tmp_path / "recompute" / "output" / "recomputed" / "recomputed.json").read_bytes())
    assert "error" not in written["challenger"]


@pytest.mark.parametrize(
    ("inference", "said"),
    [
        ("raise RuntimeError('broken on purpose')", "broken on purpose"),
        (INFERENCE.replace("for score in scores)", "for score in scores[1:])"), "599 scores for 600 rows"),
        (INFERENCE.replace("{score:.9g}", "nan"), "not finite"),
        ("def model_fn(folder):\n    import os; os._exit(0)", "did not write scores"),
        ("while True:\n    print('x' * 1_000_000, flush=True)", "says more than"),
        ("def model_fn(folder):\n    import os; os.kill(os.getppid(), 0) or os._exit(3)", "ended with 3"),
    ],
)
def test_a_model_that_does_not_answer_is_rejected_with_the_reason(tmp_path: Path, inference: str, said: str) -> None:
    """Broken code, missing rows, numbers that are none, a log that would fill the volume."""
    model = archive(inference=inference)
    files = evidence() | {"lineage.json": json.dumps({"model_digest": digest(model)}).encode()}
    decision = Examination(tmp_path, files, model).run()
    assert decision["verdict"] == "reject"
    assert said in reasons(decision)


@pytest.mark.parametrize("name", ["../outside.json", "/outside.json", "code/evil.so", "run.sh"])
def test_an_archive_with_what_must_not_be_in_it_is_rejected(tmp_path: Path, name: str) -> None:
    """Paths that leave the folder, and kinds of files that no model is made of."""
    model = archive(**{name: b"x"})
    files = evidence() | {"lineage.json": json.dumps({"model_digest": digest(model)}).encode()}
    decision = Examination(tmp_path, files, model).run()
    assert decision["verdict"] == "reject"
    assert "the model archive holds" in reasons(decision)


def test_another_archive_than_the_registered_one_is_rejected(tmp_path: Path) -> None:
    """The bytes that answered are held against the registered digest."""
    examination = Examination(tmp_path, evidence(), archive())
    examination.digest = "0" * 64
    assert examination.run()["verdict"] == "reject"


def test_a_problem_that_was_found_before_is_the_reason_of_the_rejection(tmp_path: Path) -> None:
    """Nothing else is looked at."""
    examination = Examination(tmp_path, {}, b"no archive")
    examination.problem = "altered: the model archive has another sha256"
    decision = examination.run()
    assert [f["check"] for f in decision["findings"]] == ["evidence.examined"]
    assert "altered: the model archive" in reasons(decision)


def lose(name: str) -> Callable[[Files], Files]:
    """The files without one of them."""
    return lambda files: {key: content for key, content in files.items() if key != name}


def replaced(name: str, content: bytes) -> Callable[[Files], Files]:
    """The files with another content of one of them."""
    return lambda files: files | {name: content}


def without_label(files: Files) -> Files:
    """The evaluation data without a column that the plan names."""
    return files | {"holdout.csv": files["holdout.csv"].replace(b",label,", b",other,", 1)}


@pytest.mark.parametrize(
    "spoil",
    [
        lose("holdout.csv"),
        lose("evaluation_plan.json"),
        lose("lineage.json"),
        replaced("holdout.csv", b""),
        replaced("holdout.csv", b"age,income,colour,label,score\n"),
        replaced("holdout.csv", holdout([float("nan")] * 600)),
        replaced("evaluation_plan.json", b"[]"),
        replaced("evaluation_plan.json", b'{"problem": "binary"}'),
        replaced("model_quality/statistics.json", b"no JSON"),
        replaced("bias/analysis.json", b'{"post_training_bias_metrics": 3}'),
        replaced("lineage.json", b'{"model_digest": 1}'),
        without_label,
    ],
)
def test_evidence_that_is_spoilt_never_approves(tmp_path: Path, spoil: Callable[[Files], Files]) -> None:
    """Missing, empty, unreadable or of another form: a decision with a reason, never a traceback, never an approval."""
    decision = Examination(tmp_path, spoil(evidence()), archive()).run()
    assert decision["verdict"] != "approve"
    assert "Traceback" not in reasons(decision)


@pytest.mark.parametrize("seed", range(4))
def test_evidence_altered_after_its_registration_is_rejected(tmp_path: Path, seed: int) -> None:
    """One byte of one registered file, any file, any place."""
    draw = random.Random(seed)  # noqa: S311 - places to spoil, no secret
    examination = Examination(tmp_path, evidence(), archive())
    examination.job("recompute")
    name = draw.choice(sorted(examination.files))
    content = bytearray(examination.files[name])
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    arguments = examination.arguments()
    examination.files[name] = bytes(content)
    examination.arguments = lambda: arguments  # type: ignore[method-assign]
    assert examination.evaluate()["verdict"] == "reject"


def test_scores_of_rows_that_the_model_has_not_are_not_guessed(tmp_path: Path) -> None:
    """What the first job wrote is read strictly by the second."""
    examination = Examination(tmp_path, evidence(), archive())
    root = examination.job("recompute")
    place = root / "output" / "recomputed" / "recomputed.json"
    for content in (b"", b"[]", json.dumps({"challenger": {"scores": scores()[:-1]}, "champion": {}}).encode()):
        place.write_bytes(content)
        assert examination.evaluate()["verdict"] == "reject"
