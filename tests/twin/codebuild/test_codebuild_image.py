from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from lockgate_twin.services.codebuild.image import BuildImage


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a build that uses a fresh overlay."""
    overlay = BuildImage(Path(sys.executable), tmp_path / "image").overlay(tmp_path / "overlay")
    return {**overlay, "PATH": f"{overlay['PATH']}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def _run(environment: dict[str, str], command: str, cwd: Path) -> str:
    argv = ["bash", "-c", command]
    done = subprocess.run(argv, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def _wheel(folder: Path, name: str, version: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = '{version}'\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name}-tool = {name}:print\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def test_the_overlay_sees_the_installed_packages(environment: dict[str, str], tmp_path: Path) -> None:
    """A build's python finds the packages of the twin's environment, and has a prefix of its own."""
    prefix, where = _run(
        environment, "python -c 'import sys, yaml; print(sys.prefix); print(yaml.__file__)'", tmp_path
    ).splitlines()

    assert prefix == str(tmp_path / "overlay")
    assert Path(where).exists()
    assert not where.startswith(prefix)


def test_programs_of_installed_packages_run_in_the_overlay(environment: dict[str, str], tmp_path: Path) -> None:
    """Pytest is on the path and runs with the build's python, as do its tests."""
    (tmp_path / "test_x.py").write_text("import sys\ndef test_x():\n    print(sys.prefix)\n")

    out = _run(environment, "pytest -q -s -p no:cacheprovider test_x.py", tmp_path)

    assert str(tmp_path / "overlay") in out


def test_installing_changes_the_overlay_alone(environment: dict[str, str], tmp_path: Path) -> None:
    """Pip installs into the overlay, shadowing what is there; the twin's own environment stays as it was."""
    _wheel(tmp_path, "lockgate_overlay_probe", "1.0")
    shadowing = _wheel(tmp_path, "yaml", "99.0")

    _run(
        environment,
        f"pip install -q --no-index --no-deps --find-links . lockgate_overlay_probe {shadowing.name}",
        tmp_path,
    )

    assert _run(environment, "python3 -c 'import yaml; print(yaml.version)'", tmp_path) == "99.0"
    assert str(tmp_path / "overlay") in _run(environment, "command -v lockgate_overlay_probe-tool", tmp_path)
    outside = [sys.executable, "-c", "import importlib.util as u, yaml; print(u.find_spec('lockgate_overlay_probe'))"]
    assert subprocess.run(outside, capture_output=True, text=True, check=True).stdout.strip() == "None"
