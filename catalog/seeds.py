"""The seeds: what a project's two repositories start with, rendered with the organization's answers and packed.

Equal source and equal answers give equal bytes on every machine, so that an archive's hash names its content.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cookiecutter.exceptions import CookiecutterException
from cookiecutter.main import cookiecutter

from catalog.errors import ConfigurationError
from catalog.zipped import EXECUTABLE, PLAIN, zipped

_LEFTOVERS = {"__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
"""Folders that tools leave behind when somebody runs them inside a seed."""


@dataclass(frozen=True, kw_only=True)
class SeedArchive:
    """A seed's repository as one zip archive; `seed` is build or deploy."""

    seed: str
    content: bytes

    @property
    def key(self) -> str:
        """Its key in the hub bucket, which changes exactly when its content does."""
        return f"seeds/{self.seed}/{hashlib.sha256(self.content).hexdigest()}.zip"


def answer_mistakes(seed: str, folder: Path, answers: Mapping[str, str]) -> list[str]:
    """Return one sentence for each answer that the seed in this folder does not ask for or does not offer."""
    try:
        questions = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"The {seed} seed has no usable cookiecutter.json: {error}."]
    mistakes = []
    for key, answer in answers.items():
        asked = questions.get(key)
        if asked is None or key.startswith("_"):
            known = ", ".join(name for name in questions if not name.startswith("_"))
            mistakes.append(f"seeds.{seed}.{key} is not asked by the {seed} seed; it asks {known}.")
        elif isinstance(asked, list) and answer not in asked:
            mistakes.append(f"seeds.{seed}.{key} must be one of {', '.join(asked)}, not '{answer}'.")
    return mistakes


def archive(
    seed: str, folder: Path, answers: Mapping[str, str], added: Mapping[str, bytes] = MappingProxyType({})
) -> SeedArchive:
    """Render the seed in this folder, add files that are made elsewhere, and pack it.

    Raises:
        ConfigurationError: the seed's own hooks or templates refuse the answers.
    """
    with tempfile.TemporaryDirectory(prefix="lockgate-seed-") as scratch:
        rendered = _render(seed, folder, answers, Path(scratch))
        for name, content in added.items():
            (rendered / name).parent.mkdir(parents=True, exist_ok=True)
            (rendered / name).write_bytes(content)
        return SeedArchive(seed=seed, content=pack(rendered))


def _render(seed: str, folder: Path, answers: Mapping[str, str], scratch: Path) -> Path:
    # A configuration of its own keeps the user's ~/.cookiecutterrc out and replay files from being written there.
    config = scratch / "cookiecutter.yaml"
    config.write_text(f"cookiecutters_dir: '{scratch}'\nreplay_dir: '{scratch}'\n", encoding="utf-8")
    try:
        rendered = cookiecutter(
            str(folder),
            no_input=True,
            extra_context=dict(answers),
            output_dir=str(scratch / "rendered"),
            config_file=str(config),
        )
    except (CookiecutterException, ValueError) as error:
        raise ConfigurationError([f"The {seed} seed does not render with seeds.{seed}: {error}"]) from error
    return Path(rendered)


def pack(folder: Path) -> bytes:
    """Pack a folder's files into a zip archive, sorted."""
    paths = sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix())
    files = (path for path in paths if path.is_file() and _LEFTOVERS.isdisjoint(path.parts))
    return zipped((path.relative_to(folder).as_posix(), path.read_bytes(), _mode(path)) for path in files)


def _mode(path: Path) -> int:
    return EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN
