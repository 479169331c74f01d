"""The code that runs in the account, packed: the functions' archive and the jobs' zipapp.

Equal source gives equal bytes on every machine, so that an archive's hash names its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from catalog.errors import ConfigurationError
from catalog.zipped import PLAIN, zipped

_MAIN = b"import sys\n\nfrom lockgate_jobs.main import main\n\nsys.exit(main())\n"


@dataclass(frozen=True, kw_only=True)
class CodeArchive:
    """Content of the hub bucket. `stem` and `ending` are its name before and after the digest."""

    stem: str
    ending: str
    content: bytes
    folder: str = "code"

    @property
    def digest(self) -> str:
        """Return the sha256 of its content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def key(self) -> str:
        """Return its key in the hub bucket, which changes exactly when its content does."""
        return f"{self.folder}/{self.stem}-{self.digest}{self.ending}"


def functions_archive(root: Path) -> CodeArchive:
    """Pack the hub's functions: the packages `approval` and `watching`."""
    catalog = root / "catalog"
    files = {**_package(catalog / "approval", "approval"), **_package(catalog / "watching", "watching")}
    return CodeArchive(stem="lockgate-functions", ending=".zip", content=_zipped(files))


def jobs_archive(root: Path) -> CodeArchive:
    """Pack the processing jobs with the checks library and PyYAML's pure Python part (MIT licence).

    Raises:
        ConfigurationError: PyYAML is not installed.
    """
    found = find_spec("yaml")
    if found is None or found.origin is None:
        raise ConfigurationError(["PyYAML is not installed beside this command: run tools/setup."])
    library, jobs = root / "checks" / "src" / "lockgate_checks", root / "catalog" / "jobs"
    files = {
        "__main__.py": _MAIN,
        **_package(jobs / "lockgate_jobs", "lockgate_jobs"),
        **_own_checks(jobs / "own_checks"),
        **_package(library, "lockgate_checks", skipped="report/sample/"),
        **{
            name: content for name, content in _package(Path(found.origin).parent, "yaml").items() if name[-3:] == ".py"
        },
    }
    return CodeArchive(stem="lockgate-checks", ending=".pyz", content=_zipped(files))


def _own_checks(folder: Path) -> dict[str, bytes]:
    """Pack the organization's own checks as an installed package whose entry points name its modules."""
    files = _package(folder, "own_checks")
    modules = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    points = "".join(f"{module} = own_checks.{module}\n" for module in modules)
    metadata = "Metadata-Version: 2.1\nName: own-checks\nVersion: 0\n"
    described = {"METADATA": metadata, "entry_points.txt": f"[lockgate_checks]\n{points}"}
    return files | {f"own_checks-0.dist-info/{name}": text.encode() for name, text in described.items()}


def _package(folder: Path, name: str, skipped: str = "\0") -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {f"{name}/{inside}": path.read_bytes() for inside, path in named.items() if not inside.startswith(skipped)}


def _zipped(files: Mapping[str, bytes]) -> bytes:
    return zipped((name, files[name], PLAIN) for name in sorted(files))
