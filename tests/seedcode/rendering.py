"""Rendering a seed as a publisher does."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from cookiecutter.main import cookiecutter

from catalog.wheel import build_wheel

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seedcode"
LIBRARY = build_wheel(ROOT / "checks")


def render(seed: str, folder: Path, **answers: str) -> Path:
    """Render a seed into a folder and return the repository, with the library that publishing puts there."""
    config = folder / "cookiecutter.yaml"
    config.write_text(f"cookiecutters_dir: '{folder}'\nreplay_dir: '{folder}'\n", encoding="utf-8")
    output = folder / "repository"
    repository = Path(
        cookiecutter(
            str(SEEDS / seed), no_input=True, extra_context=answers, output_dir=str(output), config_file=str(config)
        )
    )
    if seed == "build":
        (repository / "vendor").mkdir()
        (repository / "vendor" / LIBRARY.name).write_bytes(LIBRARY.content)
    return repository


def questions(seed: str) -> dict[str, str | list[str]]:
    """What a seed asks, with its default or its choices."""
    asked = json.loads((SEEDS / seed / "cookiecutter.json").read_text(encoding="utf-8"))
    return {name: offered for name, offered in asked.items() if not name.startswith("_")}


def every_answer(seed: str) -> Iterator[dict[str, str]]:
    """Every combination of the choices a seed offers."""
    offered = {name: choices for name, choices in questions(seed).items() if isinstance(choices, list)}
    for combination in itertools.product(*offered.values()):
        yield dict(zip(offered, combination, strict=True))


def files(repository: Path) -> list[str]:
    """Names of a repository's files."""
    found = (path.relative_to(repository) for path in repository.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if "__pycache__" not in path.parts)
