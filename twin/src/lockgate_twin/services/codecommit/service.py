"""CodeCommit as the twin serves it."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.ports import Context, Handler
from lockgate_twin.services.codecommit.archives import SourceArchives
from lockgate_twin.services.codecommit.branch_operations import BranchOperations
from lockgate_twin.services.codecommit.content_operations import ContentOperations
from lockgate_twin.services.codecommit.references import References
from lockgate_twin.services.codecommit.repositories import Repositories
from lockgate_twin.services.codecommit.repository_operations import RepositoryOperations


class CodeCommit:
    """Bare git repositories under the twin's state folder, with AWS's API around them."""

    name = "codecommit"

    def __init__(self, context: Context) -> None:
        self.context = context
        self.repositories = Repositories(
            context.settings.state_dir / "codecommit", context.table("codecommit.repositories")
        )
        self.references = References(context, self.repositories)
        self.archives = SourceArchives(self.repositories)

    def resume(self) -> None:
        """Announce what an earlier twin had changed and not announced."""
        self.references.resume()

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            **RepositoryOperations(self.repositories).operations(),
            **BranchOperations(self.repositories, self.references).operations(),
            **ContentOperations(self.repositories, self.references).operations(),
        }
