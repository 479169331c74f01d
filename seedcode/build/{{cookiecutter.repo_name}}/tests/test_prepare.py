from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import prepare
from conftest import write_csv

Rows = list[dict[str, str]]


def test_every_row_is_in_exactly_one_part(prepared: Path, rows: Rows, table: dict[str, Any]) -> None:
    """Nothing is lost or used twice, and the fractions are the configured ones."""
    described = json.loads((prepared / "test" / "table.json").read_text(encoding="utf-8"))
    assert described["rows"] == {"train": 750, "validation": 300, "test": 450}
    written = [
        row for name in ("train", "validation", "test") for row in read(prepared / name / f"{name}.csv")
    ]
    expected = prepare.encode_label([{column: row[column] for column in written[0]} for row in rows], table)
    assert sorted(map(str, written)) == sorted(map(str, expected))


def test_the_same_table_gives_the_same_parts(prepared: Path, table: dict[str, Any], tmp_path: Path) -> None:
    """Preparing twice writes the same bytes; another seed does not."""
    prepare.prepare(table, prepared / "input", tmp_path / "again")
    prepare.prepare({**table, "seed": 21}, prepared / "input", tmp_path / "other")
    part = Path("train", "train.csv")
    assert (tmp_path / "again" / part).read_bytes() == (prepared / part).read_bytes()
    assert (tmp_path / "other" / part).read_bytes() != (prepared / part).read_bytes()


def test_missing_columns_are_all_named(rows: Rows, table: dict[str, Any], tmp_path: Path) -> None:
    """One sentence names every missing column and what is there, also as the job's exit message."""
    lacking = [
        {key: value for key, value in row.items() if key not in ("age", "colour")} for row in rows[:50]
    ]
    code, message = run(lacking, table, tmp_path)
    assert code == 1
    assert message.startswith("table.csv lacks the columns 'colour', 'age'; it has 'released', 'year'")


def test_mistyped_cells_are_counted_and_shown(rows: Rows, table: dict[str, Any], tmp_path: Path) -> None:
    """A text where a number must be, and a label with three values, are reported together."""
    wrong = [{**row, "age": "old" if number < 3 else row["age"]} for number, row in enumerate(rows)]
    wrong[0]["released"] = "Maybe"
    code, message = run(wrong, table, tmp_path)
    assert code == 1
    assert "column 'age' must be numeric but 3 cells are not (the first is 'old')" in message
    assert "label column 'released' must have exactly two values, and has 'Maybe', 'No', 'Yes'" in message


def test_an_empty_input_folder_is_a_clear_error(table: dict[str, Any], tmp_path: Path) -> None:
    """No file at all is a problem of the address, and says so."""
    with pytest.raises(prepare.DataError, match=r"no .csv file .* data.location"):
        prepare.prepare(table, tmp_path, tmp_path)


def test_a_part_without_both_labels_is_refused(rows: Rows, table: dict[str, Any], tmp_path: Path) -> None:
    """Too little data to measure with is an error, not a wrong measurement."""
    code, message = run(rows[:8], table, tmp_path)
    assert code == 1
    assert "at least two rows of each label" in message


def test_a_long_message_is_cut_to_what_sagemaker_shows(
    rows: Rows, table: dict[str, Any], tmp_path: Path
) -> None:
    """The exit message is at most 1 KB."""
    many = [f"column_with_a_very_long_name_{'x' * 100}_{number}" for number in range(20)]
    run(rows[:50], {**table, "numeric_features": many}, tmp_path)
    assert len((tmp_path / "message").read_bytes()) <= 1024


def run(rows: Rows, table: dict[str, Any], folder: Path) -> tuple[int, str]:
    """Run the step's main on rows; returns its exit code and message."""
    write_csv(folder / "in" / "table.csv", rows)
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
    paths = {"table": "table.json", "input-dir": "in", "output-dir": "out", "message-file": "message"}
    code = prepare.main([part for name, path in paths.items() for part in (f"--{name}", str(folder / path))])
    return code, (folder / "message").read_text(encoding="utf-8")


def read(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
