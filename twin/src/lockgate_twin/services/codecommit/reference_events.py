"""`CodeCommit Repository State Change` events: one for every reference that a push or an API call changed.

Source: "Monitoring CodeCommit events in Amazon EventBridge" (CodeCommit User Guide).
"""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.ports import Event
from lockgate_twin.services.codecommit.git import BRANCHES, TAGS
from lockgate_twin.services.codecommit.repositories import Repository


def reference_events(
    repository: Repository, before: Mapping[str, str], after: Mapping[str, str], caller_arn: str
) -> list[Event]:
    """Return the events for the references that differ, in order of their names."""
    names = [n for n in sorted({*before, *after}) if before.get(n) != after.get(n) and _kind(n)]
    return [
        Event(
            source="aws.codecommit",
            detail_type="CodeCommit Repository State Change",
            detail=_detail(repository, name, before.get(name), after.get(name)) | {"callerUserArn": caller_arn},
            account=repository.account,
            region=repository.region,
            resources=(repository.arn,),
        )
        for name in names
    ]


def _detail(repository: Repository, name: str, old: str | None, new: str | None) -> dict[str, str]:
    event = "referenceCreated" if old is None else "referenceDeleted" if new is None else "referenceUpdated"
    detail = {
        "event": event,
        "repositoryName": repository.name,
        "repositoryId": repository.repository_id,
        "referenceType": _kind(name),
        "referenceName": name.split("/", 2)[2],
        "referenceFullName": name,
    }
    commits = {"commitId": new, "oldCommitId": old}
    return detail | {key: value for key, value in commits.items() if value is not None}


def _kind(name: str) -> str:
    return "branch" if name.startswith(BRANCHES) else "tag" if name.startswith(TAGS) else ""
