"""Reading an evidence bundle from a folder or from memory."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from lockgate_checks import bundle as module
from lockgate_checks.bundle import from_mapping, load_folder, parse
from lockgate_checks.errors import EvidenceError


def write(folder: Path, **documents: Any) -> Path:
    """Write documents into files; `__` in a name separates a folder."""
    for name, document in documents.items():
        place = folder / f"{name.replace('__', '/')}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(document if isinstance(document, str) else json.dumps(document))
    return folder


def test_documents_are_found_under_the_names_by_which_checks_ask(tmp_path: Path) -> None:
    """Both a flat folder and the job's folders with AWS's file names are understood."""
    write(tmp_path, model_quality={"a": 1}, bias__analysis={"b": 1}, champion={"c": 1}, transcripts={"d": 1})
    write(tmp_path, data_quality__statistics={"e": 1}, data_quality__constraints={"f": 1}, other__statistics={"g": 1})
    bundle = load_folder(tmp_path)
    assert {name: dict(document) for name, document in bundle.documents.items()} == {
        "model_quality": {"a": 1},
        "bias": {"b": 1},
        "champion": {"c": 1},
        "transcripts": {"d": 1},
        "data_quality": {"e": 1},
        "data_constraints": {"f": 1},
    }
    assert not bundle.problems


def test_the_reports_of_a_build_are_understood_as_they_are(tmp_path: Path) -> None:
    """statistics.json is the model's quality, analysis.json its bias."""
    bundle = load_folder(write(tmp_path, statistics={"a": 1}, analysis={"b": 1}))
    assert set(bundle.documents) == {"model_quality", "bias"}


def test_the_approved_versions_documents_have_names_of_their_own(tmp_path: Path) -> None:
    """They come from a second folder, or stand beside the others."""
    current = write(tmp_path / "now", bias={"a": 1})
    approved = write(tmp_path / "before", bias={"a": 2}, data_quality__statistics={"b": 1})
    bundle = load_folder(current, approved)
    assert set(bundle.documents) == {"bias", "baseline_bias", "baseline_data_quality"}
    assert bundle.documents["baseline_bias"] == {"a": 2}
    write(current, baseline_bias={"a": 3})
    assert load_folder(current).documents["baseline_bias"] == {"a": 3}
    assert "twice" in load_folder(current, approved).problems["baseline_bias"]


def test_digests_are_of_the_bytes_as_stored(tmp_path: Path) -> None:
    """A changed space is a changed document."""
    write(tmp_path, bias='{"a": 1}', champion='{"a":1}')
    digests = load_folder(tmp_path).digests
    assert digests["bias"] == hashlib.sha256(b'{"a": 1}').hexdigest()
    assert digests["bias"] != digests["champion"]
    assert from_mapping({"x": {"a": 1}}).digests["x"] == digests["champion"]
    assert from_mapping({"x": b'{"a": 1}', "y": '{"a": 1}'}).digests == {"x": digests["bias"], "y": digests["bias"]}


def test_a_document_given_twice_is_a_problem(tmp_path: Path) -> None:
    """Nobody knows which of them counts."""
    bundle = load_folder(write(tmp_path, bias={"a": 1}, analysis={"a": 2}))
    assert "bias" not in bundle.documents
    assert "twice" in bundle.problems["bias"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("nonsense", "no JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON object"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number"),
        ('{"a": 1e999}', "1e999 is too large"),
        ('{"a": 1, "a": 2}', "a key occurs twice"),
        ('{"b": {"a": 1, "a": 2}}', "a key occurs twice"),
        ('{"a": 1' + "0" * 5000 + "}", "no JSON"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"a":' * 900 + "1" + "}" * 900, "nested too deeply"),
        ('\ufeff{"a": 1}', "no JSON"),
    ],
)
def test_what_is_no_strict_json_object_is_a_problem(tmp_path: Path, text: str, said: str) -> None:
    """The document is left out, and the reason kept."""
    bundle = load_folder(write(tmp_path, bias=text))
    if said == "nested too deeply" and not bundle.problems:
        pytest.skip("this interpreter nests deeper")
    assert not bundle.documents
    assert said in bundle.problems["bias"]


def test_bytes_that_are_not_utf_8_are_a_problem() -> None:
    """Reports are UTF-8."""
    assert "no JSON" in from_mapping({"bias": b"\xff{}"}).problems["bias"]


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, {"a": float("inf")}, {"a": object()}])
def test_a_value_in_memory_that_is_no_json_is_a_problem(value: Any) -> None:
    """NaN from a computation is not taken for evidence."""
    assert "no JSON" in from_mapping({"bias": value}).problems["bias"]


def test_sizes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document beyond the limit is not read, and too many documents are not either."""
    monkeypatch.setattr(module, "MOST_BYTES", 20)
    monkeypatch.setattr(module, "MOST_DOCUMENTS", 2)
    write(tmp_path, bias={"a": 1}, champion={"a": "x" * 20}, lineage={"a": 1}, transcripts={"a": 1})
    bundle = load_folder(tmp_path)
    assert set(bundle.documents) == {"bias", "lineage"}
    assert "at most 20 bytes" in bundle.problems["champion"]
    assert "more than 2 documents" in bundle.problems["transcripts"]
    with pytest.raises(EvidenceError, match="more than 20 bytes"):
        parse(b'{"a": 1}' + b" " * 20)
    assert parse(b'{"a": 1}' + b" " * 12) == {"a": 1}


def test_what_is_no_file_is_a_problem(tmp_path: Path) -> None:
    """A folder or a broken link named like a document is not overlooked."""
    (tmp_path / "bias.json").mkdir()
    (tmp_path / "lineage.json").symlink_to(tmp_path / "nowhere")
    assert set(load_folder(tmp_path).problems) == {"bias", "lineage"}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The message says what to give."""
    with pytest.raises(EvidenceError, match="is no folder"):
        load_folder(tmp_path / "nowhere")


def test_documents_cannot_be_changed() -> None:
    """Every change to any part is refused, and copies are ordinary values."""
    document = from_mapping({"x": {"a": [1, {"b": 2}]}}).documents["x"]
    for change in (
        lambda: document.update(a=1),
        lambda: document["a"].append(1),
        lambda: document["a"].sort(key=str),
        lambda: document["a"][1].pop("b"),
        lambda: document.__setitem__("a", 1),
        lambda: document["a"].__delitem__(0),
    ):
        with pytest.raises(TypeError, match="cannot be changed"):
            change()
    assert json.loads(json.dumps(document)) == document == {"a": [1, {"b": 2}]}
