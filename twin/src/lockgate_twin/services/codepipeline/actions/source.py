"""The CodeCommit source action: an archive of one pinned commit.

Source: "CodeCommit source action reference" (CodePipeline User Guide) for the permissions and output variables.
Assumption: a message's last line break is left out, without which the variable could not be used inside JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from lockgate_twin.ports import utc_now
from lockgate_twin.services.codecommit import SourceArchives, SourceRevision
from lockgate_twin.services.codepipeline.actions.request import ActionRequest
from lockgate_twin.services.codepipeline.execution import ActionResult, Artifact, Revision

_PERMISSIONS = ("GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus")
_CONSOLE = "https://{region}.console.aws.amazon.com/codecommit/home?region={region}#/repository/{name}/commit/{commit}"


class CodeCommitSource:
    """Fetches from the twin's own repositories."""

    def __init__(self, archives: SourceArchives) -> None:
        self._archives = archives

    def run(self, request: ActionRequest) -> ActionResult:
        """Store the archive of the pinned commit, or of the branch's tip, as the output artifact."""
        pipeline, configuration = request.pipeline, request.configuration
        name, branch = configuration["RepositoryName"], configuration["BranchName"]
        arn = f"arn:aws:codecommit:{pipeline.region}:{pipeline.account}:{name}"
        for permission in _PERMISSIONS:
            request.session.require(f"codecommit:{permission}", arn)
        where = (pipeline.account, pipeline.region, name)
        if request.pinned is not None:
            revision = self._archives.revision(*where, request.pinned)
        else:
            revision = self._archives.tip(*where, branch)
        commit_id = revision.commit.commit_id
        url = _CONSOLE.format(region=pipeline.region, name=name, commit=commit_id)
        request.report(commit_id, url)
        artifact = request.action.outputs[0]
        location = request.store.place(artifact, ".zip")
        request.store.write(location, self._archives.archive(revision))
        return _result(request, revision, Artifact(location=location, revision=commit_id), url)


def _result(request: ActionRequest, revision: SourceRevision, stored: Artifact, url: str) -> ActionResult:
    commit, artifact = revision.commit, request.action.outputs[0]
    message = commit.message.rstrip("\n")
    variables = {
        "RepositoryName": revision.repository,
        "BranchName": request.configuration["BranchName"],
        "CommitId": commit.commit_id,
        "CommitMessage": message,
        "AuthorDate": _iso(commit.author.date),
        "CommitterDate": _iso(commit.committer.date),
    }
    return ActionResult(
        summary=message,
        variables=variables,
        outputs={artifact: stored},
        revision=Revision(
            action=request.action.name,
            artifact=artifact,
            revision_id=commit.commit_id,
            summary=message,
            url=url,
            created=utc_now(),
        ),
    )


def _iso(date: str) -> str:
    """Turn git's "<seconds> <+hhmm>" into ISO 8601 in UTC."""
    seconds, _, offset = date.partition(" ")
    zone = timezone(timedelta(hours=int(offset[:3]), minutes=int(offset[0] + offset[3:])))
    return datetime.fromtimestamp(int(seconds), zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
