"""Model archives: nothing leaves the folder, no kind of file that is no model's, no size without bound."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks.errors import EvidenceError

from catalog.jobs.lockgate_jobs import archive as archives
from tests.approval.examined import archive

KINDS = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
}


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive of these members, as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, **more: Any) -> tarfile.TarInfo:
    """A member of this name and kind."""
    found = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(found, key, value)
    return found


def extracted(folder: Path, content: bytes) -> set[str]:
    """The files that an archive leaves in its folder; EvidenceError where it is refused."""
    file, target = folder / "model.tar.gz", folder / "model"
    file.write_bytes(content)
    target.mkdir()
    archives.extract(file, target)
    return {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}


def test_a_model_is_extracted(tmp_path: Path) -> None:
    """The control."""
    assert extracted(tmp_path, archive()) == {"model.json", "code/inference.py"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    """Links and devices, wherever they point."""
    with pytest.raises(EvidenceError, match="no plain file"):
        extracted(tmp_path, packed((member("a.json", type=KINDS[kind], linkname="/etc/passwd"), b"")))


@settings(max_examples=150, deadline=None)
@given(name=st.text(st.sampled_from("./\\a~0 \u202e"), min_size=1, max_size=12))
def test_no_name_leaves_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever a member is called, it is refused or lies inside."""
    folder = tmp_path_factory.mktemp("archive")
    with contextlib.suppress(EvidenceError):
        extracted(folder, packed((member(f"{name}.json"), b"{}")))
    outside = [path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(folder / "model")]
    assert outside == [folder / "model.tar.gz"]


def test_a_file_twice_is_refused(tmp_path: Path) -> None:
    """Which of them was examined would be open."""
    with pytest.raises(EvidenceError, match="twice"):
        extracted(tmp_path, packed((member("a.json"), b"1"), (member("./a.json"), b"2")))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the sum of sizes and by the number of files."""
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    with pytest.raises(EvidenceError, match="more than"):
        extracted(tmp_path, packed((member("a.json"), b"0" * 600), (member("b.json"), b"0" * 600)))
    assert not (tmp_path / "model" / "b.json").exists()
    monkeypatch.setattr(archives, "MOST_FILES", 1)
    (tmp_path / "again").mkdir()
    with pytest.raises(EvidenceError, match="more than"):
        extracted(tmp_path / "again", packed((member("a.json"), b"0"), (member("b.json"), b"0")))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", gzip.compress(b"no tar", mtime=0), archive()[:-40], b"\x1f\x8b\x08" * 9]
)
def test_what_is_no_archive_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    """Never with a traceback."""
    with pytest.raises(EvidenceError, match="cannot be opened"):
        extracted(tmp_path, content)


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, at: int, bit: int) -> None:
    """Nothing but a refusal with a reason comes of a damaged archive."""
    content = bytearray(archive())
    content[at % len(content)] ^= 1 << bit
    with contextlib.suppress(EvidenceError):
        extracted(tmp_path_factory.mktemp("flipped"), bytes(content))


@pytest.mark.parametrize("name", ["a.exe", "a.so", "a.sh", "run", "a.dll", "a.pyc", "a.class", "a.json.so"])
def test_kinds_of_files_that_models_are_not_made_of_are_refused(tmp_path: Path, name: str) -> None:
    """Formats are allow-listed."""
    with pytest.raises(EvidenceError, match="a kind of file"):
        extracted(tmp_path, packed((member(name), b"x")))
