"""Archives are reproducible, and nothing is extracted outside its directory."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_twin.jobs.archives import Limits, pack, unpack
from lockgate_twin.jobs.errors import ArchiveError


def tar_of(*members: tuple[str, bytes | tarfile.TarInfo]) -> bytes:
    """Return a tar.gz with these members, files by content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members:
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.name = name
            info.size = len(content) if isinstance(content, bytes) else 0
            archive.addfile(info, io.BytesIO(content if isinstance(content, bytes) else b""))
    return packed.getvalue()


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    """Return a link member."""
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Order of writing, times and modes beyond the executable bit do not matter."""
    for name, order in (("one", "ab"), ("two", "ba")):
        for letter in order:
            target = tmp_path / name / "d" / letter
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(letter)
        os.utime(tmp_path / name / "d" / "a", (1, 1))
        (tmp_path / name / "d" / "b").chmod(0o600 if name == "one" else 0o664)
    assert pack(tmp_path / "one") == pack(tmp_path / "two")
    (tmp_path / "two/d/a").chmod(0o755)
    assert pack(tmp_path / "one") != pack(tmp_path / "two")


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary(max_size=64), max_size=6))
def test_what_is_packed_comes_out_again(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    """Packing and extracting gives the same files."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    kept = {name: body for name, body in files.items() if not any(other.startswith(f"{name}/") for other in files)}
    for name, body in kept.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(body)
    unpack(pack(source), target, "archive")
    found = {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}
    assert found == kept


@pytest.mark.parametrize(
    "packed",
    [
        tar_of(("../escape", b"x")),
        tar_of(("link", link(tarfile.SYMTYPE, "/etc")), ("link/passwd", b"x")),
        tar_of(("hard", link(tarfile.LNKTYPE, "../../etc/passwd"))),
        tar_of(("device", link(tarfile.CHRTYPE, ""))),
        tar_of(("same", b"x"), ("./same", b"y")),
        b"no archive at all",
        tar_of(("cut", os.urandom(5000)))[:2000],
    ],
    ids=["traversal", "symlink", "hardlink", "device", "duplicate", "garbage", "truncated"],
)
def test_unsafe_archives_are_refused(tmp_path: Path, packed: bytes) -> None:
    """Members that leave the directory, duplicates and damaged archives are errors that name the archive."""
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(ArchiveError, match=r"s3://b/model\.tar\.gz"):
        unpack(packed, target, "s3://b/model.tar.gz")
    assert not (tmp_path / "escape").exists()


def test_archive_bombs_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Too many bytes or members stop the extraction."""
    with pytest.raises(ArchiveError, match="larger than the twin extracts"):
        unpack(tar_of(("zeros", bytes(10_000))), tmp_path, "bomb", Limits(total_bytes=9_999))
    with pytest.raises(ArchiveError, match="larger than the twin extracts"):
        unpack(tar_of(("a", b""), ("b", b"")), tmp_path, "bomb", Limits(members=1))
    assert list(tmp_path.iterdir()) == []
