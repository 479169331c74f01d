"""Reading and writing files that only this user may have written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lockgate_twin.errors import StartError


def open_owned(path: Path, flags: int = os.O_RDWR) -> int:
    """Open a file of this user's, creating it readable by nobody else, and return its descriptor.

    A journal holds pickles, and unpickling runs what they say: nobody else's file is ever read.

    Raises:
        StartError: the file belongs to another user, others may write to it, or it is no file.
    """
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"{path} cannot be opened: {error.strerror}.") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        os.close(handle)
        raise StartError(f"{path} is not a file that only this user can write; the twin does not read it.")
    return handle


def read_all(handle: int) -> bytes:
    """Return a file's bytes."""
    size, parts, at = os.fstat(handle).st_size, [], 0
    while at < size:
        part = os.pread(handle, size - at, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def write_at(handle: int, data: bytes, at: int) -> None:
    """Write all of `data`; if it does not fit, nothing of it stays.

    Raises:
        OSError: the disk is full, or fails.
    """
    view, done = memoryview(data), 0
    try:
        while done < len(data):
            done += os.pwrite(handle, view[done:], at + done)
    except OSError:
        os.ftruncate(handle, at)
        raise
