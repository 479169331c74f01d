"""Reading CSV and Parquet chunk by chunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lockgate_checks import EvidenceError
from lockgate_checks.compute.readers import read_chunks
from lockgate_checks.compute.statistics import statistics


def test_csv_is_read_in_chunks_of_text(tmp_path: Path) -> None:
    """Only the named columns, in chunks of the wanted size; blank lines and a byte order mark are no cells."""
    (tmp_path / "a.csv").write_text('\ufeffx,y\n1,red\n\n2,\n3,"a,b"\n', encoding="utf-8")
    chunks = [{name: column.tolist() for name, column in part.items()} for part in read_chunks(tmp_path, rows=2)]
    assert chunks == [{"x": ["1", "2"], "y": ["red", ""]}, {"x": ["3"], "y": ["a,b"]}]
    assert [list(part) for part in read_chunks(tmp_path / "a.csv", columns=["y"])] == [["y"]]


def test_parquet_and_csv_of_the_same_data_have_the_same_statistics(tmp_path: Path) -> None:
    """Several files of a directory are one data set."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "csv").mkdir()
    (tmp_path / "parquet").mkdir()
    for part in range(3):
        numbers = np.random.default_rng(part).normal(0, 1, 50).tolist()
        words = ["a", "b"] * 25
        parquet.write_table(arrow.table({"x": numbers, "y": words}), tmp_path / "parquet" / f"{part}.parquet")
        lines = "".join(f"{x!r},{y}\n" for x, y in zip(numbers, words, strict=True))
        (tmp_path / "csv" / f"{part}.csv").write_text(f"x,y\n{lines}", encoding="utf-8")
    assert statistics(read_chunks(tmp_path / "csv", rows=7)) == statistics(read_chunks(tmp_path / "parquet"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "no header"),
        ("a.csv", b"x,x\n1,2\n", "names columns twice: x"),
        ("a.csv", b"x,z\n1,2\n", r"lacks the column\(s\) 'y'; it has 'x', 'z'"),
        ("a.csv", b"x,y\n1\n", "a row has 1 cells under 2 headings"),
        ("a.csv", b"x,y\n\xff,1\n", "cannot be read as CSV in UTF-8"),
        ("a.parquet", b"x,y\n1,2\n", "cannot be read as Parquet"),
        ("a.txt", b"x,y\n1,2\n", "no .csv or .parquet file"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """Each with what is wrong."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EvidenceError, match=words):
        list(read_chunks(tmp_path / name, columns=["y"]))
