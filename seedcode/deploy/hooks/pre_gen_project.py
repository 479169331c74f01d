"""Refuse answers that could not work, all together, before anything is written."""  # noqa: INP001  a script

from __future__ import annotations

import re
import sys

REPO_NAME = "{{ cookiecutter.repo_name }}"
PROD_INSTANCE_COUNT = "{{ cookiecutter.prod_instance_count }}"


def mistakes() -> list[str]:
    """What is wrong with the answers, one sentence each."""
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", REPO_NAME):
        found.append(f"repo_name {REPO_NAME!r} must be small letters, digits and single hyphens, a letter first")
    if not re.fullmatch(r"[1-9][0-9]?", PROD_INSTANCE_COUNT):
        found.append(f"prod_instance_count {PROD_INSTANCE_COUNT!r} must be a whole number from 1 to 99")
    return found


if __name__ == "__main__":
    for mistake in mistakes():
        print(mistake, file=sys.stderr)
    sys.exit(1 if mistakes() else 0)
