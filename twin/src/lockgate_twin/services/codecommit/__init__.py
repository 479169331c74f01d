"""AWS CodeCommit: bare git repositories, reached over git's smart HTTP protocol and over the AWS API."""

from __future__ import annotations

from lockgate_twin.services.codecommit.archives import SourceArchives, SourceRevision
from lockgate_twin.services.codecommit.git_http import GitHttp
from lockgate_twin.services.codecommit.service import CodeCommit

__all__ = ["CodeCommit", "GitHttp", "SourceArchives", "SourceRevision"]
