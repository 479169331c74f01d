from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

import archived
import train


@pytest.mark.parametrize("kind", ["link", "outside", "truncated", "missing", "without code"])
def test_an_archive_that_cannot_be_trusted_is_refused(kind: str, archive: Path, tmp_path: Path) -> None:
    """Links, paths that leave the folder, broken files and archives without code are errors with a reason."""
    bad = tmp_path / "model.tar.gz"
    if kind == "truncated":
        bad.write_bytes(archive.read_bytes()[:200])
    elif kind != "missing":
        with tarfile.open(bad, "w:gz") as tar:
            entry = tarfile.TarInfo({"outside": "../outside"}.get(kind, "inside"))
            entry.type, entry.linkname = (
                (tarfile.SYMTYPE, "/etc") if kind == "link" else (tarfile.REGTYPE, "")
            )
            tar.addfile(entry, io.BytesIO())
    with pytest.raises(archived.EvaluationError, match=r"^model\.tar\.gz "), archived.opened(bad):
        pass
    assert not (tmp_path.parent / "outside").exists()


def test_code_that_breaks_is_blamed(trained: train.Trained, tmp_path: Path) -> None:
    """Whatever the archive's own code raises becomes one sentence that names it."""
    train.save(trained, tmp_path / "content")
    code = tmp_path / "content" / "code" / "inference.py"
    code.write_text("def model_fn(folder):\n    return 1 / 0\n", encoding="utf-8")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "content", "")
    with (
        pytest.raises(archived.EvaluationError, match=r"^code/inference\.py failed: ZeroDivisionError"),
        archived.opened(tmp_path / "model.tar.gz"),
    ):
        pass


def test_every_encoded_column_is_of_a_feature(trained: train.Trained, archive: Path) -> None:
    """Numbers have one column, categories one for each value seen in training."""
    with archived.opened(archive) as opened:
        matrix, columns = opened.encode([["2000", "21", "3", "Male", "Yes", "No"]])
    assert matrix.shape == (1, len(columns))
    assert columns == ["year", "age", "checks", *["sex"] * 2, *["employed"] * 2, *["citizen"] * 2]
