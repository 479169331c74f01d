"""What a CreateCommit request changes in a tree: worked out and checked before git is asked to write anything.

Source: "CreateCommit" (CodeCommit API Reference) for the rules and the names of the errors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.services.codecommit.git import TreeEntry

MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}
MODE_NAMES = {mode: name for name, mode in MODES.items()}


@dataclass(frozen=True, kw_only=True)
class Put:
    """A file to write; `content` is None when the object is already in the repository."""

    path: str
    mode: str
    object_id: str
    content: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class CommitPlan:
    """The files to write and the paths to delete; both in order of the request."""

    puts: tuple[Put, ...]
    deletes: tuple[str, ...]


def plan_commit(request: Mapping[str, Any], tree: Mapping[str, TreeEntry]) -> CommitPlan:
    """Return what the request changes in `tree`.

    Raises:
        ApiError: the request is not valid for this tree, or changes nothing (NoChangeException).
    """
    puts, deletes = request.get("putFiles", []), request.get("deleteFiles", [])
    modes = request.get("setFileModes", [])
    if not puts and not deletes and not modes:
        raise ApiError("FileEntryRequiredException", "A commit must put, delete or change at least one file.")
    _check_paths([entry["filePath"] for entry in (*puts, *deletes, *modes)])
    moved = [p["sourceFile"]["filePath"] for p in puts if p.get("sourceFile", {}).get("isMove")]
    planned = [_put(entry, tree) for entry in puts] + [_mode_change(entry, tree) for entry in modes]
    gone = [entry["filePath"] for entry in deletes] + moved
    for path in gone:
        _existing(path, tree)
    _check_conflicts([p.path for p in planned], set(tree) - set(gone))
    changed = [p for p in planned if (e := tree.get(p.path)) is None or (e.mode, e.object_id) != (p.mode, p.object_id)]
    if not changed and not gone:
        raise ApiError("NoChangeException", "The commit would change nothing: every file is already as requested.")
    return CommitPlan(puts=tuple(changed), deletes=tuple(gone))


def blob_id(content: bytes) -> str:
    """Return the id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _put(entry: Mapping[str, Any], tree: Mapping[str, TreeEntry]) -> Put:
    path, source = entry["filePath"], entry.get("sourceFile")
    if (source is not None) == ("fileContent" in entry):
        code = "FileContentAndSourceFileSpecifiedException" if source else "SourceFileOrContentRequiredException"
        raise ApiError(code, f"'{path}' needs either fileContent or sourceFile.")
    if source is not None:
        existing = _existing(source["filePath"], tree)
        mode = MODES.get(entry.get("fileMode", ""), existing.mode)
        return Put(path=path, mode=mode, object_id=existing.object_id)
    content = entry["fileContent"]
    mode = MODES[entry.get("fileMode", "NORMAL")]
    return Put(path=path, mode=mode, object_id=blob_id(content), content=content)


def _mode_change(entry: Mapping[str, Any], tree: Mapping[str, TreeEntry]) -> Put:
    existing = _existing(entry["filePath"], tree)
    return Put(path=entry["filePath"], mode=MODES[entry["fileMode"]], object_id=existing.object_id)


def _existing(path: str, tree: Mapping[str, TreeEntry]) -> TreeEntry:
    if path not in tree:
        raise ApiError("FileDoesNotExistException", f"The file '{path}' does not exist in the parent commit.")
    return tree[path]


def _check_paths(paths: list[str]) -> None:
    for path in paths:
        parts = path.split("/")
        if not path or "\0" in path or any(p in {"", ".", ".."} or p.lower() == ".git" for p in parts):
            raise ApiError("InvalidPathException", f"'{path}' is not the path of a file in a repository.")
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ApiError("SamePathRequestException", f"The request names '{twice[0]}' more than once.")


def _check_conflicts(new: Iterable[str], kept: set[str]) -> None:
    files = kept | set(new)
    folders = {"/".join(parts[:i]) for path in files if (parts := path.split("/")) for i in range(1, len(parts))}
    for path in sorted(files & folders):
        code = "FileNameConflictsWithDirectoryNameException"
        raise ApiError(code, f"'{path}' cannot be both a file and a folder.")
