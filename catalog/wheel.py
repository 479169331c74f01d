"""The checks library as a wheel, which every build repository carries: its jobs import it from there, uninstalled.

Packed here from the library's files: a build backend would write dates, or need a network. Format: PyPA
specification "Binary distribution format". Equal source gives equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import ConfigurationError
from catalog.zipped import PLAIN, zipped

_WHEEL = "Wheel-Version: 1.0\nGenerator: lockgate\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel's file name and bytes."""

    name: str
    content: bytes


def build_wheel(folder: Path) -> Wheel:
    """Pack the pure Python project in this folder: its pyproject.toml and its one package below src.

    Raises:
        ConfigurationError: the project cannot be read, or has not one package.
    """
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        stem = f"{project['name'].replace('-', '_')}-{project['version']}"
        files = _package(folder / "src") | {
            f"{stem}.dist-info/METADATA": _metadata(project).encode(),
            f"{stem}.dist-info/WHEEL": _WHEEL.encode(),
        }
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError([f"{folder / 'pyproject.toml'} describes no package: {error}."]) from error
    record = f"{stem}.dist-info/RECORD"
    return Wheel(name=f"{stem}-py3-none-any.whl", content=_packed(files | {record: _record(files, record)}))


def _package(source: Path) -> dict[str, bytes]:
    packages = [path.parent for path in source.glob("*/__init__.py")]
    if len(packages) != 1:
        raise ValueError(f"{source} holds {len(packages)} packages, not one")
    found = (path for path in packages[0].rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in found}


def _metadata(project: dict[str, Any]) -> str:
    extras = project.get("optional-dependencies", {})
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {need}" for need in project.get("dependencies", [])),
        *(f"Provides-Extra: {name}" for name in extras),
        *(f'Requires-Dist: {need}; extra == "{name}"' for name, needs in extras.items() for need in needs),
    ]
    return "\n".join(lines) + "\n"


def _record(files: dict[str, bytes], own: str) -> bytes:
    lines = (f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(files.items()))
    return ("\n".join([*lines, f"{own},,"]) + "\n").encode()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _packed(files: dict[str, bytes]) -> bytes:
    """Return the archive; metadata comes last, as it should."""
    return zipped((name, files[name], PLAIN) for name in _ordered(files))


def _ordered(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (".dist-info/" in name, name))
