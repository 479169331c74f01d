"""Seed archives of repositories."""

from __future__ import annotations

import io
import zipfile

import pytest
from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.resources.codecommit_seed import SeedFile, files_of


def archive(**modes: int) -> bytes:
    """Return an archive with files of these modes; `__` in a name stands for a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, mode in modes.items():
            entry = zipfile.ZipInfo(name.replace("__", "/"))
            entry.external_attr = mode << 16
            opened.writestr(entry, name)
    return buffer.getvalue()


def test_files_are_read_with_their_modes() -> None:
    """Plain files, executables and links keep what they are, in order of their paths."""
    assert files_of(archive(z=0o100644, a__run=0o100755, link=0o120777)) == [
        SeedFile("a/run", "EXECUTABLE", b"a__run"),
        SeedFile("link", "SYMLINK", b"link"),
        SeedFile("z", "NORMAL", b"z"),
    ]


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", ".git/config", "a\\b"])
def test_a_path_that_leaves_the_repository_is_refused(name: str) -> None:
    """No entry can write outside of the repository or into git's own folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(HandlerFailed, match="leaves the repository"):
        files_of(buffer.getvalue())


@pytest.mark.parametrize(("body", "message"), [(b"no zip", "not a zip archive"), (archive(), "without files")])
def test_what_is_no_seed_is_refused(body: bytes, message: str) -> None:
    """Other bytes and empty archives are refused."""
    with pytest.raises(HandlerFailed, match=message):
        files_of(body)


def test_a_bomb_is_refused() -> None:
    """An archive that unpacks to more than a commit can carry is refused before it is unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros", b"0" * (21 * 1024 * 1024))
    with pytest.raises(HandlerFailed, match="unpacks to more than"):
        files_of(buffer.getvalue())
