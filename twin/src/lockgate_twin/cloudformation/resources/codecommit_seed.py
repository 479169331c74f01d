"""The files of a repository's seed archive, read in memory without trusting it."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from lockgate_twin.cloudformation.failures import HandlerFailed

_MAXIMUM_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class SeedFile:
    """A file to commit; `mode` is CodeCommit's NORMAL, EXECUTABLE or SYMLINK."""

    path: str
    mode: str
    content: bytes


def files_of(archive: bytes) -> list[SeedFile]:
    """Read a zip archive's files in order of their paths.

    Source: "Quotas in AWS CodeCommit": a commit through the API carries at most 20 MB.

    Raises:
        HandlerFailed: InvalidRequest when it is no zip archive, is empty, too large, or has a path that leaves the
            repository.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            files = sorted(_files(opened), key=lambda file: file.path)
    except zipfile.BadZipFile as error:
        raise HandlerFailed(f"Code is not a zip archive: {error}", "InvalidRequest") from error
    if not files:
        raise HandlerFailed("Code is an archive without files.", "InvalidRequest")
    return files


def _files(archive: zipfile.ZipFile) -> Iterator[SeedFile]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if sum(entry.file_size for entry in entries) > _MAXIMUM_BYTES:
        raise HandlerFailed(f"Code unpacks to more than {_MAXIMUM_BYTES} bytes.", "InvalidRequest")
    for entry in entries:
        yield SeedFile(_checked(entry.filename), _mode(entry), archive.read(entry))


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or not {"..", ".git"}.isdisjoint(path.parts):
        raise HandlerFailed(f"Code has a path that leaves the repository: {name}", "InvalidRequest")
    return str(path)


def _mode(entry: zipfile.ZipInfo) -> str:
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "SYMLINK"
    return "EXECUTABLE" if mode & stat.S_IXUSR else "NORMAL"
