"""Unpacking source archives."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

from lockgate_twin.services.codebuild.errors import PhaseError

# Assumption: AWS unpacks larger archives; this stops archive bombs.
_MOST_BYTES = 4 * 1024**3


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack a zip archive with its file modes and symbolic links into a folder.

    Raises:
        PhaseError: it is no zip archive, or an entry would end up outside the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            if sum(entry.file_size for entry in opened.infolist()) > _MOST_BYTES:
                raise PhaseError("CLIENT_ERROR", f"the source unpacks to more than {_MOST_BYTES} bytes")
            # Links come last, so that no file is written through one.
            for entry in sorted(opened.infolist(), key=_is_link):
                _extract(opened, entry, root)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise PhaseError("CLIENT_ERROR", f"the source is not a zip archive that can be unpacked: {error}") from error


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    target = root / entry.filename
    if not _inside(target, root) or target.is_symlink():
        raise PhaseError("CLIENT_ERROR", f"the source archive has an unsafe path: {entry.filename}")
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if _is_link(entry):
        points_to = opened.read(entry).decode()
        if not _inside(target.parent / points_to, root):
            raise PhaseError("CLIENT_ERROR", f"the source archive has a link that leads outside: {entry.filename}")
        target.symlink_to(points_to)
        return
    target.write_bytes(opened.read(entry))
    if mode := stat.S_IMODE(entry.external_attr >> 16):
        target.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)
