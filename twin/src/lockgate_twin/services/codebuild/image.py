"""The stand-in for the build image: a fresh Python environment for each build, laid over the twin's one.

A build may install packages; they go into the overlay, which shadows the packages of the environment of
`settings.python` and disappears with the build. An overlay is what PEP 405 calls a virtual environment (an
interpreter link, a `pyvenv.cfg` and an empty site-packages) and costs about a millisecond.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

_FACTS = """
import json, sys, sysconfig
print(json.dumps({
    "base_executable": getattr(sys, "_base_executable", sys.executable),
    "version": sys.version.split()[0],
    "packages": sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}),
    "scripts": sysconfig.get_path("scripts"),
    "virtual": sys.prefix != sys.base_prefix,
}))
"""
_PIP = '#!/bin/sh\nexec python3 -m pip "$@"\n'
_NOT_COPIED = ("python", "pip", "activate", "Activate")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """Facts about the Python environment that overlays are laid over."""

    base_executable: Path
    version: str
    packages: tuple[Path, ...]
    scripts: Path
    virtual: bool

    @property
    def short_version(self) -> str:
        """Return e.g. "3.11"."""
        return ".".join(self.version.split(".")[:2])


class BuildImage:
    """Makes overlays. What they share (programs of installed packages) is made once, under `root`."""

    def __init__(self, python: Path, root: Path) -> None:
        self._python = python
        self._root = root
        self._lock = threading.Lock()
        self._interpreter: Interpreter | None = None

    def overlay(self, folder: Path) -> dict[str, str]:
        """Make an overlay in a new folder and return the variables with which a process uses it."""
        interpreter = self._prepared()
        packages = folder / "lib" / f"python{interpreter.short_version}" / "site-packages"
        packages.mkdir(parents=True)
        lines = "".join(f"import site; site.addsitedir({str(path)!r})\n" for path in interpreter.packages)
        (packages / "_build_image.pth").write_text(lines)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(interpreter.base_executable)
        for name in ("python3", f"python{interpreter.short_version}"):
            (folder / "bin" / name).symlink_to("python")
        home = interpreter.base_executable.parent
        config = f"home = {home}\ninclude-system-site-packages = false\nversion = {interpreter.version}\n"
        (folder / "pyvenv.cfg").write_text(config)
        return {
            "PATH": f"{folder / 'bin'}:{self._root / 'bin'}",
            "VIRTUAL_ENV": str(folder),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def version(self) -> str:
        """Return the version of the image's Python, e.g. "3.11.7"."""
        return self._prepared().version

    def _prepared(self) -> Interpreter:
        with self._lock:
            if self._interpreter is None:
                self._interpreter = _interpreter(self._python)
                _share_programs(self._interpreter, self._root / "bin")
            return self._interpreter


def _interpreter(python: Path) -> Interpreter:
    facts = json.loads(subprocess.run([str(python), "-c", _FACTS], capture_output=True, check=True).stdout)
    return Interpreter(
        base_executable=Path(facts["base_executable"]),
        version=facts["version"],
        packages=tuple(Path(path) for path in facts["packages"]),
        scripts=Path(facts["scripts"]),
        virtual=facts["virtual"],
    )


def _share_programs(interpreter: Interpreter, folder: Path) -> None:
    """Offer the programs of the installed packages (pytest, ...) so that they run with a build's own Python."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("pip", "pip3"):
        _write_program(folder / name, _PIP.encode())
    for program in interpreter.scripts.iterdir() if interpreter.virtual else ():
        if program.name.startswith(_NOT_COPIED) or not program.is_file():
            continue
        body = _python_script(program)
        if body is None:
            (folder / program.name).symlink_to(program)
        else:
            _write_program(folder / program.name, b"#!/usr/bin/env python3\n" + body)


def _python_script(program: Path) -> bytes | None:
    """Return a Python script without the lines that choose its interpreter; None if it is something else."""
    with program.open("rb") as opened:
        if opened.read(2) != b"#!":
            return None
    first, _, rest = program.read_bytes().partition(b"\n")
    if b"python" in first:
        return rest
    # Where the interpreter's path is too long for a "#!" line, pip writes a two-line shell preamble.
    second, _, rest = rest.partition(b"\n")
    return rest.partition(b"\n")[2] if second.startswith(b"'''exec'") and b"python" in second else None


def _write_program(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)
