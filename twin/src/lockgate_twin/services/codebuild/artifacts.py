"""Collecting a build's output files and packing them.

Source: "artifacts" in "Build specification reference" (CodeBuild User Guide).
"""

from __future__ import annotations

import glob
import io
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from lockgate_twin.services.codebuild.buildspec import ArtifactRule
from lockgate_twin.services.codebuild.errors import PhaseError


@dataclass(frozen=True, kw_only=True)
class OutputFile:
    """One file and the name that it has in the artifact."""

    path: Path
    name: str


def collect(rule: ArtifactRule, source: Path) -> list[OutputFile]:
    """Return the files that a rule chooses, in order of their names.

    Raises:
        PhaseError: the base directory does not exist, or nothing matches.
    """
    base = _base(rule, source)
    chosen: dict[str, Path] = {}
    for pattern in rule.files:
        for name in _matches(pattern, base):
            path = base / name
            if path.is_file() and not any(fnmatch(name, excluded) for excluded in rule.exclude_paths):
                _check_inside(path, base)
                chosen[path.name if rule.discard_paths else str(path.relative_to(base))] = path
    if not chosen:
        raise PhaseError("CLIENT_ERROR", f"no matching artifact paths found for {', '.join(rule.files)}")
    return [OutputFile(path=chosen[name], name=name) for name in sorted(chosen)]


def pack(files: list[OutputFile]) -> bytes:
    """Return a zip archive of the files, with their modes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for file in files:
            archive.write(file.path, file.name)
    return buffer.getvalue()


def _base(rule: ArtifactRule, source: Path) -> Path:
    if rule.base_directory is None:
        return source
    found = [source / name for name in _matches(rule.base_directory, source) if (source / name).is_dir()]
    if not found:
        message = f"no matching base directory path found for {rule.base_directory}"
        raise PhaseError("CLIENT_ERROR", message)
    return found[0]


def _matches(pattern: str, root: Path) -> list[str]:
    # Path.glob takes neither "." nor absolute patterns, which buildspecs use.
    return sorted(glob.glob(pattern, root_dir=root, recursive=True, include_hidden=True))  # noqa: PTH207


def _check_inside(path: Path, base: Path) -> None:
    """Refuse patterns like `../../etc/passwd`; AWS's artifacts lie under the base directory, too."""
    if not path.is_relative_to(base) or ".." in path.relative_to(base).parts:
        raise PhaseError("CLIENT_ERROR", f"the artifact path {path} leads out of the base directory")
