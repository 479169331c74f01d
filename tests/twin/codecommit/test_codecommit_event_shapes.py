from __future__ import annotations

import re
from typing import Any

import pytest

from tests.twin.eventbridge.event_shapes import UUID, differences

_COMMIT = re.compile("[0-9a-f]{40}")
_COMMON = {
    "event": str,
    "repositoryName": str,
    "repositoryId": UUID,
    "referenceType": re.compile("branch|tag"),
    "referenceName": str,
    "referenceFullName": re.compile("refs/(heads|tags)/.+"),
    # Not in the page's examples, but in the published schema of the event.
    "callerUserArn": re.compile("arn:aws:.+"),
}
_SHAPES: dict[str, dict[str, Any]] = {
    "referenceCreated": {**_COMMON, "commitId": _COMMIT},
    "referenceUpdated": {**_COMMON, "commitId": _COMMIT, "oldCommitId": _COMMIT},
    "referenceDeleted": {**_COMMON, "oldCommitId": _COMMIT},
}


@pytest.mark.parametrize("kind", list(_SHAPES))
def test_a_references_event_has_the_published_shape(api: Any, world: Any, kind: str) -> None:
    """A branch that is created, updated or deleted is told with the documented members and resource.

    Source: "Monitoring CodeCommit events in Amazon EventBridge and Amazon CloudWatch Events" (CodeCommit User Guide).
    """
    api("CreateRepository", repositoryName="shop")
    put = {"repositoryName": "shop", "branchName": "main"}
    first = api("CreateCommit", **put, putFiles=[{"filePath": "a", "fileContent": b"1"}])["commitId"]
    api("CreateBranch", repositoryName="shop", branchName="topic", commitId=first)
    api("CreateCommit", **put, putFiles=[{"filePath": "a", "fileContent": b"2"}], parentCommitId=first)
    api("DeleteBranch", repositoryName="shop", branchName="topic")

    told = [event for event in world.events if event.detail["event"] == kind]

    assert told
    for event in told:
        arn = "arn:aws:codecommit:us-east-1:111122223333:shop"
        assert differences(event, "CodeCommit Repository State Change", [arn], _SHAPES[kind]) == []
