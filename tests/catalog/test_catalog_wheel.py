"""The checks library as build repositories carry it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from catalog.errors import ConfigurationError
from catalog.sources import read_sources
from catalog.wheel import build_wheel

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "checks" / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def opened(content: bytes) -> zipfile.ZipFile:
    """Open an archive in memory."""
    return zipfile.ZipFile(io.BytesIO(content))


def test_the_same_library_gives_the_same_bytes(tmp_path: Path) -> None:
    """Dates, modes, caches and the order of creation do not count; a byte of source does."""
    copied = Path(shutil.copytree(ROOT / "checks", tmp_path / "checks"))
    for path in copied.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o777)
    (copied / "src" / "lockgate_checks" / "__pycache__").mkdir(exist_ok=True)
    (copied / "src" / "lockgate_checks" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert build_wheel(copied) == build_wheel(ROOT / "checks")
    (copied / "src" / "lockgate_checks" / "values.py").write_text("", encoding="utf-8")
    assert build_wheel(copied) != build_wheel(ROOT / "checks")


def test_name_and_metadata_are_the_projects() -> None:
    """The file's name and its METADATA say what pyproject.toml says.

    Source: PyPA specifications "Binary distribution format" and "Core metadata specifications".
    """
    wheel = build_wheel(ROOT / "checks")
    assert wheel.name == f"lockgate_checks-{PROJECT['version']}-py3-none-any.whl"
    with opened(wheel.content) as zipped:
        metadata = Parser().parsestr(zipped.read(f"lockgate_checks-{PROJECT['version']}.dist-info/METADATA").decode())
    assert (metadata["Name"], metadata["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    needs = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert needs == PROJECT["dependencies"]


def test_the_record_lists_every_file_with_its_digest() -> None:
    """Whoever installs the wheel can check it."""
    with opened(build_wheel(ROOT / "checks").content) as zipped:
        (name,) = (name for name in zipped.namelist() if name.endswith("/RECORD"))
        rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(zipped.read(name).decode()))}
        assert rows.pop(name) == ["", ""]
        assert set(rows) == set(zipped.namelist()) - {name}
        for file, (digest, size) in rows.items():
            content = zipped.read(file)
            found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={found}", len(content))


def test_the_library_is_imported_from_the_wheel_itself(tmp_path: Path) -> None:
    """Nothing is installed or unpacked, and its policies are found inside."""
    wheel = build_wheel(ROOT / "checks")
    (tmp_path / wheel.name).write_bytes(wheel.content)
    program = (
        "import lockgate_checks, lockgate_checks.policy as p; print(lockgate_checks.__file__)\n"
        "print(p.shipped_policy('baseline').name)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / wheel.name)}
    finished = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    place, policy = finished.stdout.splitlines()
    assert place.startswith(str(tmp_path / wheel.name))
    assert policy == "baseline"


def test_pip_takes_it_for_a_wheel(tmp_path: Path) -> None:
    """It can be installed as any other, without a network."""
    pytest.importorskip("pip")
    wheel = build_wheel(ROOT / "checks")
    (tmp_path / wheel.name).write_bytes(wheel.content)
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    finished = subprocess.run(
        [*argv, str(tmp_path / "site"), str(tmp_path / wheel.name)], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "site" / "lockgate_checks" / "values.py").is_file()


def test_the_build_seed_carries_it() -> None:
    """What is published as the build seed holds the library of this very version, and the deploy seed does not."""
    build, deploy = read_sources(ROOT, ROOT / "catalog" / "catalog.toml").seeds
    wheel = build_wheel(ROOT / "checks")
    with opened(build.content) as zipped:
        assert zipped.read(f"vendor/{wheel.name}") == wheel.content
        version = {}
        exec(zipped.read("pipeline/__init__.py"), version)  # noqa: S102 - the seed's own module
    assert version["__version__"] == read_sources(ROOT, ROOT / "catalog" / "catalog.toml").catalog.product.version
    with opened(deploy.content) as zipped:
        assert not any(name.startswith("vendor/") for name in zipped.namelist())


@pytest.mark.parametrize(
    ("text", "files", "sentence"),
    [
        ("[project", ("src/a/__init__.py",), "describes no package"),
        ("[project]\nname = 'a'", ("src/a/__init__.py",), "describes no package: 'version'"),
        ("[project]\nname = 'a'\nversion = '1'", (), "holds 0 packages, not one"),
        ("[project]\nname = 'a'\nversion = '1'", ("src/a/__init__.py", "src/b/__init__.py"), "holds 2 packages"),
    ],
)
def test_a_folder_that_is_no_project_is_a_mistake(
    text: str, files: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    """One sentence says what cannot be packed."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(ConfigurationError, match=sentence):
        build_wheel(tmp_path)
