"""Where a model version comes from (lineage.json), whether that is true, and whether it was examined on training rows.

Digests are sha256 in lower-case hexadecimal. Rows shared by training and evaluation data make every metric too good;
they are found by hash, so that only the hashes need to fit in memory.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.intervals import wilson
from lockgate_checks.errors import EvidenceError

CHUNK = 1 << 20
MOST_TWINS = 0.9
EXACT = 2.0**53
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # git names objects by SHA-1 or SHA-256
_TEXT = re.compile(r"\S+")
_FORMS = {
    "commit": (_COMMIT, "a full git commit (40 or 64 lower-case hexadecimal digits)"),
    "model_digest": (_DIGEST, "a sha256 (64 lower-case hexadecimal digits)"),
    "data_digest": (_DIGEST, "a sha256 (64 lower-case hexadecimal digits)"),
    "evaluation_data_digest": (_DIGEST, "a sha256 (64 lower-case hexadecimal digits)"),
    "image": (_TEXT, "an image's name without spaces"),
    "seed_version": (_TEXT, "a version without spaces"),
}


@dataclass(frozen=True)
class Lineage:
    """What made a model version: source commit, digests of model and data, container image, version of the seed.

    Raises:
        EvidenceError: a part has not its form; all mistakes are named together.
    """

    commit: str
    model_digest: str
    data_digest: str
    evaluation_data_digest: str
    image: str
    seed_version: str

    def __post_init__(self) -> None:
        mistakes = [
            f"{name} is {value!r}, not {form}"
            for name, (pattern, form) in _FORMS.items()
            if not (isinstance(value := getattr(self, name), str) and pattern.fullmatch(value))
        ]
        if mistakes:
            raise EvidenceError(f"lineage.json: {'; '.join(mistakes)}. Let the build that trained the model write it.")

    def document(self) -> dict[str, str]:
        """lineage.json."""
        return asdict(self)


def read_lineage(document: Any) -> Lineage:
    """Read lineage.json; parts it has beyond the known ones are left to others.

    Raises:
        EvidenceError: it is no object, or a part is missing or has not its form.
    """
    if not isinstance(document, Mapping):
        raise EvidenceError("lineage.json is missing or not an object; let the build that trained the model write it.")
    return Lineage(**{part.name: document.get(part.name) for part in fields(Lineage)})  # type: ignore[arg-type]


def differences(lineage: Lineage, found: Mapping[str, str]) -> tuple[str, ...]:
    """What of the lineage differs from what was found (say, the digest of the model archive itself); none if empty.

    A model digest that differs means that the evidence was measured on another model's predictions.

    Raises:
        EvidenceError: `found` names what is no part of a lineage.
    """
    declared = lineage.document()
    unknown = sorted(set(found) - set(declared))
    if unknown:
        raise EvidenceError(f"{', '.join(unknown)} is no part of a lineage; compare {', '.join(declared)}.")
    return tuple(
        f"{name} is declared as {declared[name]}, but {value} was found{_MEANING.get(name, '')}"
        for name, value in sorted(found.items())
        if declared[name] != value
    )


_MEANING = {
    "model_digest": ": the evidence is about another model, evaluate the registered one",
    "evaluation_data_digest": ": the evaluation data were altered, evaluate again",
    "data_digest": ": the training data are not those declared, train again or correct the declaration",
    "commit": ": the source is not the one declared, build that commit again",
}


def digest_of_stream(stream: BinaryIO) -> str:
    """The sha256 of all that is left in the stream, read in pieces of one MiB."""
    digest = hashlib.sha256()
    while piece := stream.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """The sha256 of a file.

    Raises:
        EvidenceError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return digest_of_stream(stream)
    except OSError as error:
        raise EvidenceError(f"{path.name} cannot be read for its digest ({error.strerror}); give the file.") from error


@dataclass(frozen=True)
class Overlap:
    """How many evaluation rows also stand among the training rows, and how many would by chance.

    `expected_share` is the share of training rows that have a twin among the training rows: of rows drawn from the
    same source as many have one, since coarse data repeat themselves. `repeated_rows` are evaluation rows that occur
    earlier among the evaluation rows.
    """

    training_rows: int
    evaluation_rows: int
    shared_rows: int
    repeated_rows: int
    expected_share: float

    @property
    def shared_share(self) -> float:
        """Share of evaluation rows that also stand among the training rows."""
        return self.shared_rows / self.evaluation_rows

    def document(self) -> dict[str, Any]:
        """The overlap as JSON; `leaked_share` estimates how many rows were copied, `leaked_share_lower` at least.

        With e expected and s shared, copied rows c give s = c + (1 - c) e, so c = (s - e) / (1 - e); at least: the
        same of Wilson's lower bound (99.9 %) of s. Zero at least means that chance explains what is shared. Both are
        None where 90 % of rows or more have a twin by chance: then shared rows tell nothing.
        """
        lower = wilson(self.shared_rows, self.evaluation_rows, 0.999).lower
        return {
            **asdict(self),
            "shared_share": self.shared_share,
            "leaked_share": self._copied(self.shared_share),
            "leaked_share_lower": self._copied(lower),
        }

    def _copied(self, share: float) -> float | None:
        if self.expected_share >= MOST_TWINS:
            return None
        return max(0.0, (share - self.expected_share) / (1 - self.expected_share))


def overlap(training: Iterable[Sequence[Any]], evaluation: Iterable[Sequence[Any]]) -> Overlap:
    """Count evaluation rows that also stand in the training data, comparing all their cells in order.

    Rows may come from any iterator, as of a CSV reader; 8 bytes of each are kept. Cells that are the same number are
    equal however they are written (1, 1.0, "1.00"), up to 2^53.

    Raises:
        EvidenceError: one side has no rows, or the sides have different numbers of cells.
    """
    (trained, width), (examined, other) = row_hashes(training), row_hashes(evaluation)
    if not len(trained) or not len(examined):
        raise EvidenceError("Training or evaluation data have no rows, so their overlap is unknown; give both.")
    if width != other:
        raise EvidenceError(f"Training rows have {width} cells, evaluation rows {other}; give the same columns.")
    known, counts = np.unique(trained, return_counts=True)
    return Overlap(
        training_rows=len(trained),
        evaluation_rows=len(examined),
        shared_rows=int(np.isin(examined, known).sum()),
        repeated_rows=len(examined) - len(np.unique(examined)),
        expected_share=float(counts[counts > 1].sum() / len(trained)),
    )


def row_hashes(rows: Iterable[Sequence[Any]]) -> tuple[NDArray[np.uint64], int]:
    """A 64-bit hash of each row, and how many cells the rows have.

    Raises:
        EvidenceError: rows differ in their number of cells.
    """
    width = -1

    def hashed() -> Iterable[int]:
        nonlocal width
        for number, row in enumerate(rows):
            if width not in {-1, len(row)}:
                raise EvidenceError(f"Row {number} has {len(row)} cells, rows before it {width}; correct the file.")
            width = len(row)
            text = "\x1f".join([_cell(value) for value in row])
            yield int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    return np.fromiter(hashed(), dtype=np.uint64), width


def _cell(value: Any) -> str:
    """A number's shortest form, or the text with the separator escaped; a missing value is the empty text."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        text = "" if value is None else str(value)
        return text.replace("\\", "\\\\").replace("\x1f", "\\u")
    exact = abs(number) < EXACT  # beyond, different identifiers would become the same number
    return repr(number + 0.0) if exact else str(value)
