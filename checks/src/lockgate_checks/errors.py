"""The library's exceptions.

ChecksError
└── EvidenceError   a report cannot be used as evidence
"""

from __future__ import annotations


class ChecksError(Exception):
    """Root of everything the library raises on purpose."""


class EvidenceError(ChecksError):
    """A report cannot be used as evidence; the message names the report, the place in it and what is wrong."""
