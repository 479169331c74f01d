"""Opens a model archive: plain files of known kinds and bearable size, nowhere else than in its folder.

Models in Python's pickle format run code when they are loaded. They may be in an archive, but nothing here loads them:
only the project's own inference code does, in a process of its own in a job without a network (see scoring).
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zlib
from pathlib import Path

from lockgate_checks.errors import EvidenceError

MOST_FILES = 1_000
MOST_BYTES = 4 * 1024**3
PIECE = 1 << 20
DATA = frozenset({".json", ".ubj", ".bst", ".onnx", ".npy", ".npz", ".safetensors", ".txt", ".csv", ".parquet", ".md"})
SETTINGS = frozenset({".toml", ".yaml", ".yml", ".ini", ".cfg", ".in"})
CODE = frozenset({".py", ".pyi"})
PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".model", ".bin", ".pt", ".pth"})
KNOWN = DATA | SETTINGS | CODE | PICKLES
NAMED = frozenset({"xgboost-model", "LICENSE", "NOTICE", "README", "PKG-INFO"})
"""Files that may have no ending."""


def model_archive(folder: Path) -> Path:
    """Return the archive that a job was given.

    Raises:
        EvidenceError: there is not exactly one.
    """
    found = sorted(folder.glob("*.tar.gz"))
    if len(found) != 1:
        raise EvidenceError(f"there are {len(found)} model archives, not one")
    return found[0]


def digest_of(file: Path) -> str:
    """Return sha256 hex of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def extract(archive: Path, folder: Path) -> None:
    """Write an archive's files into a folder.

    Raises:
        EvidenceError: it is no archive, or holds what it must not.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            total = 0
            for count, member in enumerate(tar, start=1):
                total += member.size
                if count > MOST_FILES or total > MOST_BYTES:
                    raise EvidenceError(f"the model archive has more than {MOST_FILES} files or {MOST_BYTES} bytes")
                _write(tar, member, folder)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise EvidenceError(f"the model archive cannot be opened: {error}") from None


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    target = (folder / member.name).resolve()
    if not target.is_relative_to(folder.resolve()) or not (member.isfile() or member.isdir()):
        raise EvidenceError(f"the model archive holds {member.name!r}, which is no plain file inside it")
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    if target.suffix.lower() not in KNOWN and target.name not in NAMED:
        raise EvidenceError(f"the model archive holds {member.name!r}, a kind of file that models are not made of")
    source = tar.extractfile(member)
    if source is None or target.exists():
        raise EvidenceError(f"the model archive holds {member.name!r} twice, or without content")
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("xb") as stream:
        shutil.copyfileobj(source, stream, PIECE)
    target.chmod(0o644)
