"""Whether the organization's policy can be read, asked of the very archive that the jobs will read it with."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from catalog.cloud_archives import CodeArchive

NAME = "catalog/policy.yaml"


def policy_mistakes(jobs: CodeArchive, policy: CodeArchive) -> list[str]:
    """Return a sentence for every mistake of the policy; a version would be rejected for each of them.

    The file is published alone, so that it can include the shipped policies and no other file.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "checks.pyz"
        archive.write_bytes(jobs.content)
        command = [sys.executable, str(archive), "check-policy", NAME]
        found = subprocess.run(command, input=policy.content, capture_output=True, check=False)
    if not found.returncode:
        return []
    said = found.stdout.decode("utf-8", "replace").splitlines()
    return said or [f"{NAME} cannot be checked: {found.stderr.decode('utf-8', 'replace').strip()[-300:]}"]
