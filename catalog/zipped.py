"""Zip archives that are equal for equal content on every machine, so that an archive's hash names its content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

PLAIN, EXECUTABLE = 0o100644, 0o100755
"""Unix modes of files."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip file can hold."""


def zipped(files: Iterable[tuple[str, bytes, int]]) -> bytes:
    """Pack files, each its name, content and Unix mode, in the order given.

    Stored, because compressed bytes differ between zlib versions.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content, mode in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix: only then are the modes read
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
