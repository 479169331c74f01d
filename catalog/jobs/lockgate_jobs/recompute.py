"""Ask the registered model, and the approved one, for their scores of the declared evaluation data.

The only job that runs a project's code. It has no network and no credentials; labels, facets and declared scores are
gone before that code starts; what it leaves is one number per row, read as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lockgate_checks.errors import ChecksError, EvidenceError
from lockgate_checks.policy.layers import recompute_of
from lockgate_checks.policy.model import Recompute

from lockgate_jobs.archive import digest_of, model_archive
from lockgate_jobs.case import CHALLENGER, CHAMPION, Case, policy_of, read_case
from lockgate_jobs.holdout import Holdout, read_holdout, read_plan
from lockgate_jobs.scoring import forget, protect, scores_of

Rows = list[list[str]]


def main(arguments: Sequence[str]) -> int:
    """Run the job. It always ends well: what could not be done is written down for the examination."""
    case = read_case(arguments, "recomputed")
    protect()
    try:
        written = recompute(case)
    except Exception as error:  # noqa: BLE001 - whatever a model does, the version is decided about
        written = {CHALLENGER: {"error": _said(error)}, CHAMPION: {"error": _said(error)}}
    case.write_json("recomputed.json", written)
    print(json.dumps({name: {key: part[key] for key in part if key != "scores"} for name, part in written.items()}))
    return 0


def recompute(case: Case) -> dict[str, Any]:
    """Return the scores of both models, each with the digest of the archive that gave them.

    Raises:
        ChecksError: the evidence cannot be read.
    """
    if case.problem:
        return {CHALLENGER: {"error": case.problem}, CHAMPION: {"error": case.problem}}
    declared = recompute_of(policy_of(case)) is Recompute.DECLARED
    holdout = read_holdout(case.evidence)
    rows, before = holdout.features(), _champions_rows(case, holdout)
    del holdout
    for folder in (case.evidence, case.baseline):
        forget(folder)
    # The champion first: the challenger's code must not find the champion's archive and answer with it.
    champion = {"error": before} if isinstance(before, str) else _asked(case, CHAMPION, case.champion_digest, before)
    forget(case.inputs / CHAMPION)
    challenger = {"declared": True} if declared else _asked(case, "model", case.model_digest, rows)
    return {CHALLENGER: challenger, CHAMPION: champion}


def _champions_rows(case: Case, holdout: Holdout) -> Rows | str:
    """Return the rows that the approved version is asked about, or why it cannot be.

    It is asked for its own features, which the plan kept beside its decision names: a version with other features is
    compared on what each of the two models was made for.
    """
    if not case.champion:
        return "there is none"
    try:
        return holdout.features_of(read_plan(case.baseline / "evaluation_plan.json"))
    except EvidenceError as error:
        return f"the approved version cannot be compared: {error}"


def _asked(case: Case, folder: str, registered: str, rows: Rows) -> dict[str, Any]:
    try:
        archive = model_archive(case.inputs / folder)
        digest = digest_of(archive)
        if digest != registered:
            raise EvidenceError(f"its archive has the sha256 {digest}, registered is {registered or 'none'}")
        return {"model_digest": digest, "scores": scores_of(archive, rows)}
    except (ChecksError, OSError) as error:
        return {"error": _said(error)}


def _said(error: Exception) -> str:
    return str(error)[:500] if isinstance(error, ChecksError) else f"{type(error).__name__}: {error}"[:500]
