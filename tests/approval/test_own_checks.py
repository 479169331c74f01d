"""An organization's own check: one file in one folder, and every examination knows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from catalog.cloud_archives import jobs_archive

ROOT = Path(__file__).parents[2]
CHECK = '''"""Checks of Acme."""

from lockgate_checks.check import check, passed


@check(id="acme.region", question="Was the model built from a region's own image?")
def region(lineage):
    """The image comes from another region."""
    return passed(f"the image is {lineage['image']}")
'''
ASK = "from lockgate_checks.registry import installed_checks; print(*[check.id for check in installed_checks()])"


def known(archive: bytes, folder: Path) -> list[str]:
    """The checks that a job from this archive knows."""
    place = folder / "jobs.pyz"
    place.write_bytes(archive)
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {ASK}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_file_in_the_folder_is_a_check_of_every_examination(tmp_path: Path) -> None:
    """It is packed with the jobs and found there; without the file there is no such check."""
    root = tmp_path / "root"
    for part in ("catalog/jobs", "checks/src"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    before = known(jobs_archive(root).content, tmp_path)
    (root / "catalog" / "jobs" / "own_checks" / "acme.py").write_text(CHECK, encoding="utf-8")
    after = known(jobs_archive(root).content, tmp_path)
    assert "lineage.complete" in before
    assert set(after) - set(before) == {"acme.region"}
