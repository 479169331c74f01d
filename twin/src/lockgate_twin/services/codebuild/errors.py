"""Why a phase of a build fails.

TwinError
├── PhaseError       the phase failed; the build goes to FINALIZING
└── BuildspecError   (buildspec.py) the buildspec is not valid
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError, TwinError


class PhaseError(TwinError):
    """A phase failed: `code` and `message` are those of the phase's context."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@contextmanager
def failing_as(code: str, what: str) -> Iterator[None]:
    """Turn an AWS error inside the block into a PhaseError with this code that says what was being done."""
    try:
        yield
    except (ApiError, ClientError) as error:
        raise PhaseError(code, f"{what}: {said(error)}") from error


def said(error: Exception) -> str:
    """Return what AWS said, without botocore's words around it."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Message"])
    return error.message if isinstance(error, ApiError) else str(error)
