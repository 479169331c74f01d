"""An evidence bundle: the reports about one model version, read strictly and named as checks ask for them.

- model_quality: Model Monitor's model-quality statistics (model_quality/statistics.json, statistics.json)
- bias: Clarify's analysis, of bias and of feature importance (bias/analysis.json, analysis.json)
- data_quality: Model Monitor's data-quality statistics (data_quality/statistics.json)
- data_constraints: Model Monitor's data constraints (data_quality/constraints.json)
- champion: the comparison with the approved version
- lineage: commit, digests, image, version of the seed
- any other lower-case name: evidence that an organization's own checks ask for

Each is the file NAME.json of the folder, or the file named behind it. The approved version's documents have the same
names behind `baseline_`. What cannot be read is not left out: it is kept as a problem with its reason, so that no
decision overlooks it. Documents are deeply read-only, because organizations' own checks receive them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lockgate_checks.canonical import canonical, sha256
from lockgate_checks.errors import EvidenceError
from lockgate_checks.frozen import frozen

MOST_BYTES = 32 * 1024**2  # a document of statistics has some kilobytes; nobody reads a larger one
MOST_DOCUMENTS = 64
BASELINE = "baseline_"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PLACES = {
    "model_quality": ("model_quality/statistics.json", "statistics.json"),
    "bias": ("bias/analysis.json", "analysis.json"),
    "data_quality": ("data_quality/statistics.json",),
    "data_constraints": ("data_quality/constraints.json",),
}
_ELSEWHERE = {place: name for name, places in _PLACES.items() for place in places}


@dataclass(frozen=True)
class Bundle:
    """Documents by name, the sha256 of each as it was stored, and why others could not be read."""

    documents: Mapping[str, Any]
    digests: Mapping[str, str]
    problems: Mapping[str, str]


def document_files(folder: Path) -> dict[str, Path]:
    """Return the documents' files of a folder by the documents' names.

    Raises:
        EvidenceError: the folder does not exist, or holds a document twice.
    """
    found: dict[str, Path] = {}
    for name, place in _contents(folder):
        if name in found:
            raise EvidenceError(f"{name} is there twice, as {found[name].name} and {place.name}; keep one.")
        found[name] = place
    return found


def load_folder(folder: Path, baseline: Path | None = None) -> Bundle:
    """Read the documents of a folder, and those of the approved version's folder as its baseline.

    Raises:
        EvidenceError: a folder does not exist.
    """
    contents = list(_contents(folder))
    if baseline is not None:
        contents += [(BASELINE + name, place) for name, place in _contents(baseline)]
    return _bundle((name, _stored(place)) for name, place in contents)


def from_mapping(documents: Mapping[str, Any]) -> Bundle:
    """Take documents from memory: each as JSON text, as bytes, or as the value that JSON text stands for."""
    return _bundle((name, _encoded(document)) for name, document in documents.items())


def parse(content: bytes) -> Any:
    """Read one document: an object in UTF-8, without NaN, infinities or keys that occur twice.

    Raises:
        EvidenceError: it is anything else; the text says what.
    """
    if len(content) > MOST_BYTES:
        raise EvidenceError(f"it has more than {MOST_BYTES} bytes")
    try:
        document = json.loads(
            content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
        document = frozen(document)
    except RecursionError:
        raise EvidenceError("it is nested too deeply") from None
    except ValueError as error:
        raise EvidenceError(f"it is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise EvidenceError("it is no JSON object")
    return document


def _bundle(contents: Iterable[tuple[str, bytes | str]]) -> Bundle:
    """Parse all contents; a text in place of bytes is the reason why there are none."""
    documents: dict[str, Any] = {}
    digests: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name, content in contents:
        try:
            if isinstance(content, str):
                raise EvidenceError(content)
            if name in digests:
                raise EvidenceError("it is there twice, under two file names; keep one")
            if len(digests) >= MOST_DOCUMENTS:
                raise EvidenceError(f"there are more than {MOST_DOCUMENTS} documents")
            digests[name] = sha256(content)
            documents[name] = parse(content)
        except EvidenceError as error:
            problems[name] = str(error)
            documents.pop(name, None)
    return Bundle(*(MappingProxyType(part) for part in (documents, digests, problems)))


def _contents(folder: Path) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise EvidenceError(f"{folder} is no folder; give the folder that holds the evidence documents.")
    for place in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
        relative = place.relative_to(folder)
        if relative.as_posix() in _ELSEWHERE:
            yield _ELSEWHERE[relative.as_posix()], place
        elif len(relative.parts) == 1 and _NAME.fullmatch(place.stem):
            yield place.stem, place


def _stored(place: Path) -> bytes | str:
    try:
        if not place.is_file() or place.stat().st_size > MOST_BYTES:
            return f"it is no file of at most {MOST_BYTES} bytes"
        return place.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _encoded(document: Any) -> bytes | str:
    if isinstance(document, bytes):
        return document
    try:
        return document.encode("utf-8") if isinstance(document, str) else canonical(document)
    except (TypeError, ValueError, RecursionError) as error:
        return f"it is no JSON: {error}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return members


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number
