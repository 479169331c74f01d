"""`python3 lockgate-checks-<digest>.pyz VERB ...`: one verb per job."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

VERBS: Mapping[str, str] = {
    "recompute": "lockgate_jobs.recompute",
    "evaluate": "lockgate_jobs.evaluate",
    "watch": "lockgate_jobs.watch",
    "check-policy": "lockgate_jobs.check_policy",
}
"""Module by verb, one for each job and one for `lockgate publish`; each has `main(arguments)`.

Only the module that is asked for is imported.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code."""
    parser = argparse.ArgumentParser(prog="lockgate-checks", description=__doc__)
    parser.add_argument("verb", choices=sorted(VERBS))
    options, rest = parser.parse_known_args(argv)
    run: Callable[[Sequence[str]], int] = import_module(VERBS[options.verb]).main
    return run(rest)


if __name__ == "__main__":
    sys.exit(main())
