"""No secret is in what is published: templates, seeds, functions, policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLISHED = ("catalog", "templates", "seedcode", "checks/src")
SECRETS = re.compile(
    r"(?:AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[\w-]{10,}|"
    r"aws_secret_access_key\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}|(?i:password|passwd|api_?key)\s*[=:]\s*[\"'][^\"'$<{]{8,}[\"']"
)


def files() -> Iterator[Path]:
    """Every text that publishing or a project's creation takes up."""
    for name in PUBLISHED:
        for place in sorted((ROOT / name).rglob("*")):
            if place.is_file() and place.suffix not in {".pyc", ".zip", ".gz"} and "__pycache__" not in place.parts:
                yield place


def test_nothing_that_is_published_holds_a_secret() -> None:
    """Access keys, private keys, tokens and passwords by their forms."""
    found = [place for place in files() if SECRETS.search(place.read_text(encoding="utf-8", errors="replace"))]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "key = " + "AKIA" + "IOSFODNN7EXAMPLE",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "ghp_" + "a" * 36,
        "pass" + 'word: "correct horse"',
        "aws_secret_access_key = " + "a" * 40,
    ],
)
def test_a_secret_would_be_found(text: str) -> None:
    """The control, one of each form."""
    assert SECRETS.search(text)
