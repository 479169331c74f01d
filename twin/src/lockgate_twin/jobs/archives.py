"""tar.gz archives: the same files always give the same bytes; nothing is extracted outside its directory."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from lockgate_twin.jobs.errors import ArchiveError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the twin extracts at most. Assumption: AWS extracts larger archives; these stop archive bombs."""

    members: int = 20_000
    total_bytes: int = 4 * 1024**3


def pack(*directories: Path) -> bytes:
    """Return a tar.gz of directories' contents: sorted, without owners or times, so that it is reproducible.

    Of files of one name the last directory's is packed.
    """
    found = {str(path.relative_to(folder)): path for folder in directories for path in folder.rglob("*")}
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=6) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(found, key=lambda name: Path(name).parts):
            archive.add(found[name], name, recursive=False, filter=_anonymous)
    return packed.getvalue()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def unpack(packed: bytes, directory: Path, source: str, limits: Limits | None = None) -> None:
    """Extract a tar archive (gzip or plain) safely; `source` is what messages call it.

    Raises:
        ArchiveError: not a tar archive, a member that leaves the directory, a duplicate member, or too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:*") as archive:
            for member in _checked(archive, source, limits or Limits()):
                _extract(archive, member, directory.resolve(), source)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise ArchiveError(f"{source} cannot be extracted: {error}") from error


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, directory: Path, source: str) -> None:
    # tarfile's own filters came with Python 3.11.4; Debian 12 has 3.11.2.
    target = (directory / member.name).resolve()
    if not target.is_relative_to(directory):
        raise ArchiveError(f"{source} holds {member.name!r}, which would leave its directory.")
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(member) if member.isfile() else None
    if content is not None:
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)
        target.chmod(0o755 if member.mode & 0o100 else 0o644)
    elif member.issym() and (target.parent / member.linkname).resolve().is_relative_to(directory):
        target.symlink_to(member.linkname)
    else:
        raise ArchiveError(f"{source} holds {member.name!r}, which is no plain file, folder or link inside it.")


def _checked(archive: tarfile.TarFile, source: str, limits: Limits) -> list[tarfile.TarInfo]:
    members: dict[str, tarfile.TarInfo] = {}
    total = 0
    for member in archive:
        name = member.name.removeprefix("./")
        total += member.size
        if name in members:
            raise ArchiveError(f"{source} holds {name!r} twice; pack it again with unique names.")
        if len(members) >= limits.members or total > limits.total_bytes:
            raise ArchiveError(f"{source} is larger than the twin extracts ({limits}).")
        members[name] = member
    return list(members.values())
