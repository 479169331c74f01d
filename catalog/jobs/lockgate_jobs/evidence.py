"""The evidence as it is judged: what the project declared and registered, and what the hub measured itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_checks.bundle import BASELINE, document_files, parse
from lockgate_checks.canonical import canonical
from lockgate_checks.errors import EvidenceError
from lockgate_checks.integrity import EXAMINATION
from lockgate_checks.recomputation import DOCUMENT, TOLERANCE, comparison

from lockgate_jobs import measuring
from lockgate_jobs.case import CHALLENGER, CHAMPION, Case
from lockgate_jobs.holdout import Holdout, read_holdout

Documents = dict[str, bytes]
HUBS_OWN = frozenset({"champion", "manifest", "evaluation_plan", DOCUMENT, EXAMINATION})
"""Names that a project cannot give evidence under: these documents are the hub's, or are none."""

_SCORE = "score"


@dataclass(frozen=True)
class Judged:
    """Documents by name as they are judged, digests that were registered, and the scores behind them, by model."""

    documents: Documents
    registered: Mapping[str, str]
    scores: Mapping[str, list[float]]


def gather(case: Case, metric: str | None) -> Judged:
    """Put the evidence together; `metric` is the one by which the policy compares versions.

    Raises:
        EvidenceError: what was registered is altered, or cannot be measured.
    """
    manifest = registered_files(case)
    declared = declared_documents(case.evidence)
    holdout, asked = read_holdout(case.evidence), _asked(case)
    scores = _scores(holdout, asked)
    documents = dict(declared)
    if CHALLENGER in scores:
        documents |= _measured(holdout, scores[CHALLENGER], declared, asked)
    else:
        documents[DOCUMENT] = canonical({"scores": "model", "error": asked[CHALLENGER].get("error", "unknown")})
    documents |= _champion(case, holdout, scores, metric) | _uncompared(case, asked, scores)
    kept = {name for name in declared if documents.get(name) == declared[name]}
    digests = {name: digest for name, digest in _by_name(case.evidence, manifest).items() if name in kept}
    return Judged(documents, digests, scores)


def registered_files(case: Case) -> dict[str, str]:
    """Return the manifest's digests, after every file was held against its own.

    Raises:
        EvidenceError: the manifest or a file is not the registered one.
    """
    content = _bytes(case.evidence / "manifest.json")
    if hashlib.sha256(content).hexdigest() != case.evidence_digest:
        raise EvidenceError("altered: manifest.json of the evidence is not the registered one")
    files: dict[str, str] = json.loads(content)["files"]
    present = {path.relative_to(case.evidence).as_posix() for path in case.evidence.rglob("*") if path.is_file()}
    unknown = sorted(present - files.keys() - {"manifest.json"})
    if unknown:
        raise EvidenceError(f"altered: {unknown[0]} lies among the evidence but was not registered")
    for name, digest in files.items():
        if hashlib.sha256(_bytes(case.evidence / name)).hexdigest() != digest:
            raise EvidenceError(f"altered: {name} of the evidence is not the registered one")
    return files


def declared_documents(folder: Path) -> Documents:
    """Return the documents of a project's evidence folder that it may give."""
    return {
        name: _bytes(place)
        for name, place in document_files(folder).items()
        if name not in HUBS_OWN and not name.startswith(BASELINE)
    }


def _asked(case: Case) -> dict[str, Any]:
    document = parse(_bytes(case.recomputed / "recomputed.json"))
    return {name: dict(document.get(name) or {}) for name in (CHALLENGER, CHAMPION)}


def _scores(holdout: Holdout, asked: Mapping[str, Any]) -> dict[str, list[float]]:
    found = {}
    for name, answer in asked.items():
        if answer.get("declared"):
            found[name] = measuring.numbers(holdout.columns[holdout.plan.score])
        elif "scores" in answer:
            found[name] = [float(score) for score in answer["scores"]]
        if name in found and len(found[name]) != len(holdout):
            raise EvidenceError(f"there are {len(found[name])} scores for {len(holdout)} rows")
    return found


def _measured(holdout: Holdout, scores: list[float], declared: Documents, asked: Mapping[str, Any]) -> Documents:
    if asked[CHALLENGER].get("declared"):
        return {DOCUMENT: canonical({"scores": "declared", "rows": len(scores)})}
    before = {name: _parsed(declared, name) for name in ("model_quality", "bias")}
    now: dict[str, Any] = {"model_quality": measuring.quality(holdout, scores, before["model_quality"])}
    bias = measuring.bias_of(holdout, scores, before["bias"])
    if bias is not None:
        now["bias"] = bias
    stated = measuring.numbers(holdout.columns[holdout.plan.score])
    known = {
        "scores": "model",
        "model_digest": asked[CHALLENGER]["model_digest"],
        "rows": len(scores),
        "tolerance": TOLERANCE,
        "largest_difference": _largest_difference(stated, scores),
        "metrics": comparison(before, now),
    }
    return {name: canonical(document) for name, document in {**now, DOCUMENT: known}.items()}


def _largest_difference(stated: list[float], scores: list[float]) -> float:
    """By how much a declared score differs at most: absolutely for scores up to 1, else by the largest score."""
    return max(abs(a - b) for a, b in zip(stated, scores, strict=True)) / max(1.0, *map(abs, scores))


def _champion(case: Case, holdout: Holdout, scores: Mapping[str, list[float]], metric: str | None) -> Documents:
    """champion.json and the approved version's documents; without a comparison its check says what is missing."""
    if not case.champion:
        return {"champion": canonical({"metric": metric or "auc", "champion": None})}
    judged = case.baseline / "evidence"
    files = document_files(judged) if judged.is_dir() else {}
    found = {
        BASELINE + name: _bytes(place)
        for name, place in files.items()
        if name not in HUBS_OWN and not name.startswith(BASELINE)
    }
    if CHAMPION in scores and CHALLENGER in scores:
        document = measuring.compared(holdout, scores[CHAMPION], scores[CHALLENGER], metric)
        found["champion"] = canonical(document | {"champion_arn": case.champion})
    return found


def _uncompared(case: Case, asked: Mapping[str, Any], scores: Mapping[str, list[float]]) -> Documents:
    """champion.json of an approved version that could not be asked: why, in place of a comparison."""
    if not case.champion or CHAMPION in scores:
        return {}
    reason = str(asked[CHAMPION].get("error", "it gave no scores"))
    return {"champion": canonical({"champion_arn": case.champion, "error": reason})}


def _parsed(documents: Documents, name: str) -> dict[str, Any]:
    try:
        return dict(parse(documents[name])) if name in documents else {}
    except EvidenceError as error:
        raise EvidenceError(f"the document {name} cannot be used as evidence: {error}") from None


def _by_name(folder: Path, manifest: Mapping[str, str]) -> dict[str, str]:
    places = {name: place.relative_to(folder).as_posix() for name, place in document_files(folder).items()}
    return {name: manifest[place] for name, place in places.items() if place in manifest}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{file.name} cannot be read: {error.strerror}") from None
