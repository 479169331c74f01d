"""Refuse answers that could not work, all together, before anything is written."""  # noqa: INP001  a script

from __future__ import annotations

import re
import sys

REPO_NAME = "{{ cookiecutter.repo_name }}"
AUC_THRESHOLD = "{{ cookiecutter.auc_threshold }}"


def mistakes() -> list[str]:
    """What is wrong with the answers, one sentence each."""
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", REPO_NAME):
        found.append(f"repo_name {REPO_NAME!r} must be small letters, digits and single hyphens, a letter first")
    if not re.fullmatch(r"0\.[5-9][0-9]*", AUC_THRESHOLD):
        found.append(f"auc_threshold {AUC_THRESHOLD!r} must be a number from 0.5 up to, but not including, 1")
    return found


if __name__ == "__main__":
    for mistake in mistakes():
        print(mistake, file=sys.stderr)
    sys.exit(1 if mistakes() else 0)
