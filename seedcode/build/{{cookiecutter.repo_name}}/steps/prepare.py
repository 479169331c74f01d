"""Prepare: check the table, encode its label as 1 or 0, and split its rows for training, validation and test.

Feature cells are passed on as they are written in the source, because that is what callers of the endpoint
will send. Runs in a SageMaker processing job; every path is an argument with the container's path as default.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, str]
Table = Mapping[str, Any]  # table.json: what the columns mean and how to split

MESSAGE_BYTES = 1024  # SageMaker shows the first KB of /opt/ml/output/message as the job's ExitMessage


class DataError(Exception):
    """The data cannot be used; the text says what is wrong and where, for the person who owns the table."""


@dataclass(frozen=True)
class Parts:
    """The rows of the table, each in exactly one part."""

    train: list[Row]
    validation: list[Row]
    test: list[Row]


def features(table: Table) -> list[str]:
    """The model's input columns, in the order that holds everywhere."""
    return [*table["numeric_features"], *table["categorical_features"]]


def needed_columns(table: Table) -> list[str]:
    """Label, facets and features, each once."""
    return list(dict.fromkeys([table["label"], *table["facets"], *features(table)]))


def read_rows(files: Sequence[Path], table: Table) -> list[Row]:
    """All rows of all files, with only the columns the table names.

    Raises:
        DataError: there is no file, no row, or a column is missing.
    """
    if not files:
        raise DataError("There is no .csv file in the input data: check data.location in config.toml.")
    rows: list[Row] = []
    for path in files:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows += _selected(path.name, reader, table)
    if not rows:
        raise DataError("The input data has a header but no rows.")
    return rows


def _selected(name: str, reader: csv.DictReader[str], table: Table) -> Iterable[Row]:
    wanted, present = needed_columns(table), reader.fieldnames or []
    missing = [column for column in wanted if column not in present]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise DataError(
            f"{name} lacks the column{plural} {_quoted(missing)}; it has {_quoted(present)}. "
            "Correct the data, or the column names in config.toml."
        )
    for row in reader:
        if any(row[column] is None for column in wanted):
            raise DataError(f"{name} line {reader.line_num} has fewer cells than the header.")
        yield {column: row[column].strip() for column in wanted}


def check_rows(rows: Sequence[Row], table: Table) -> None:
    """Refuse a table the model could not be trained on or measured with.

    Raises:
        DataError: naming every column at fault.
    """
    mistakes = [*_mistyped(rows, table["numeric_features"]), *_label_mistakes(rows, table)]
    for facet, values in table["facets"].items():
        absent = [value for value in values if all(row[facet] != value for row in rows)]
        mistakes += [f"column {facet!r} never has the facet value {value!r}" for value in absent]
    if mistakes:
        raise DataError(f"The input data cannot be used: {'; '.join(mistakes)}.")


def _mistyped(rows: Sequence[Row], columns: Sequence[str]) -> Iterable[str]:
    for column in columns:
        wrong = [row[column] for row in rows if row[column] and not _is_number(row[column])]
        if wrong:
            first = f"(the first is {wrong[0]!r})"
            yield f"column {column!r} must be numeric but {len(wrong)} cells are not {first}"


def _label_mistakes(rows: Sequence[Row], table: Table) -> Iterable[str]:
    label, positive = table["label"], table["positive_label"]
    values = {row[label] for row in rows}
    if "" in values:
        yield f"label column {label!r} has empty cells"
    if positive not in values:
        yield f"label column {label!r} never has the positive value {positive!r}"
    if len(values - {"", positive}) != 1:
        yield f"label column {label!r} must have exactly two values, and has {_quoted(sorted(values))}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _quoted(names: Iterable[str]) -> str:
    names = list(names)
    shown = ", ".join(repr(name) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "") if names else "none"


def encode_label(rows: Iterable[Row], table: Table) -> list[Row]:
    """The same rows with the label as "1" (positive) or "0"."""
    label, positive = table["label"], table["positive_label"]
    return [{**row, label: "1" if row[label] == positive else "0"} for row in rows]


def share_out(rows: Sequence[Row], table: Table) -> Parts:
    """Shuffle with the configured seed and cut: the same table gives the same parts.

    Raises:
        DataError: a part has fewer than two rows of one label, too few to measure anything with.
    """
    shuffled = list(rows)
    random.Random(table["seed"]).shuffle(shuffled)  # noqa: S311  a split, not a secret
    tests = round(len(rows) * table["test_fraction"])
    validations = round(len(rows) * table["validation_fraction"])
    cut = tests + validations
    parts = Parts(train=shuffled[cut:], validation=shuffled[tests:cut], test=shuffled[:tests])
    for name, part in vars(parts).items():
        positives = sum(row[table["label"]] == "1" for row in part)
        if min(positives, len(part) - positives) < 2:
            raise DataError(
                f"The {name} part has {len(part)} rows, {positives} of them positive, but needs at least two "
                "rows of each label: give more data, or other fractions in config.toml."
            )
    return parts


def digest(files: Sequence[Path]) -> str:
    """sha256 of the input bytes, file after file."""
    total = hashlib.sha256()
    for path in files:
        total.update(path.read_bytes())
    return total.hexdigest()


def prepare(table: Table, input_dir: Path, output_dir: Path) -> Parts:
    """Read, check and split the table; write each part with its rows and what the columns mean."""
    files = sorted(input_dir.rglob("*.csv"))
    rows = read_rows(files, table)
    check_rows(rows, table)
    parts = share_out(encode_label(rows, table), table)
    described = {
        **table,
        "data_digest": digest(files),
        "rows": {name: len(part) for name, part in vars(parts).items()},
    }
    for name, part in vars(parts).items():
        folder = output_dir / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.json").write_text(json.dumps(described, indent=1, sort_keys=True), encoding="utf-8")
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, needed_columns(table), lineterminator="\n")
            writer.writeheader()
            writer.writerows(part)
    return parts


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a processing job; a problem with the data becomes the job's exit message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=Path("/opt/ml/processing/input/code/table.json"))
    parser.add_argument("--input-dir", type=Path, default=Path("/opt/ml/processing/input/data"))
    parser.add_argument("--output-dir", type=Path, default=Path("/opt/ml/processing/output"))
    parser.add_argument("--message-file", type=Path, default=Path("/opt/ml/output/message"))
    options = parser.parse_args(argv)
    try:
        table = json.loads(options.table.read_text(encoding="utf-8"))
        parts = prepare(table, options.input_dir, options.output_dir)
    except DataError as error:
        print(error, file=sys.stderr)
        options.message_file.parent.mkdir(parents=True, exist_ok=True)
        options.message_file.write_bytes(str(error).encode()[:MESSAGE_BYTES])
        return 1
    print("rows:", ", ".join(f"{name} {len(part)}" for name, part in vars(parts).items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
