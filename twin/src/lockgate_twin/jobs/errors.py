"""What goes wrong in a job for a reason its author can remove."""

from __future__ import annotations

from lockgate_twin.errors import TwinError


class JobError(TwinError):
    """A job or a model server cannot be prepared, run or collected; the message is its FailureReason."""


class ArchiveError(JobError):
    """An archive is damaged, unsafe to extract or larger than the twin extracts."""
