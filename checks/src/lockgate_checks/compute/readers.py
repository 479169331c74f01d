"""Reads tables chunk by chunk, so that data larger than memory can be measured."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from lockgate_checks.compute.cells import Chunk
from lockgate_checks.errors import EvidenceError

ROWS = 1 << 16


def read_chunks(path: Path, *, columns: Sequence[str] | None = None, rows: int = ROWS) -> Iterator[Chunk]:
    """Yield the rows of a CSV or Parquet file, or of all such files in a directory in the order of their names.

    A file is known by its ending: .csv, .parquet. CSV cells are texts. Only the named columns are kept, if any are.

    Raises:
        EvidenceError: there is no such file, a column is missing, a row does not fit the header, or the file cannot be
            read as what its ending says.
    """
    for file in _files(path):
        yield from (_csv if file.suffix.lower() == ".csv" else _parquet)(file, columns, rows)


def _files(path: Path) -> list[Path]:
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in found if file.is_file() and file.suffix.lower() in {".csv", ".parquet"}]
    if not files:
        raise EvidenceError(f"{path.name} is, or holds, no .csv or .parquet file.")
    return files


def _csv(path: Path, columns: Sequence[str] | None, rows: int) -> Iterator[Chunk]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = next(reader, [])
            wanted = _wanted(path, header, columns)
            lines = filter(None, reader)
            while block := list(islice(lines, rows)):
                if any(len(line) != len(header) for line in block):
                    raise EvidenceError(_misfit(path, header, block))
                cells = list(zip(*block, strict=True))
                yield {name: _objects(cells[header.index(name)]) for name in wanted}
    except (csv.Error, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path.name} cannot be read as CSV in UTF-8: {error}.") from None


def _objects(cells: Iterable[Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    cells = list(cells)
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def _misfit(path: Path, header: Sequence[str], block: Sequence[Sequence[str]]) -> str:
    line = next(line for line in block if len(line) != len(header))
    return f"{path.name}: a row has {len(line)} cells under {len(header)} headings, beginning {','.join(line[:3])!r}."


def _parquet(path: Path, columns: Sequence[str] | None, rows: int) -> Iterator[Chunk]:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise EvidenceError(
            f"{path.name} is Parquet, which needs the package pyarrow; install it or use CSV."
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            wanted = _wanted(path, file.schema_arrow.names, columns)
            for batch in file.iter_batches(batch_size=rows, columns=list(wanted)):
                yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in wanted}
    except arrow.ArrowException as error:
        raise EvidenceError(f"{path.name} cannot be read as Parquet: {error}.") from None


def _wanted(path: Path, header: Sequence[str], columns: Sequence[str] | None) -> tuple[str, ...]:
    twice = sorted({name for name in header if header.count(name) > 1})
    if not header or twice:
        raise EvidenceError(f"{path.name} has no header, or names columns twice: {', '.join(twice) or 'empty file'}.")
    missing = [name for name in columns or () if name not in header]
    if missing:
        raise EvidenceError(
            f"{path.name} lacks the column(s) {', '.join(map(repr, missing))}; it has {', '.join(map(repr, header))}."
        )
    return tuple(dict.fromkeys(columns or header))
