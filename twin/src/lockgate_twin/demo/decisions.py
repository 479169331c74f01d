"""Following the hub's examination of a model version until the registry says what was decided and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.objects import read
from lockgate_twin.demo.world import World

STATUS = {"approve": "Approved", "reject": "Rejected", "human": "PendingManualApproval"}


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was decided about a version: the verdict, the registry's description, and where the report was copied to.

    `failing` are the blocking checks that failed, each with its reason.
    """

    arn: str
    verdict: str
    description: str
    uri: str
    report: str
    failing: tuple[str, ...]


def decided(world: World, arn: str, follower: Follower, person: str) -> Decided:
    """Wait for the decision about a version, and copy its report to the demo's output.

    Raises:
        StageFailedError: nothing was decided in time, or registry and record disagree.
    """
    sagemaker, s3 = world.person(person).client("sagemaker"), world.person(person).client("s3")

    def look() -> dict[str, Any] | None:
        package: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
        return package if "DecisionUri" in package.get("CustomerMetadataProperties", {}) else None

    package = follower.until(look, f"something is decided about {arn}")
    said = package["CustomerMetadataProperties"]
    decision = json.loads(read(s3, f"{said['DecisionUri']}decision.json"))
    verdict = said["DecisionVerdict"]
    if verdict != decision["verdict"] or package["ModelApprovalStatus"] != STATUS[verdict]:
        told = f"{package['ModelApprovalStatus']} ({verdict}) while the record says {decision['verdict']}"
        raise StageFailedError(f"The registry says {told}.", world.twin_log)
    place = world.output / f"report-{package['ModelPackageVersion']}.html"
    place.write_bytes(read(s3, f"{said['DecisionUri']}report.html"))
    return Decided(
        arn=arn,
        verdict=verdict,
        description=package.get("ApprovalDescription", ""),
        uri=said["DecisionUri"],
        report=str(place),
        failing=tuple(f["reason"] for f in decision["findings"] if _blocks(f)),
    )


def _blocks(finding: dict[str, Any]) -> bool:
    return finding["outcome"] == "fail" and finding["severity"] == "block" and not finding.get("waived_by")


def relative(path: str) -> str:
    """Return a path as people would type it from where they are."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
