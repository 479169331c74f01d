"""Deployment packages of Lambda functions, made from source text."""

from __future__ import annotations

import io
import textwrap
import zipfile


def archive(source: str, name: str = "index.py") -> bytes:
    """Return a deployment package with one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr(name, textwrap.dedent(source))
    return buffer.getvalue()
