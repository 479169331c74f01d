"""What every job of an examination is told: the version, what was verified, and where its files are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lockgate_checks.policy.load import load_policy, shipped_policy
from lockgate_checks.policy.model import Policy

ROOT = Path("/opt/ml/processing")
NONE = "none"
CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class Case:
    """One version under examination. Texts are "" where there is nothing to say.

    `inputs` and `output` are local folders, as SageMaker makes them for a processing job.
    """

    inputs: Path
    output: Path
    model_package_arn: str
    problem: str = ""
    model_digest: str = ""
    evidence_digest: str = ""
    champion: str = ""
    champion_digest: str = ""

    @property
    def evidence(self) -> Path:
        """Return the folder of the evidence that the project registered."""
        return self.inputs / "evidence"

    @property
    def baseline(self) -> Path:
        """Return the folder of what was decided about the approved version; it holds nothing of use without one."""
        return self.inputs / "baseline"

    @property
    def recomputed(self) -> Path:
        """Return the folder of what asking the models again gave."""
        return self.inputs / "recomputed"

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the job's output."""
        place = self.output / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def write_json(self, name: str, document: object) -> None:
        """Write a document of the job's output."""
        self.write(name, json.dumps(document, sort_keys=True, allow_nan=False).encode())


def read_case(arguments: Sequence[str], output: str) -> Case:
    """Read a job's arguments."""
    parser = argparse.ArgumentParser(prog="lockgate-checks")
    for name in ("arn", "problem", "model-digest", "evidence-digest", "champion"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--root", type=Path, default=ROOT)
    given = parser.parse_args(arguments)
    champion, _, champion_digest = _text(given.champion).partition(" ")
    return Case(
        inputs=given.root / "input",
        output=given.root / "output" / output,
        model_package_arn=given.arn,
        problem=_text(given.problem),
        model_digest=_text(given.model_digest),
        evidence_digest=_text(given.evidence_digest),
        champion=champion,
        champion_digest=_text(champion_digest),
    )


def organization_policy(case: Case) -> Policy:
    """Return the organization's policy.

    Raises:
        PolicyError: it has mistakes.
    """
    (file,) = (case.inputs / "policy").glob("*.yaml")
    return load_policy(file)


def policy_of(case: Case) -> Policy:
    """Return the organization's policy with the project's on top, if it has one.

    Raises:
        PolicyError: one of them has mistakes, or the project's is looser than the organization's.
    """
    organization, own = organization_policy(case), case.evidence / "policy.yaml"
    return load_policy(own, organization) if own.is_file() else organization


def fallback_policy(case: Case) -> Policy:
    """Return a policy to name in a rejection when the project's cannot be read."""
    try:
        return organization_policy(case)
    except Exception:  # noqa: BLE001 - a rejection must not fail on the policy
        return shipped_policy("baseline")


def _text(argument: str) -> str:
    return "" if argument == NONE else argument
