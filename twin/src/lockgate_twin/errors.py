"""The twin's exceptions.

TwinError
├── ApiError                 an AWS-shaped error that a caller of an API receives
│   └── NotImplementedByTwin  the twin does not do this; it never pretends to
└── StartError               the twin cannot start or be reached
"""

from __future__ import annotations


class TwinError(Exception):
    """Root of everything the twin raises on purpose."""


class ApiError(TwinError):
    """An AWS-shaped error: `code` and `message` as AWS spells them, `status` as its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotImplementedByTwin(ApiError):
    """What the twin does not implement is refused by name, never answered with an invented success."""

    def __init__(self, what: str) -> None:
        super().__init__("NotImplemented", f"{what} is not implemented by the twin.", 501)


class StartError(TwinError):
    """The twin cannot start, be found or be reached; the message says what to do."""
